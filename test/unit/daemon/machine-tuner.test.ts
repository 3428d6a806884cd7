import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { loadConfig } from "../../../src/config/load.js";
import { MachineTuner } from "../../../src/daemon/machine-tuner.js";
import { FakeEngineModule } from "../../fake-engine/module.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { q4, q6, ways } from "../../helpers/matmul-trials.js";

test("what was measured is kept for this machine, kind by kind, and only what its CPU can run is used", async (t) => {
  const folder = temporaryFolder(t);
  const { config } = loadConfig({ env: {}, flags: {} });
  const module = new FakeEngineModule({
    matmuls: { kinds: [q4], ways, speed: (_kind, { way }) => (way === ways[1] ? 2e9 : 1e9) },
  });
  const model = await module.loadModel("fake.gguf", { vocabularyOnly: false });
  const tuner = new MachineTuner(config, folder, module, new FakeClock());
  assert.equal(tuner.findMatmuls([q4]), null);
  await tuner.measureMatmuls(model);
  assert.deepEqual(tuner.findMatmuls([q4]), [{ ...q4, one: ways[1], few: ways[1], many: ways[0] }]);
  assert.equal(tuner.findMatmuls([q4, q6]), null);

  const file = path.join(folder, "tunings.json");
  writeFileSync(file, readFileSync(file, "utf8").replaceAll("wide:streams:256", "sve:streams:256"));
  assert.equal(tuner.findMatmuls([q4]), null, "this CPU has no such kernels");
});
