import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";

/** Less than the daemon and 140 MB of weights take. */
const budgetBytes = 200_000_000;
const small = {
  HEARTH_CONTEXT_TOKENS: "256",
  HEARTH_SLOTS: "1",
  HEARTH_PREFIX_MEMORY_BYTES: "0",
  HEARTH_SPECULATION: "false",
};

async function complete({ url }: TestDaemon): Promise<string> {
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", prompt: "a b c d e f g h", temperature: 0, max_tokens: 6, logprobs: 5 }),
  });
  assert.equal(response.status, 200);
  const { choices } = (await response.json()) as { choices: object };
  return JSON.stringify(choices);
}

/** Metrics of the model that streams, by its labels. */
async function weights({ url }: TestDaemon): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^hearth_weights_(\w+)\{model="[^"]*"(?:,place="(\w+)")?\} (\S+)$/gm)].map(
      ([, name = "", place = "", value]) => [place || name, Number(value)] as const,
    ),
  );
}

test("a model that does not fit answers the same, and says what it reads for each token", async (t) => {
  const model = path.join(temporaryFolder(t), "large.gguf");
  await loadEngineModule().writeSyntheticModel("smollm2-135m", "q8_0", model);
  const fitting = await startDaemon(t, { model, env: small });
  await fitting.logged("the model is ready");
  const expected = await complete(fitting);
  assert.deepEqual([...(await weights(fitting))], []);
  fitting.kill("SIGTERM");
  await fitting.exited;

  const streaming = await startDaemon(t, { model, env: { ...small, HEARTH_MEMORY_BUDGET_BYTES: String(budgetBytes) } });
  await streaming.logged("the model is ready");
  const told = await streaming.logged("the model does not fit in memory");
  assert.equal(told.limit, "memory.budget_bytes");
  assert.equal(await complete(streaming), expected);
  const read = await weights(streaming);
  const of = (name: string) => read.get(name) ?? Number.NaN;
  assert.ok(of("streamed") > 20e6 && of("kept") + of("streamed") > 130e6, JSON.stringify([...read]));
  // The prompt and five of the answer's six tokens. What the ring still holds of the pass before is not read again, and a machine that
  // is short of memory meanwhile streams more at the end than at first.
  assert.ok(of("read_bytes") > 4 * of("streamed"), JSON.stringify([...read]));
  assert.ok(of("reading_seconds") > 0 && of("ring") > 0);
});

test("a daemon picks sizes that fit, says them, and reads what the plan says", async (t) => {
  const model = path.join(temporaryFolder(t), "large.gguf");
  await loadEngineModule().writeSyntheticModel("smollm2-135m", "q8_0", model);
  const env = { HEARTH_MEMORY_BUDGET_BYTES: String(budgetBytes) };
  const daemon = await startDaemon(t, { model, env });
  const { plan, sizes, memory } = (await daemon.logged("the plan of the model")) as unknown as {
    plan: readonly string[];
    sizes: { contextTokens: number; slots: number; kvType: string };
    memory: { keptBytes: number; streamedBytes: number; kvBytes: number };
  };
  assert.match(
    plan[0] ?? "",
    /of weights stay in memory, [\d.]+ MB are read for each token; context \d+ \(not 8192\), /,
  );
  const ready = (await daemon.logged("the model is ready")) as unknown as {
    options: { contextTokens: number; maxSequences: number; kvType: string };
  };
  assert.equal(ready.options.contextTokens, sizes.contextTokens);
  assert.equal(ready.options.maxSequences, sizes.slots);
  assert.equal(ready.options.kvType, sizes.kvType);
  assert.ok(sizes.contextTokens < 8192 && memory.kvBytes < budgetBytes / 3);
  const read = await weights(daemon);
  const near = (place: string, bytes: number) => Math.abs((read.get(place) ?? 0) / bytes - 1) < 0.1;
  assert.ok(
    near("kept", memory.keptBytes) && near("streamed", memory.streamedBytes),
    JSON.stringify([...read, memory]),
  );
});

test("a daemon keeps to the sizes that are set", async (t) => {
  const model = path.join(temporaryFolder(t), "large.gguf");
  await loadEngineModule().writeSyntheticModel("smollm2-135m", "q8_0", model);
  const env = { ...small, HEARTH_KV_TYPE: "f16", HEARTH_MEMORY_BUDGET_BYTES: String(budgetBytes) };
  const daemon = await startDaemon(t, { model, env });
  const ready = await daemon.logged("the model is ready");
  const { contextTokens, maxSequences, kvType } = ready.options as Record<string, unknown>;
  assert.deepEqual({ contextTokens, maxSequences, kvType }, { contextTokens: 256, maxSequences: 1, kvType: "f16" });
});
