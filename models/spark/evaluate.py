# Measures a checkpoint, rounded to Q8_0 as it ships, on the held-out sets, greedily, with PyTorch.
# `python3 evaluate.py [--checkpoint FILE] [--part commands,refusals,questions,stories,today,states,tools,idle,perplexity] [--limit N] [--failures N]`
import argparse
import collections
import json
import os
import re

import torch

import export
import gguf
import heldout_judge
import model
import template
import tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))


class Runner:
    """Batched greedy decoding with a KV cache, plain PyTorch: the reference of the shipped file."""

    def __init__(self, path):
        saved = export.load(path)
        self.c, self.steps = saved["config"], saved["steps"]
        self.w = {n: torch.from_numpy(gguf.q8_0_values(w.numpy())) if w.dim() == 2 else w for n, w in saved["weights"].items()}
        angle = torch.arange(model.CONTEXT)[:, None] * model.ROPE_BASE ** (-torch.arange(0, model.HEAD_DIM, 2) / model.HEAD_DIM)
        self.cos, self.sin = angle.cos(), angle.sin()
        self.heads = self.c["n_embd"] // model.HEAD_DIM

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + model.NORM_EPS) * self.w[name]

    def rotate(self, x, positions):
        c, s = self.cos[positions][:, None], self.sin[positions][:, None]  # x: [n, heads, head_dim]
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)

    def forward(self, ids, positions, attend):
        """ids [n] -> hidden [n, n_embd]; attend(layer, q, k, v) -> [n, heads, head_dim] owns the cache."""
        h = self.w["token_embd"][ids]
        for i in range(self.c["n_layer"]):
            b = f"blk.{i}."
            q, k, v = (self.norm(h, b + "attn_norm") @ self.w[b + "attn_qkv"].t()).view(len(ids), 3, self.heads, -1).unbind(1)
            h = h + attend(i, self.rotate(q, positions), self.rotate(k, positions), v).flatten(1) @ self.w[b + "attn_output"].t()
            gate, up = (self.norm(h, b + "ffn_norm") @ self.w[b + "ffn_gate_up"].t()).chunk(2, -1)
            h = h + (torch.nn.functional.silu(gate) * up) @ self.w[b + "ffn_down"].t()
        return self.norm(h, "output_norm")

    def prefill(self, ids):
        """Hidden states of a prompt, and its keys and values [n_layer][n, heads, head_dim]."""
        cache, n = [], len(ids)
        mask = torch.full((n, n), float("-inf")).triu(1)

        def attend(_, q, k, v):
            cache.append((k, v))
            scores = torch.einsum("qhd,khd->hqk", q, k) * model.HEAD_DIM ** -0.5 + mask
            return torch.einsum("hqk,khd->qhd", scores.softmax(-1), v)
        return self.forward(torch.tensor(ids), torch.arange(n), attend), cache

    @torch.no_grad()
    def generate(self, prompts, eos, limit):
        """Greedy continuations of the prompts (lists of ids), decoded together."""
        size, longest = len(prompts), max(len(p) for p in prompts) + limit
        keys = torch.zeros(self.c["n_layer"], size, self.heads, longest, model.HEAD_DIM)
        values, lengths, last = torch.zeros_like(keys), torch.tensor([len(p) for p in prompts]), []
        for j, prompt in enumerate(prompts):
            hidden, cache = self.prefill(prompt)
            for i, (k, v) in enumerate(cache):
                keys[i, j, :, :len(prompt)], values[i, j, :, :len(prompt)] = k.transpose(0, 1), v.transpose(0, 1)
            last.append(hidden[-1])
        out, alive = [[] for _ in prompts], [True] * size
        hidden, rows = torch.stack(last), torch.arange(size)
        for _ in range(limit):
            ids = (hidden @ self.w["token_embd"].t()).argmax(-1)
            for j in range(size):
                alive[j] = alive[j] and int(ids[j]) != eos
                if alive[j]:
                    out[j].append(int(ids[j]))
            if not any(alive):
                break
            hide = torch.arange(longest)[None, :] > lengths[:, None]

            def attend(i, q, k, v):
                keys[i, rows, :, lengths], values[i, rows, :, lengths] = k, v
                scores = torch.einsum("bhd,bhtd->bht", q, keys[i]) * model.HEAD_DIM ** -0.5
                scores = scores.masked_fill(hide[:, None], float("-inf"))
                return torch.einsum("bht,bhtd->bhd", scores.softmax(-1), values[i])
            hidden = self.forward(ids, lengths, attend)
            lengths = lengths + 1
        return out


def calls_of(text):
    """The tool calls of an answer, or None when one is not JSON."""
    try:
        return [json.loads(t) for t in re.findall(r"<tool_call>\s*(.*?)\s*</tool_call>", text, re.S)]
    except json.JSONDecodeError:
        return None


def passes(row, answer):
    expect = row["expect"]
    if "calls" in expect:
        return calls_of(answer) == expect["calls"]
    if "contains" in expect:
        return "<tool_call>" not in answer and answer.strip() != "" and all(t.lower() in answer.lower() for t in expect["contains"])
    if "keywords" in expect:
        return "<tool_call>" not in answer and all(t.lower() in answer.lower() for t in expect["keywords"])
    return good_story(answer) and named(answer, expect["subject"])


def named(answer, subject):
    return subject.lower() in answer.lower()


def good_story(answer):
    """Not empty, and no four words more than three times."""
    tokens = answer.lower().split()
    grams = collections.Counter(zip(tokens, tokens[1:], tokens[2:], tokens[3:]))
    return len(tokens) > 20 and max(grams.values()) <= 3


def perplexity(runner, tok):
    with open(os.path.join(HERE, "heldout", "dialogues.txt")) as file:
        ids = tok.encode(file.read())
    total, count = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(ids) - 1, 1024):
            part = ids[i:i + 1024]
            hidden, _ = runner.prefill(part)
            logp = torch.log_softmax(hidden @ runner.w["token_embd"].t(), -1)
            total -= float(logp[torch.arange(len(part) - 1), torch.tensor(part[1:])].sum())
            count += len(part) - 1
    return 2.718281828459045 ** (total / count)


def answer_all(runner, tok, rows, limit):
    """[(row, answer)], decoded in batches of prompts about as long as each other."""
    encoded = [(r, tok.encode("".join(t for t, _ in template.segments(r["messages"], r["tools"], True)))) for r in rows]
    encoded.sort(key=lambda r: len(r[1]))
    results = []
    for i in range(0, len(encoded), 32):
        batch = encoded[i:i + 32]
        outs = runner.generate([ids for _, ids in batch], tok.eos, limit)
        results += [(row, tok.decode(out)) for (row, _), out in zip(batch, outs)]
    return results


def at_most(rows, limit):
    return [rows[i * len(rows) // limit] for i in range(limit)] if limit and len(rows) > limit else rows


def show(results, passed, count):
    for row, answer in [r for r in results if not passed(*r)][:count]:
        print("  ", row["id"], json.dumps(row["messages"][-1]["content"], ensure_ascii=False), "\n      wanted", json.dumps(row["expect"], ensure_ascii=False),
              "\n      got   ", json.dumps(answer, ensure_ascii=False))


def measure_today(runner, tok, part, a):
    """A set of today. A question on states has two answers: the call that reads them, and the words."""
    rows = at_most(heldout_judge.read(os.path.join(HERE, "heldout"), part), a.limit)
    results = answer_all(runner, tok, rows, 160)
    if part == "states":
        read = [(row, answer) for row, answer in results if heldout_judge.reads_states(row, answer)]
        unread = [r for r in results if not any(r[0] is row for row, _ in read)]
        results = unread + answer_all(runner, tok, [{**row, "messages": heldout_judge.after_reading(row, answer)} for row, answer in read], 160)
    passed = heldout_judge.passes
    groups = collections.Counter(row["category"] for row, _ in results)
    right = collections.Counter(row["category"] for row, answer in results if passed(row, answer))
    print(f"step {runner.steps} {part}: {right.total()} of {len(results)}, " + ", ".join(f"{name} {right[name]}/{count}" for name, count in sorted(groups.items())), flush=True)
    show(results, passed, a.failures)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--checkpoint", default=os.path.join(model.CACHE, "spark.pt"))
    p.add_argument("--part", default="commands,refusals,questions,stories")
    p.add_argument("--limit", type=int, default=0, help="at most so many lines of a part, evenly taken")
    p.add_argument("--failures", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    tok, runner = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json")), Runner(a.checkpoint)
    for part in a.part.split(","):
        if part == "perplexity":
            print(f"perplexity of heldout/dialogues.txt, windows of 1024: {perplexity(runner, tok):.4f}")
            continue
        if part in heldout_judge.SETS:
            measure_today(runner, tok, part, a)
            continue
        with open(os.path.join(HERE, "heldout", part + ".jsonl")) as file:
            rows = at_most([json.loads(line) for line in file], a.limit)
        results = answer_all(runner, tok, rows, 320 if part == "stories" else 160)
        good = [r for r in results if passes(*r)]
        line = f"step {runner.steps} {part}: {len(good)} of {len(results)}"
        if part == "commands":
            line += "".join(f", {name} {sum(passes(*r) for r in group)} of {len(group)}" for name, group in
                            (("ordinary", [r for r in results if not r[0]["made_up"]]), ("made-up", [r for r in results if r[0]["made_up"]])))
        if part == "stories":
            line += f" (named in {sum(named(x, r['expect']['subject']) for r, x in results)}, without loops {sum(good_story(x) for _, x in results)}, " \
                    f"different {len({x for _, x in results})})"
        print(line, flush=True)
        show(results, passes, a.failures)


if __name__ == "__main__":
    main()
