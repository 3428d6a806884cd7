# A byte-level BPE tokenizer: training, encoding and the GGUF form ("gpt2" model, "qwen2" pre-tokenizer).
# Knows text only. Two rules keep a name's tokens the same wherever it stands (device list, request, tool call):
# merges never join a space, quote or other mark with letters while a word is being built; a space joins a finished
# whole word only, by merges of the lowest rank.
import collections
import json
import re
import sys
import unicodedata

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"]
VOCAB_SIZE = 3072
SPACED_WORDS = 700  # how many "space + word" tokens close the vocabulary


def _ranges(prefix):
    """A character class of the Unicode category, as Python's re lacks \\p{L} and \\p{N}."""
    spans, start = [], None
    for c in range(0x110000 + 1):
        inside = c < 0x110000 and unicodedata.category(chr(c)).startswith(prefix)
        if inside and start is None:
            start = c
        elif not inside and start is not None:
            spans.append(f"\\U{start:08x}-\\U{c - 1:08x}")
            start = None
    return "".join(spans)


_L, _N = _ranges("L"), _ranges("N")
PRE_TOKENIZER = re.compile(rf"'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n{_L}{_N}]?[{_L}]+|[{_N}]| ?[^\s{_L}{_N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
_SPECIAL_SPLIT = re.compile("(" + "|".join(re.escape(s) for s in SPECIAL) + ")")


def byte_characters():
    """GPT-2's printable stand-in for every byte."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in plain:
            table[b] = chr(b)
        else:
            table[b], extra = chr(256 + extra), extra + 1
    return table


BYTES = byte_characters()
UNBYTES = {c: b for b, c in BYTES.items()}
SPACE = BYTES[32]


def to_characters(text):
    return "".join(BYTES[b] for b in text.encode())


def train(texts, vocab_size=VOCAB_SIZE, spaced_words=SPACED_WORDS, min_word_count=30):
    """The merges, in rank order. Rare words (made-up names) take no part: their letters shall stay short pieces."""
    counts = collections.Counter()
    for text in texts:
        for part in _SPECIAL_SPLIT.split(text):
            if part not in SPECIAL:
                counts.update(PRE_TOKENIZER.findall(part))
    bodies, spaced = collections.Counter(), collections.Counter()
    for piece, n in counts.items():
        stripped = piece.lstrip(" ") if piece.strip() else piece
        if stripped[:1].isalpha() or (len(piece) > 1 and piece[1].isalpha()):
            body = piece if piece[0].isalpha() else piece[1:]
            bodies[to_characters(body)] += n
            if piece[0] == " ":
                spaced[to_characters(body)] += n
        else:
            bodies[to_characters(piece)] += n
    pieces = {tuple(w): n for w, n in bodies.items() if n >= min_word_count and len(w) > 1}
    wanted = vocab_size - 256 - len(SPECIAL) - spaced_words
    merges, tokens = [], set(BYTES.values())
    while len(merges) < wanted:
        pairs = collections.Counter()
        for symbols, n in pieces.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        tokens.add(best[0] + best[1])
        joined = {}
        for symbols, n in pieces.items():
            merged = tuple(_merge(symbols, best))
            joined[merged] = joined.get(merged, 0) + n
        pieces = joined
    for body, _ in spaced.most_common():
        if len(merges) == vocab_size - 256 - len(SPECIAL):
            break
        if body in tokens:
            merges.append((SPACE, body))
    return merges


def _merge(symbols, pair):
    i, n = 0, len(symbols)
    while i < n:
        if i + 1 < n and symbols[i] == pair[0] and symbols[i + 1] == pair[1]:
            yield pair[0] + pair[1]
            i += 2
        else:
            yield symbols[i]
            i += 1


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.tokens = SPECIAL + [BYTES[b] for b in range(256)] + [a + b for a, b in self.merges]
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.eos = self.ids["<|im_end|>"]
        self.cache = {}

    @classmethod
    def load(cls, path):
        with open(path) as file:
            return cls(json.load(file)["merges"])

    def save(self, path):
        with open(path, "w") as file:
            json.dump({"merges": self.merges}, file, ensure_ascii=False, indent=0)
            file.write("\n")

    def _piece(self, piece):
        symbols = list(to_characters(piece))
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda p: self.rank.get(p, 1 << 30))
            if best not in self.rank:
                break
            symbols = list(_merge(symbols, best))
        return [self.ids[s] for s in symbols]

    def encode(self, text):
        """Ids of a text, special tokens parsed."""
        out = []
        for part in _SPECIAL_SPLIT.split(text):
            if part in SPECIAL:
                out.append(self.ids[part])
                continue
            for piece in PRE_TOKENIZER.findall(part):
                ids = self.cache.get(piece)
                if ids is None:
                    ids = self._piece(piece)
                    if len(self.cache) < 200_000:
                        self.cache[piece] = ids
                out += ids
        return out

    def decode(self, ids):
        out = bytearray()
        for i in ids:
            token = self.tokens[i]
            out += token.encode() if i < len(SPECIAL) else bytes(UNBYTES[c] for c in token)
        return out.decode("utf-8", "replace")


if __name__ == "__main__":
    import generate
    import template
    corpus = []
    for i in range(int(sys.argv[2])):
        d = generate.dialogue(1, i)
        corpus.append("".join(t for t, _ in template.segments(d["messages"], d["tools"])))
    Tokenizer(train(corpus)).save(sys.argv[1])
