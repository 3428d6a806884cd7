/** The recommended sampling in the headers of files, as the engine reads it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { temporaryFolder } from "../helpers/folder.js";
import { makeGguf } from "../helpers/gguf.js";
import { spark } from "../helpers/home.js";

test("numbers below general.sampling are read whatever their type, and texts are left out", async (t) => {
  const file = path.join(temporaryFolder(t), "m.gguf");
  const keys = { "general.sampling.top_k": 20, "general.sampling.sequence": "kpt", "general.samplings": 3 };
  writeFileSync(file, makeGguf({ bytes: 64, keys }));
  const { sampling } = await loadEngineModule().describeFile(file);
  assert.deepEqual(sampling, { top_k: 20 });
});

test("the model that comes with hearth asks for greedy answers, loaded or not", async () => {
  const engine = loadEngineModule();
  assert.deepEqual((await engine.describeFile(spark)).sampling, { temp: 0 });
  assert.deepEqual((await engine.loadModel(spark, { vocabularyOnly: false })).info.sampling, { temp: 0 });
});
