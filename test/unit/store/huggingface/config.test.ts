import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { readConfig } from "../../../../src/store/huggingface/config.js";
import { Folder } from "../../../../src/store/huggingface/folder.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { config } from "./faults.js";

test("config.json: other architectures, missing sizes and unknown scalings are refused", async (t) => {
  const folder = temporaryFolder(t);
  const read = (changes: object) => {
    writeFileSync(path.join(folder, "config.json"), JSON.stringify({ ...config, ...changes }));
    return readConfig(new Folder(folder));
  };
  assert.equal((await read({})).headDim, 16);
  for (const changes of [
    { architectures: ["MambaForCausalLM"] },
    { architectures: [] },
    { hidden_size: undefined },
    { hidden_size: -64 },
    { hidden_size: 2 ** 40 },
    { num_attention_heads: 7 },
    { rope_scaling: { rope_type: "dynamic", factor: 2 } },
  ]) {
    await assert.rejects(read(changes), { code: "IMPORT_UNSUPPORTED" }, JSON.stringify(changes));
  }
  writeFileSync(path.join(folder, "config.json"), "{");
  await assert.rejects(readConfig(new Folder(folder)), { code: "IMPORT_UNSUPPORTED" });
});
