# Trains Spark on streamed dialogues until the given minutes of work are used up; a second start goes on from the checkpoint.
# Owns batches, optimizers and checkpoints. `python3 train.py --minutes 120`
import argparse
import concurrent.futures
import math
import multiprocessing
import os
import re
import signal
import sys
import time

import torch

import circuits
import export
import generate
import model
import template
import today
import tokenizer
import words

HERE = os.path.dirname(os.path.abspath(__file__))
PACK, LONG = 3072, 6144  # tokens of a pack, and of a pack for one dialogue that is longer


# How much a token of an answer counts. Most tokens are easy; what decides is whether to call, what to call, and where a name
# starts. A story's words are a free choice, so that most of their loss is noise.
START, DECISION, VALUE, CALL, TEXT, STORY = 6.0, 3.0, 2.0, 1.0, 0.7, 0.2
STORY_LENGTH = 300
VALUES = re.compile(rb'"(?:name|area|floor|item|message|search_query|color)": "([^"]*)"|: \[?"?([^"\[\]{},]+)')


WORD = re.compile(rb"[A-Za-z]{3,}")
COMMON = {b"the", b"and", b"for", b"you", b"that", b"user", b"start", b"end"}


def answer_weights(tok, text, ids, request):
    """`request`: the user's words before, in lower case. What an answer takes from them is copied, and counts as a value."""
    starts, offset, data = {}, 0, text.encode()
    if "<tool_call>" in text:
        plain = CALL
        for match in VALUES.finditer(data):
            first, last = match.span(match.lastindex) if match.lastindex else (0, 0)
            starts[first] = START
            starts.update({at: VALUE for at in range(first + 1, last + 1)})  # the end of a name too
    else:
        plain = STORY if len(text) > STORY_LENGTH else TEXT
        for match in WORD.finditer(data):
            if match.group().lower() in request:
                starts.update({at: VALUE for at in range(match.start(), match.end() + 1)})
    weights = []
    for token in ids:
        weights.append(starts.get(offset, plain))
        offset += len(tok.tokens[token])  # a character of a token is a byte
    weights[0] = DECISION
    return weights


# A device of the prompt's list, as template.listed leaves it.
ENTRY = re.compile(rb"^-([^:\n]+):([^:\n<]+)(?::([^\n<]+))?", re.MULTILINE)
HINTED = 0.6  # share of the training after which no hints are given; they count less and less until then
LISTED, REQUESTED = 2, 3  # before which layer the hints of a list and of a request are given: the second ones build on the first


def hints(tok, text, ids, first):
    """Places in a device list, and for each the token that the device's name starts with: a device is called by its name, so
    whatever tells which one is meant, a later word of the name, its domain, its area, has to lead there. `first`: the place of ids[0]."""
    offsets, offset = [], 0
    for token in ids:
        offsets.append(offset)
        offset += len(tok.tokens[token])
    at = {o: i for i, o in enumerate(offsets)}
    for entry in ENTRY.finditer(text.encode()):
        start = entry.start(1)
        name = start
        for part in entry.group(1).split(b", "):
            yield from ((first + at[o], ids[at[start]]) for o in range(start + 1, start + len(part)) if o in at and start in at)
            start += len(part) + 2
        for group in (2, 3):
            yield from ((first + at[o], ids[at[name]]) for o in range(*entry.span(group)) if o in at and name in at)


KINDS = {word for groups in (words.DOMAIN_PLURAL, today.KINDS) for group in groups.values() for word in group}


def request_hints(tok, text, ids, first, calls):
    """Places in a request that say which device is meant, by words of its name, or where there are none by its kind ("the lights"),
    and for each the token that the called name starts with."""
    names = [c["function"]["arguments"]["name"] for c in calls if "name" in c["function"]["arguments"]]
    said = {}
    for name in names:
        for word in set(name.lower().split(" ")):
            said[word] = None if word in said else tok.encode(name)[0]  # a word of two names tells neither
    spans = [(m.span(), said.get(m.group().lower().decode())) for m in re.finditer(rb"[^\s,.!?<]+", text.encode())]
    if len(names) == 1 and all(target is None for _, target in spans):
        spans = [(m.span(), tok.encode(names[0])[0]) for m in re.finditer(rb"[a-z]+(?: players)?", text.encode().lower()) if m.group().decode() in KINDS]
    offset = 0
    for i, token in enumerate(ids):
        # A token may begin with the space before its word.
        yield from ((first + i, target) for (start, end), target in spans if target is not None and start - 1 <= offset < end and offset + len(tok.tokens[token]) > start)
        offset += len(tok.tokens[token])


def encoded(tok, dialogue):
    """Token ids of a dialogue, the places whose next token the model has to say, how much each of these counts, and hints by layer."""
    ids, places, weights, request, hinted = [], [], [], set(), {LISTED: [], REQUESTED: []}
    answers = iter(dialogue["messages"][i + 1] for i, m in enumerate(dialogue["messages"]) if m["role"] == "user")
    for text, own in template.segments(dialogue["messages"], dialogue["tools"]):
        part = tok.encode(text)
        if own:
            places += range(len(ids) - 1, len(ids) - 1 + len(part))
            weights += answer_weights(tok, text, part, request)
        elif text.startswith(f"{template.IM_START}system"):
            hinted[LISTED] += hints(tok, text, part, len(ids))
        elif text.startswith(f"{template.IM_START}user"):
            request = {w.lower() for w in WORD.findall(text.encode())} - COMMON
            hinted[REQUESTED] += request_hints(tok, text, part, len(ids), next(answers).get("tool_calls", ()))
        ids += part
    return ids, places, weights, hinted


def packed(tok, dialogues, size):
    """Dialogues one behind the other, as a pack of `size` tokens: (ids, starts, places, targets, weights, hints). The rest of it is a
    sequence of padding and the number of targets is rounded up: oneDNN compiles a kernel for every new shape."""
    ids, starts, places, targets, weights, hinted = [], [0], [], [], [], {LISTED: [], REQUESTED: []}
    for part, spots, counts, told in dialogues:
        for layer in hinted:
            hinted[layer] += [(len(ids) + place, target) for place, target in told[layer]]
        places += [len(ids) + s for s in spots]
        targets += [part[s + 1] for s in spots]
        weights += counts
        ids = ids + part
        starts.append(len(ids))
    if len(ids) < size:
        ids = ids + [tok.eos] * (size - len(ids))
        starts.append(size)
    spare = -len(targets) % 256
    return ids, starts, places + [0] * spare, targets + [-1] * spare, weights + [0.0] * spare, hinted


def batches(seed, first, queue):
    """Endless packs from the dialogue number `first` on, of PACK tokens each; a dialogue that is longer has a pack of LONG tokens."""
    tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
    index, waiting = first, []
    while True:
        chosen, used = [], 0
        while True:
            while len(waiting) < 24:
                dialogue = encoded(tok, generate.dialogue(seed, index))
                index += 1
                if len(dialogue[0]) <= PACK:
                    waiting.append(dialogue)
                elif len(dialogue[0]) <= LONG:
                    queue.put((index, *packed(tok, [dialogue], LONG)))
            # The oldest first, then whatever fits best into the rest.
            fitting = [w for w in waiting if used + len(w[0]) <= PACK]
            if not fitting:
                break
            best = fitting[0] if not chosen else max(fitting, key=lambda w: len(w[0]))
            waiting.remove(best)
            chosen.append(best)
            used += len(best[0])
        queue.put((index, *packed(tok, chosen, PACK)))


def orthogonal(m, real):
    """Newton-Schulz towards the nearest orthogonal matrix (Muon: K. Jordan, 2024), computed in the type `real`."""
    x = m.to(real)
    wide = x.shape[0] > x.shape[1]
    x = x.t() if wide else x
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.t()
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.t() if wide else x).float()


class Optimizer:
    """Muon for the layers' matrices, AdamW for the embedding and the norms."""

    def __init__(self, spark, muon_lr, adam_lr):
        self.spark, self.muon_lr, self.adam_lr, self.steps = spark, muon_lr, adam_lr, 0
        self.state = {n: [torch.zeros_like(w)] + ([torch.zeros_like(w)] if not self.is_matrix(n) else []) for n, w in spark.weights.items()}

    @staticmethod
    def is_matrix(name):
        return ".attn_qkv" in name or ".attn_output" in name or ".ffn_gate_up" in name or ".ffn_down" in name

    def step(self, grads, factor, pool):
        """One step with the gradients of the mean loss; the weights are shared out among the threads of the pool."""
        self.steps += 1
        size = math.sqrt(sum(float(g.pow(2).sum()) for g in grads.values()))
        clip = min(1.0, 1.0 / (size + 1e-6))
        list(pool.map(lambda name: self.update(name, grads[name].mul_(clip), factor), grads))

    def update(self, name, g, factor):
        w = self.spark.weights[name]
        if self.is_matrix(name):
            momentum = self.state[name][0]
            momentum.mul_(0.95).add_(g)
            g.add_(momentum, alpha=0.95)
            # The fused matrices are several: q, k and v, gate and up.
            pieces = 3 if "qkv" in name else 2 if "gate_up" in name else 1
            change = torch.cat([orthogonal(p, self.spark.real) for p in g.chunk(pieces)])
            lr = self.muon_lr * factor * math.sqrt(max(1.0, w.shape[0] / pieces / w.shape[1]))
            w.mul_(1 - lr * 0.01).add_(change, alpha=-lr)
        else:
            first, second = self.state[name]
            first.mul_(0.9).add_(g, alpha=0.1)
            second.mul_(0.98).addcmul_(g, g, value=0.02)
            a, b = 1 - 0.9 ** self.steps, 1 - 0.98 ** self.steps
            w.addcdiv_(first / a, (second / b).sqrt_().add_(1e-8), value=-self.adam_lr * factor)


def gradients_of(spark, rounded, pack, hint):
    _, ids, starts, places, targets, weights, hinted = pack
    whole = lambda x: torch.tensor(x, dtype=torch.int32)
    told = {}
    for layer, pairs in hinted.items() if hint else ():
        spare = -len(pairs) % 256
        told[layer] = (torch.tensor([p for p, _ in pairs] + [0] * spare), whole([t for _, t in pairs] + [-1] * spare),
                       torch.tensor([hint] * len(pairs) + [0.0] * spare))
    told = {layer: x for layer, x in told.items() if x[0].numel()}
    return spark.gradients(rounded, torch.tensor(ids), whole(starts), torch.tensor(places), whole(targets), torch.tensor(weights), told)


def rate(done, cooldown):
    """Learning-rate factor by the share of work done: a short warm-up, constant, then down to 3 % in a straight line."""
    if done < 0.01:
        return done / 0.01
    return 1.0 if done < 1 - cooldown else max(0.03, (1 - done) / cooldown)


def save(path, spark, optimizer, progress):
    torch.save({"config": spark.config, "weights": spark.weights, "optimizer": optimizer.state, "steps": optimizer.steps, "progress": progress}, path + ".new")
    os.replace(path + ".new", path)


def start_from(spark, path, tok):
    """The weights of a shipped file, for a start without a checkpoint: the optimizers begin anew. A token that the file has
    not starts as the mean of the file's tokens that spell it. Layers that it has not are put in the middle and write nothing
    at first, so that the model answers as the file's does."""
    saved = export.load(path)
    added = spark.n_layer - saved["config"]["n_layer"]
    if added < 0 or {**saved["config"], "vocab": spark.vocab, "n_layer": spark.n_layer} != spark.config:
        raise ValueError(f"{path} has another shape ({saved['config']})")
    rows, old = saved["weights"]["token_embd"], tokenizer.Tokenizer(saved["merges"])
    middle = saved["config"]["n_layer"] // 2
    for name, w in saved["weights"].items():
        block = re.fullmatch(r"blk\.(\d+)\.(.*)", name)
        number = int(block[1]) if block else 0
        spark.weights[f"blk.{number + added}.{block[2]}" if number >= middle else name] = w
    for number in range(middle, middle + added):
        fresh = model.Spark(spark.n_layer, spark.n_embd, spark.n_ff, 1).weights
        for part in ("attn_norm", "ffn_norm", "attn_qkv", "ffn_gate_up"):
            spark.weights[f"blk.{number}.{part}"] = fresh[f"blk.{number}.{part}"]
        for part in ("attn_output", "ffn_down"):
            spark.weights[f"blk.{number}.{part}"] = torch.zeros_like(fresh[f"blk.{number}.{part}"])
    spark.weights["token_embd"] = torch.stack([rows[old.ids[t]] if t in old.ids else rows[old.pieces(list(t))].mean(0) for t in tok.tokens])


def openblas_core():
    """OpenBLAS 0.3.21 takes a processor that it does not know for one of 2004, at a quarter of the speed: then it is told."""
    with open("/proc/cpuinfo") as file:
        flags = file.read().split()
    return {"OPENBLAS_CORETYPE": "SkylakeX"} if "avx512f" in flags and "avx512_bf16" not in flags else {}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--minutes", type=float, default=120)
    p.add_argument("--checkpoint", default=os.path.join(model.CACHE, "spark.pt"))
    p.add_argument("--initial", help="a GGUF file whose weights to start from when there is no checkpoint, for example the one that ships")
    p.add_argument("--layers", type=int, default=6, help="as many as the shipped file has")
    p.add_argument("--ffn", type=int, default=768)
    p.add_argument("--muon-lr", type=float, default=0.01)
    p.add_argument("--adam-lr", type=float, default=0.003)
    p.add_argument("--cooldown", type=float, default=0.4, help="share of the time in which the learning rate falls")
    p.add_argument("--hints", type=float, default=0.4, help="how much a hint counts, see README.md")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--packs", type=int, default=4, help=f"packs of {PACK} tokens a step")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()

    # Each thread works on packs of its own and they meet once a step: on a machine that others use too, threads that wait
    # for one another in every matrix product come to a standstill.
    torch.set_num_threads(1)
    pool = concurrent.futures.ThreadPoolExecutor(a.threads, initializer=torch.set_num_threads, initargs=(1,))
    tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
    spark = model.Spark(n_layer=a.layers, n_ff=a.ffn, vocab=len(tok.tokens), seed=a.seed)
    circuits.put_in(spark.weights, tok.tokens, spark.n_embd, torch.Generator().manual_seed(a.seed))
    optimizer = Optimizer(spark, a.muon_lr, a.adam_lr)
    progress = {"seconds": 0.0, "index": 0, "tokens": 0}
    if os.path.exists(a.checkpoint):
        c = torch.load(a.checkpoint)
        if c["config"] != spark.config:
            raise ValueError(f"{a.checkpoint} has another shape or vocabulary ({c['config']}): name another --checkpoint, or remove it")
        spark.weights, optimizer.state, optimizer.steps, progress = c["weights"], c["optimizer"], c["steps"], c["progress"]
    elif a.initial:
        start_from(spark, a.initial, tok)
    print(f"{spark.parameters()} parameters, step {optimizer.steps}, {progress}", flush=True)

    queue = multiprocessing.Queue(4 * a.packs)
    worker = multiprocessing.Process(target=batches, args=(a.seed, progress["index"], queue), daemon=True)
    worker.start()
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))  # finish the step, save, leave
    last, saved, mean, hits, since, since_time = time.time(), time.time(), 0.0, 0.0, 0, time.time()
    while progress["seconds"] < a.minutes * 60 and not stopped:
        rounded = spark.rounded()
        packs = [queue.get() for _ in range(a.packs)]
        index = packs[-1][0]
        done = progress["seconds"] / (a.minutes * 60)
        hint = a.hints * max(0.0, 1 - done / HINTED)
        results = list(pool.map(lambda p: gradients_of(spark, rounded, p, hint), packs))
        count = sum(r[2] for r in results)
        loss, right = sum(r[0] for r in results) / count, sum(r[1] for r in results) / count
        grads = {name: sum(r[3][name].float() for r in results).div_(count) for name in spark.weights}
        optimizer.step(grads, rate(done, a.cooldown), pool)
        now = time.time()
        progress = {"seconds": progress["seconds"] + min(now - last, 30), "index": index, "tokens": progress["tokens"] + sum(len(p[1]) for p in packs)}
        last, since = now, since + sum(len(p[1]) for p in packs)
        mean, hits = (loss, right) if optimizer.steps == 1 or mean == 0 else (0.95 * mean + 0.05 * loss, 0.95 * hits + 0.05 * right)
        if optimizer.steps % 20 == 0:
            print(f"step {optimizer.steps} loss {mean:.4f} right {hits:.4f} tokens {progress['tokens'] / 1e6:.2f}M minutes {progress['seconds'] / 60:.1f} "
                  f"{since / (now - since_time):.0f} tok/s" + "".join(f", hints before layer {i}: {x:.2f} right" for i, x in spark.hinted.items()), flush=True)
            since, since_time = 0, now
        if now - saved > 120:
            save(a.checkpoint, spark, optimizer, progress)
            saved = now
    save(a.checkpoint, spark, optimizer, progress)
    worker.terminate()


if __name__ == "__main__":
    if "GLIBC_TUNABLES" not in os.environ:
        # Freed activations stay with the process: a third of the time went into mapping and clearing their pages. glibc and
        # OpenMP read this when a process starts, so it starts anew.
        tunables = "glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592:glibc.malloc.arena_max=1"
        core = {} if "OPENBLAS_CORETYPE" in os.environ else openblas_core()
        os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, GLIBC_TUNABLES=tunables, OMP_NUM_THREADS="1", **core))
    main()
