# A byte-level BPE tokenizer: training, encoding and the GGUF form ("gpt2" model, "qwen2" pre-tokenizer).
# Knows text only. Three rules keep a name's tokens the same wherever it stands (device list, request, tool call):
# merges never join a space, quote or other mark with letters while a word is being built; a space joins a finished
# whole word only, by merges of the lowest rank; and "Kitchen" is cut where "kitchen" is.
import collections
import json
import re
import sys
import unicodedata

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"]
VOCAB_SIZE = 2304
NAME_PIECES, NAME_PIECE_LETTERS = 900, 3  # among the first so many merges are pieces of names, of so many letters at most
SPACED_WORDS = 450  # how many "space + word" tokens close the vocabulary


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


def train(texts, name_words, vocab_size=VOCAB_SIZE, spaced_words=SPACED_WORDS, min_word_count=30):
    """The merges, in rank order. First the frequent pieces of all words; then the other words whole, but no more of `name_words`
    (lower case), of which names are made: few pieces, all of them often copied, spell every name, known or new. Rare words
    (made-up names) take no part. A merge of lower-case letters is followed by the same merge with a capital."""
    counts = collections.Counter()
    for text in texts:
        for part in _SPECIAL_SPLIT.split(text):
            if part not in SPECIAL:
                counts.update(PRE_TOKENIZER.findall(part))
    bodies, spaced, capital_starts = collections.Counter(), collections.Counter(), set()
    for piece, n in counts.items():
        stripped = piece.lstrip(" ") if piece.strip() else piece
        if stripped[:1].isalpha() or (len(piece) > 1 and piece[1].isalpha()):
            body = to_characters(piece if piece[0].isalpha() else piece[1:])
            if piece[0] == " " and body.lower() not in name_words:
                spaced[body] += n
            if body[1:].islower() and body[0].isupper():
                body = body.lower()
                capital_starts.update(body[:k] for k in range(2, len(body) + 1))
            bodies[body] += n
        else:
            bodies[to_characters(piece)] += n
    pieces = {tuple(w): n for w, n in bodies.items() if n >= min_word_count and len(w) > 1}
    inside_names = {w[i:j] for w in name_words for i in range(len(w)) for j in range(i + 1, len(w) + 1)}
    wanted = vocab_size - 256 - len(SPECIAL) - spaced_words
    merges, tokens = [], set(BYTES.values())

    def allowed(joined):
        letters = joined.lower()
        if not letters.isalpha() or letters not in inside_names:
            return True
        return len(merges) < NAME_PIECES and len(letters) <= NAME_PIECE_LETTERS

    while len(merges) < wanted:
        pairs = collections.Counter()
        for symbols, n in pieces.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        pairs = {p: n for p, n in pairs.items() if allowed(p[0] + p[1]) and (p[0] + p[1]) not in tokens}
        if not pairs:
            break
        a, b = max(pairs, key=lambda p: (pairs[p], p))
        new = [(a, b)]
        if a + b in capital_starts and a[0].upper() + a[1:] + b not in tokens:
            new.append((a[0].upper() + a[1:], b))
        for best in new:
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
        if body in tokens and len(body) > 1:
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

    def pieces(self, symbols):
        """Ids of one pre-token, given in byte characters."""
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
                    ids = self.pieces(list(to_characters(piece)))
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
    import words
    corpus = []
    for i in range(int(sys.argv[2])):
        d = generate.dialogue(1, i)
        corpus.append("".join(t for t, _ in template.segments(d["messages"], d["tools"])))
    Tokenizer(train(corpus, words.name_words())).save(sys.argv[1])
