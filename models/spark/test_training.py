# Self-check of the written-out gradients, and of a start from a smaller file. `python3 -m unittest` in this folder; needs PyTorch and g++.
import os
import tempfile
import unittest

import torch

import evaluate
import export
import model
import tokenizer
import train

HERE = os.path.dirname(os.path.abspath(__file__))


def autograd(spark, ids, starts, places, targets, weights, hints):
    """The weighted loss by PyTorch's own gradients, a sequence at a time."""
    w = {name: x.clone().requires_grad_() for name, x in spark.weights.items()}
    runner = evaluate.Runner.__new__(evaluate.Runner)
    runner.c, runner.w, runner.heads = spark.config, w, spark.n_head
    runner.cos, runner.sin = spark.rope.chunk(2, 1)
    residuals, norm = [], runner.norm

    def watched(x, name):
        if name == "blk.2.attn_norm":
            residuals.append(x)
        return norm(x, name)
    runner.norm = watched
    hidden = torch.cat([runner.prefill(ids[a:b].tolist())[0] for a, b in zip(starts, starts[1:])])
    told = torch.cat(residuals)[hints[0]]
    told = told * torch.rsqrt(told.pow(2).mean(-1, keepdim=True) + model.NORM_EPS) * model.HINT_SCALE
    told = torch.nn.functional.cross_entropy(told @ w["token_embd"].detach().t(), hints[1].long(), reduction="none", ignore_index=-1) * hints[2]
    losses = torch.nn.functional.cross_entropy(hidden[places] @ w["token_embd"].t(), targets.long(), reduction="none", ignore_index=-1)
    ((losses * weights).sum() + told.sum()).backward()
    return float(losses.sum()), {name: x.grad for name, x in w.items()}


class Gradients(unittest.TestCase):
    def test_they_are_those_of_autograd(self):
        g = torch.Generator().manual_seed(1)
        spark = model.Spark(n_layer=3, n_embd=128, n_ff=256, vocab=64, seed=1)
        ids, starts = torch.randint(0, 64, (90,), generator=g), torch.tensor([0, 40, 90], dtype=torch.int32)
        places = torch.tensor([3, 7, 39, 41, 60, 88, 0, 0])
        targets = torch.tensor([1, 2, 3, 4, 5, 6, -1, -1], dtype=torch.int32)  # the last two are padding
        weights = torch.tensor([1, 2, 0.5, 1, 3, 1, 0, 0])
        hints = torch.tensor([2, 50, 89, 0]), torch.tensor([9, 8, 7, -1], dtype=torch.int32), torch.tensor([0.5, 1, 2, 0])
        loss, _, count, grads = spark.gradients(spark.rounded(), ids, starts, places, targets, weights, {2: hints})
        true_loss, true_grads = autograd(spark, ids, starts.tolist(), places, targets, weights, hints)
        self.assertEqual(count, 6)
        exact = spark.real == torch.float32
        self.assertAlmostEqual(loss, true_loss, places=3 if exact else 0)
        for name, grad in grads.items():
            error = float((grad.float() - true_grads[name]).norm() / true_grads[name].norm())
            self.assertLess(error, 1e-4 if exact else 3e-2, name)


class Hints(unittest.TestCase):
    def test_every_later_word_of_a_device_leads_to_the_start_of_its_name(self):
        tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        text = "<|im_start|>system\nDevices:\n-Kitchen Lamp, Zorvaq:light:Kitchen<|im_end|>\n"
        ids = tok.encode(text)
        said = [(tok.decode([ids[place - 5]]).strip(), tok.decode([target])) for place, target in train.hints(tok, text, ids, 5)]
        self.assertIn((tok.decode(tok.encode("light")[-1:]), tok.decode(tok.encode("Kitchen")[:1])), said)
        self.assertEqual({target for _, target in said}, {tok.decode(tok.encode(name)[:1]) for name in ("Kitchen", "Zorvaq")})
        self.assertNotIn("<|im_end|>", {place for place, _ in said})


    def test_the_words_of_a_request_that_mean_a_device_lead_to_its_name(self):
        tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        call = lambda name: {"function": {"name": "HassTurnOn", "arguments": {"name": name}}}
        for text, names, expected in (("Turn on the lamp<|im_end|>", ["Kitchen Lamp"], {"lamp": "K"}), ("the lights off", ["Zorvaq"], {"lights": "Z"}),
                                      ("kitchen lamp and bedroom lamp on", ["Kitchen Lamp", "Bedroom Lamp"], {"kitchen": "K", "bedroom": "B"})):
            ids, said = tok.encode(text), {}
            for place, target in train.request_hints(tok, text, ids, 0, [call(name) for name in names]):
                said.setdefault(tok.decode([target])[0], []).append(tok.decode([ids[place]]))
            self.assertEqual({"".join(parts).strip(): target for target, parts in said.items()}, expected)


class Start(unittest.TestCase):
    def test_added_layers_change_no_answer(self):
        shipped = os.path.join(HERE, "spark-q8_0.gguf")
        tok, saved = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json")), export.load(shipped)
        larger = model.Spark(n_layer=saved["config"]["n_layer"] + 2, vocab=len(tok.tokens))
        train.start_from(larger, shipped, tok)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "larger.pt")
            torch.save({"config": larger.config, "weights": larger.weights, "steps": 0}, path)
            ids = tok.encode("<|im_start|>user\nWhich port do you use?<|im_end|>\n<|im_start|>assistant\n")
            self.assertEqual(evaluate.Runner(path).generate([ids], tok.eos, 20), evaluate.Runner(shipped).generate([ids], tok.eos, 20))

    def test_a_file_of_another_width_is_refused(self):
        tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        with self.assertRaisesRegex(ValueError, "another shape"):
            train.start_from(model.Spark(n_ff=512, vocab=len(tok.tokens)), os.path.join(HERE, "spark-q8_0.gguf"), tok)


if __name__ == "__main__":
    unittest.main()
