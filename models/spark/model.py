# Spark's network for training: a Llama decoder whose forward and backward passes are written out, with the fused kernels
# of kernels.cpp between matrix products, bfloat16 or float32 as the processor has it. Knows no data, no optimizer and no files but the compiled kernels.
import ctypes
import math
import os
import subprocess

import torch

CACHE = os.environ.get("SPARK_CACHE", os.path.expanduser("~/.cache/hearth-spark"))
HEAD_DIM = 64
ROPE_BASE = 500000.0  # slow enough pairs compare content over a whole prompt; see circuits.py
NORM_EPS = 1e-5
CONTEXT = 8192
HINT_SCALE = 1.5    # sharp enough for a sure hint with the embedding's size


def load_kernels():
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.cpp")
    library = os.path.join(CACHE, f"kernels-{int(os.path.getmtime(source))}.so")
    if not os.path.exists(library):
        os.makedirs(CACHE, exist_ok=True)
        subprocess.run(["g++", "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", "-shared", "-fPIC", "-std=c++20", source, "-o", library + ".new"],
                       check=True)
        os.replace(library + ".new", library)
    kernels = ctypes.CDLL(library)
    return kernels, torch.bfloat16 if kernels.real_size() == 2 else torch.float32


def at(tensor):
    return ctypes.c_void_p(tensor.data_ptr() if tensor is not None else None)


class Spark:
    """Weights in float32 under llama.cpp's tensor names."""

    def __init__(self, n_layer=5, n_embd=256, n_ff=768, vocab=3072, seed=0):
        self.config = {"n_layer": n_layer, "n_embd": n_embd, "n_ff": n_ff, "vocab": vocab}
        self.n_layer, self.n_embd, self.n_ff, self.vocab, self.n_head = n_layer, n_embd, n_ff, vocab, n_embd // HEAD_DIM
        g = torch.Generator().manual_seed(seed)
        self.weights = {"token_embd": torch.randn(vocab, n_embd, generator=g) * 0.02, "output_norm": torch.ones(n_embd)}
        shrink = 1 / math.sqrt(2 * n_layer)
        for i in range(n_layer):
            w = {"attn_norm": torch.ones(n_embd), "ffn_norm": torch.ones(n_embd),
                 "attn_qkv": torch.randn(3 * n_embd, n_embd, generator=g) * n_embd ** -0.5,
                 "attn_output": torch.randn(n_embd, n_embd, generator=g) * n_embd ** -0.5 * shrink,
                 "ffn_gate_up": torch.randn(2 * n_ff, n_embd, generator=g) * n_embd ** -0.5,
                 "ffn_down": torch.randn(n_embd, n_ff, generator=g) * n_ff ** -0.5 * shrink}
            self.weights.update({f"blk.{i}.{k}": v for k, v in w.items()})
        angle = torch.arange(CONTEXT)[:, None] * ROPE_BASE ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)
        self.rope = torch.cat([angle.cos(), angle.sin()], 1).float().contiguous()
        self.hinted = {}  # share of right hints of the last pack, by layer
        self.kernels, self.real = load_kernels()

    def parameters(self):
        return sum(w.numel() for w in self.weights.values())

    def rounded(self):
        """The matrices as `gradients` multiplies them: once a step for all its parts."""
        return {name: w.to(self.real) for name, w in self.weights.items() if w.dim() == 2}

    def gradients(self, rounded, ids, starts, places, targets, weights, hints={}):
        """ids [n] of all sequences one after another, starts [n_seq + 1]; loss at `places` [m] against `targets` [m] (int32, -1 for padding),
        `weights` [m] (float32) saying how much each counts. `hints` {layer: (places, targets, weights)} are more of such, taken where a layer
        begins: what the tokens of a prompt shall know by then, which no answer's loss says so plainly. Losses and tokens counted are without them.
        Returns (sum of losses, right tokens, targets, gradients of the weighted sum). Several threads may call it at once."""
        k, n, m, d, f = self.kernels, ids.numel(), targets.numel(), self.n_embd, self.n_ff
        n_seq, count = starts.numel() - 1, int((targets >= 0).sum())
        new = lambda *shape: torch.empty(*shape, dtype=self.real)
        h, delta, saved, told = self.weights["token_embd"][ids], None, [], {}

        def norm(name):
            rows = h.shape[0]
            total, y, inv = torch.empty(rows, d), new(rows, d), torch.empty(rows)
            k.norm_forward(at(h), at(delta), at(self.weights[name]), at(total), at(y), at(inv), rows, d)
            return total, y, inv

        for i in range(self.n_layer):
            b = f"blk.{i}."
            h, y1, inv1 = norm(b + "attn_norm")
            if i in hints:
                told[i] = self.hint_gradients(rounded, h, *hints[i], i)
            h1, qkv = h, y1 @ rounded[b + "attn_qkv"].t()
            a, lse = new(n, d), torch.empty(self.n_head, n)
            k.attention_forward(at(qkv), at(a), at(lse), at(starts), n_seq, self.n_head, at(self.rope), n)
            used = a
            if i == self.n_layer - 1:  # from here on only the places count
                used, h = a[places], h[places]
            delta = used @ rounded[b + "attn_output"].t()
            h, y2, inv2 = norm(b + "ffn_norm")
            gate_up = y2 @ rounded[b + "ffn_gate_up"].t()
            s = new(h.shape[0], f)
            k.swiglu_forward(at(gate_up), at(s), h.shape[0], f)
            delta = s @ rounded[b + "ffn_down"].t()
            saved.append((h1, y1, inv1, qkv, a, used, lse, h, y2, inv2, gate_up, s))
        h, y, inv = norm("output_norm")

        logits = y @ rounded["token_embd"].t()
        losses, right = torch.empty(m), torch.empty(m)
        k.cross_entropy(at(logits), at(targets), at(weights), at(losses), at(right), m, self.vocab)

        grads = {name: torch.zeros_like(w) for name, w in self.weights.items() if w.dim() == 1}
        d_embd = (logits.t() @ y).float()
        dh, dn = torch.zeros(m, d), new(m, d)

        def norm_back(name, total, inv, dy):
            k.norm_backward(at(total), at(inv), at(self.weights[name]), at(dy), at(dh), at(dn), at(grads[name]), dh.shape[0], d)

        def spread(x):
            """Rows of the places among zeros for all tokens; padding points at place 0 and comes last."""
            out = torch.zeros(n, d, dtype=x.dtype)
            out[places[:count]] = x[:count]
            return out

        norm_back("output_norm", h, inv, logits @ rounded["token_embd"])
        for i in reversed(range(self.n_layer)):
            b = f"blk.{i}."
            h1, y1, inv1, qkv, a, used, lse, h2, y2, inv2, gate_up, s = saved.pop()
            grads[b + "ffn_down"] = dn.t() @ s
            ds, dgu = dn @ rounded[b + "ffn_down"], new(dn.shape[0], 2 * f)
            k.swiglu_backward(at(gate_up), at(ds), at(dgu), dn.shape[0], f)
            grads[b + "ffn_gate_up"] = dgu.t() @ y2
            norm_back(b + "ffn_norm", h2, inv2, dgu @ rounded[b + "ffn_gate_up"])
            grads[b + "attn_output"] = dn.t() @ used
            da, dqkv = dn @ rounded[b + "attn_output"], new(n, 3 * d)
            if i == self.n_layer - 1:
                da, dh, dn = spread(da), spread(dh), new(n, d)
            k.attention_backward(at(qkv), at(a), at(da), at(lse), at(dqkv), at(starts), n_seq, self.n_head, at(self.rope), n)
            grads[b + "attn_qkv"] = dqkv.t() @ y1
            norm_back(b + "attn_norm", h1, inv1, dqkv @ rounded[b + "attn_qkv"])
            if i in hints:
                dh.index_add_(0, hints[i][0], told[i])
                dn = dh.to(self.real)
        grads["token_embd"] = d_embd.index_add_(0, ids, dh)
        return float(losses.sum()), float(right.sum()), count, grads

    def hint_gradients(self, rounded, h, places, targets, weights, layer):
        """Gradients of the hints' weighted loss for the rows of h at their places; the embedding gets none."""
        k, m, d = self.kernels, targets.numel(), self.n_embd
        rows, scale = h[places], torch.full((d,), HINT_SCALE)
        total, y, inv = torch.empty(m, d), torch.empty(m, d, dtype=self.real), torch.empty(m)
        k.norm_forward(at(rows), at(None), at(scale), at(total), at(y), at(inv), m, d)
        logits, losses, right = y @ rounded["token_embd"].t(), torch.empty(m), torch.empty(m)
        k.cross_entropy(at(logits), at(targets), at(weights), at(losses), at(right), m, self.vocab)
        out, narrow, unused = torch.zeros(m, d), torch.empty(m, d, dtype=self.real), torch.zeros(d)
        dy = logits @ rounded["token_embd"]
        k.norm_backward(at(total), at(inv), at(scale), at(dy), at(out), at(narrow), at(unused), m, d)
        self.hinted[layer] = float(right.sum()) / max(1, int((targets >= 0).sum()))
        return out
