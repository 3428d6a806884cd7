# A checkpoint as the shipped GGUF file: llama's tensor names, matrices as Q8_0, norms as F32, vocabulary and chat template.
# `python3 export.py [checkpoint] [file]`
import os
import sys

import numpy
import torch

import gguf
import model
import template
import tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4
# The tool-call marks are text that a client's parser must see; the other special tokens are not.
TOKEN_TYPES = {"<|endoftext|>": CONTROL, "<|im_start|>": CONTROL, "<|im_end|>": CONTROL, "<tool_call>": USER_DEFINED, "</tool_call>": USER_DEFINED}
FILE_TYPE_Q8_0 = 7


def split_weights(weights):
    """Fused matrices taken apart; every name as llama.cpp has it. Tied embedding: there is no output.weight."""
    out = {}
    for name, w in weights.items():
        if name.endswith("attn_qkv"):
            for part, x in zip("qkv", w.chunk(3)):
                out[name.replace("attn_qkv", f"attn_{part}")] = x
        elif name.endswith("ffn_gate_up"):
            for part, x in zip(("gate", "up"), w.chunk(2)):
                out[name.replace("ffn_gate_up", f"ffn_{part}")] = x
        else:
            out[name] = w
    return {f"{name}.weight": w.numpy() for name, w in out.items()}


def load(path):
    """{"config", "weights", "steps"} of a checkpoint, or of a file that `main` wrote (steps 0, weights as Q8_0 left them, and its "merges")."""
    if not path.endswith(".gguf"):
        return torch.load(path, map_location="cpu")
    metadata, tensors = gguf.read(path)
    key = lambda name: metadata[f"llama.{name}"]
    config = {"n_layer": key("block_count"), "n_embd": key("embedding_length"), "n_ff": key("feed_forward_length"), "vocab": key("vocab_size")}
    parts = {"attn_qkv": ("attn_q", "attn_k", "attn_v"), "ffn_gate_up": ("ffn_gate", "ffn_up")}
    weights = {name: tensors[f"{name}.weight"] for name in ("token_embd", "output_norm")}
    for i in range(config["n_layer"]):
        for name in ("attn_norm", "ffn_norm", "attn_qkv", "attn_output", "ffn_gate_up", "ffn_down"):
            weights[f"blk.{i}.{name}"] = numpy.concatenate([tensors[f"blk.{i}.{part}.weight"] for part in parts.get(name, (name,))])
    return {"config": config, "weights": {n: torch.from_numpy(w) for n, w in weights.items()}, "steps": 0, "merges": [tuple(m.split(" ")) for m in metadata["tokenizer.ggml.merges"]]}


def metadata(config, tok):
    heads = config["n_embd"] // model.HEAD_DIM
    return {
        "general.architecture": "llama", "general.type": "model", "general.name": "Spark", "general.license": "apache-2.0",
        "general.description": "The embedded model of hearthd: controls a home by tool calls, answers questions about hearthd, tells short stories.",
        "general.languages": ["en"], "general.sampling.temp": 0.0, "general.file_type": FILE_TYPE_Q8_0, "general.quantization_version": 2,
        "llama.context_length": model.CONTEXT, "llama.embedding_length": config["n_embd"], "llama.block_count": config["n_layer"],
        "llama.feed_forward_length": config["n_ff"], "llama.attention.head_count": heads, "llama.attention.head_count_kv": heads,
        "llama.attention.layer_norm_rms_epsilon": model.NORM_EPS, "llama.rope.freq_base": model.ROPE_BASE, "llama.rope.dimension_count": model.HEAD_DIM,
        "llama.vocab_size": config["vocab"],
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.tokens": tok.tokens,
        "tokenizer.ggml.token_type": [TOKEN_TYPES.get(t, NORMAL) for t in tok.tokens],
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in tok.merges],
        "tokenizer.ggml.bos_token_id": tok.ids["<|endoftext|>"], "tokenizer.ggml.eos_token_id": tok.eos,
        "tokenizer.ggml.padding_token_id": tok.ids["<|endoftext|>"], "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": template.JINJA,
    }


def main():
    checkpoint = sys.argv[1] if len(sys.argv) > 1 else os.path.join(model.CACHE, "spark.pt")
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "spark-q8_0.gguf")
    saved = load(checkpoint)
    tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
    tensors = {name: (gguf.Q8_0 if w.ndim == 2 else gguf.F32, w) for name, w in split_weights(saved["weights"]).items()}
    gguf.write(path, metadata(saved["config"], tok), tensors)
    print(f"{path}: {os.path.getsize(path)} bytes, step {saved['steps']}")


if __name__ == "__main__":
    main()
