# Start weights that copy: the induction circuit (Olsson et al., 2022, "In-context Learning and Induction Heads") put in by hand.
# A name in the device list must be copied letter by letter; from random weights that skill alone costs millions of tokens.
# Layer 0 looks one and two tokens back, layer 1 looks for places with the same past and copies what came next.
import torch

import model

CONSTANT = 0            # a residual dimension that every token has: attention by position needs something constant
EMBED_STD = 0.08        # large beside what a step of the optimizer adds, or the circuit would drown in the first steps
CONSTANT_VALUE = 0.48
OUTPUT_SCALE = 0.3      # so large an embedding, tied, would make the first logits too sure
NEAR = 8                # pairs of fast RoPE frequencies: they tell neighbours apart
FAR = 14                # pairs from here on turn so slowly that content can be compared over a whole prompt


def embeddings(tokens, n_embd, g):
    """Spellings of one word ("Kitchen", " kitchen") start alike, so that names match whatever their case."""
    bases, rows = {}, []
    for token in tokens:
        key = token.replace("\u0120", "").lower() or token
        if key not in bases:
            bases[key] = torch.randn(n_embd, generator=g)
        rows.append(0.8 * bases[key] + 0.6 * torch.randn(n_embd, generator=g))
    e = torch.stack(rows) * EMBED_STD
    e[:, CONSTANT] = CONSTANT_VALUE
    return e


def rotation(x, steps):
    """RoPE by `steps` positions of a head's vector."""
    theta = model.ROPE_BASE ** (-torch.arange(0, model.HEAD_DIM, 2) / model.HEAD_DIM) * steps
    a, b = x[0::2], x[1::2]
    return torch.stack([a * theta.cos() - b * theta.sin(), a * theta.sin() + b * theta.cos()], -1).flatten()


def put_in(weights, tokens, n_embd, g):
    """Overwrites the embedding and the attention of layers 0 and 1; all else keeps its random start."""
    hd = model.HEAD_DIM
    weights["token_embd"] = embeddings(tokens, n_embd, g)
    weights["output_norm"].fill_(OUTPUT_SCALE)
    for name, w in weights.items():
        if name.endswith(("attn_output", "ffn_down")):
            w.zero_()  # nothing but the circuit speaks at first
    size = (EMBED_STD ** 2 + CONSTANT_VALUE ** 2 / n_embd) ** 0.5
    constant, unit = CONSTANT_VALUE / size, EMBED_STD / size  # what the norm makes of them

    # Orthonormal directions without the constant one: 64 to know a token by, 64 for "one back", 64 for "two back".
    basis = torch.linalg.qr(torch.randn(n_embd, n_embd, generator=g))[0]
    basis[:, CONSTANT] = 0
    token, back1, back2 = basis[:hd], basis[hd:2 * hd], basis[2 * hd:3 * hd]

    qkv, out = weights["blk.0.attn_qkv"], weights["blk.0.attn_output"]
    pointer = torch.zeros(hd)
    pointer[0:2 * NEAR:2] = 8.0
    for head, (steps, place) in enumerate(((1, back1), (2, back2))):
        rows = slice(head * hd, (head + 1) * hd)
        for part, vector in enumerate((pointer, rotation(pointer, steps))):
            w = torch.zeros(hd, n_embd)
            w[:, CONSTANT] = vector / constant
            qkv[part * n_embd:(part + 1) * n_embd][rows] = w
        qkv[2 * n_embd:][rows] = token / unit
        out[:, rows] = place.t() * 2 * EMBED_STD

    # After layer 0 the norm divides by the embedding and two written parts.
    size = (size ** 2 + 2 * (2 * EMBED_STD) ** 2 * hd / n_embd) ** 0.5
    qkv, out = weights["blk.1.attn_qkv"], weights["blk.1.attn_output"]
    dims = torch.arange(2 * FAR, hd)
    for head in range(n_embd // hd):
        rows = slice(head * hd, (head + 1) * hd)
        q, k = torch.zeros(hd, n_embd), torch.zeros(hd, n_embd)
        chosen = torch.randperm(hd, generator=g)[:len(dims)]
        if head % 2 == 0:   # this token was there, one back
            q[dims], k[dims] = token[chosen] / EMBED_STD, back1[chosen] / (2 * EMBED_STD)
        else:               # this token one back, and the one before it two back
            half = len(dims) // 2
            q[dims[:half]], k[dims[:half]] = token[chosen[:half]] / EMBED_STD, back1[chosen[:half]] / (2 * EMBED_STD)
            q[dims[half:]], k[dims[half:]] = back1[chosen[half:]] / (2 * EMBED_STD), back2[chosen[half:]] / (2 * EMBED_STD)
        strength = 2.0 * size  # scores near 10 for a match and 0 otherwise: 36 dimensions * strength^2 / 8
        qkv[rows], qkv[n_embd:2 * n_embd][rows] = q * strength, k * strength
        part = torch.eye(n_embd)[rows]
        part[:, CONSTANT] = 0
        qkv[2 * n_embd:][rows] = part * size / EMBED_STD
        out[:, rows] = part.t() * 3 * EMBED_STD
