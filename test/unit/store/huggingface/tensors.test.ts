import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { readConfig } from "../../../../src/store/huggingface/config.js";
import { Folder } from "../../../../src/store/huggingface/folder.js";
import { mapTensors } from "../../../../src/store/huggingface/tensors.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { config } from "./faults.js";

/** Maps the tensors of a model that sees, with names behind `prefix` and `more` beside them; without the last `missing` ones. */
async function mapper(t: TestContext, missing = 0) {
  const folder = temporaryFolder(t);
  const gemma = { ...config, architectures: undefined };
  writeFileSync(
    path.join(folder, "config.json"),
    JSON.stringify({ architectures: ["Gemma3ForConditionalGeneration"], text_config: gemma }),
  );
  const model = await readConfig(new Folder(folder));
  const source = { file: 0, offset: 0, dtype: "BF16", shape: [4, 4] };
  const parts = ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];
  const rest = ["pre_feedforward_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];
  const names = ["embed_tokens", "norm", ...[...parts, ...rest].map((part) => `layers.0.${part}`)];
  names.length -= missing;
  const map = (prefix: string, ...more: string[]) =>
    mapTensors(model, {
      files: [],
      tensors: new Map([...names.map((name) => `${prefix}${name}.weight`), ...more].map((name) => [name, source])),
    });
  return { names, map };
}

test("tensors: the language part of a model that sees is taken", async (t) => {
  const { names, map } = await mapper(t);
  const mapped = map("language_model.model.", "vision_tower.x.weight", "language_model.lm_head.weight");
  assert.deepEqual(
    mapped.map(({ name }) => name).sort(),
    map("model.language_model.")
      .map(({ name }) => name)
      .sort(),
  );
  assert.equal(mapped.length, names.length);
  assert.equal(mapped.find(({ name }) => name === "output_norm.weight")?.add, 1);
});

test("tensors: unknown names are refused", async (t) => {
  const { map } = await mapper(t);
  assert.throws(() => map("model.", "model.layers.0.mystery.weight"), { code: "IMPORT_UNSUPPORTED" });
  assert.throws(() => map("model.", "model.layers.1.mlp.up_proj.weight"), { code: "IMPORT_UNSUPPORTED" });
});

test("tensors: missing ones are refused", async (t) => {
  const { map } = await mapper(t, 2);
  assert.throws(() => map("model."), { code: "IMPORT_BAD_TENSOR" });
});
