import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMemory, describeSpeed } from "../../../src/service/plan/describe.js";
import { manyColumns, predict, type Speeds } from "../../../src/service/plan/predict.js";
import { memoryPlan, plannedOptions } from "../../helpers/memory-plan.js";

const gb = 1e9;
const speeds = (part: Partial<Speeds> = {}): Speeds => ({
  diskBytesPerSecond: 0.4 * gb,
  weights: [{ type: "Q4_0", rowLength: 4096, one: 8 * gb, many: 2 * gb }],
  ...part,
});
const streaming = memoryPlan({ keptBytes: 2.4 * gb, streamedBytes: 1.6 * gb, ringBytes: 0.05 * gb });

function near(actual: number | null, expected: number): void {
  assert.ok(actual !== null && Math.abs(actual / expected - 1) < 1e-6, `${actual} is not ${expected}`);
}

test("weights in memory take the time that the measured speed says", () => {
  const { secondsPerToken, boundBy, streamedBytesPerToken, weightBytesPerToken } = predict(memoryPlan(), speeds());
  near(secondsPerToken, 0.5);
  assert.equal(boundBy, "memory");
  assert.equal(streamedBytesPerToken, 0);
  assert.equal(weightBytesPerToken, 4 * gb);
  const slow = [{ type: "Q4_0", rowLength: 4096, one: 2 * gb, many: gb }];
  near(predict(memoryPlan(), speeds({ weights: slow })).secondsPerToken, 2);
});

test("streamed weights take the time of the disk, or that of memory where it is longer", () => {
  const { secondsPerToken, boundBy } = predict(streaming, speeds());
  near(secondsPerToken, 1.6 / 0.4);
  assert.equal(boundBy, "disk");
  const fast = predict(streaming, speeds({ diskBytesPerSecond: 16 * gb }));
  near(fast.secondsPerToken, 0.5);
  assert.equal(fast.boundBy, "memory");
});

test("what was not measured is not known, and nothing else depends on it", () => {
  assert.equal(predict(streaming, speeds({ diskBytesPerSecond: null })).secondsPerToken, null);
  assert.equal(predict(streaming, speeds({ diskBytesPerSecond: null })).firstTokenSeconds, null);
  near(predict(memoryPlan(), speeds({ diskBytesPerSecond: null })).secondsPerToken, 0.5);
  assert.equal(predict(memoryPlan(), speeds({ weights: [] })).secondsPerToken, null);
});

test("a kind that was not measured is as fast as its type, or as the largest kind", () => {
  const matmuls = [
    { type: "Q4_0", rowLength: 4096, bytes: 2 * gb, expertBytes: 0 },
    { type: "Q4_0", rowLength: 11_008, bytes: gb, expertBytes: 0 },
    { type: "Q6_K", rowLength: 4096, bytes: gb, expertBytes: 0 },
  ];
  const weights = [
    { type: "Q4_0", rowLength: 4096, one: 8 * gb, many: 2 * gb },
    { type: "Q6_K", rowLength: 256, one: 4 * gb, many: gb },
  ];
  near(predict(memoryPlan({ matmuls }), speeds({ weights })).secondsPerToken, 3 / 8 + 1 / 4);
});

test("a prompt reads streamed weights once for each step, and steps are those of the scheduler", () => {
  // 16, 32, 64, 128, 256 and the last 504 tokens: six readings of 1.6 GB, which take longer than the arithmetic.
  const { firstTokenSeconds, promptTokens } = predict(
    streaming,
    speeds({ weights: [{ type: "Q4_0", rowLength: 4096, one: 80 * gb, many: 80 * gb }] }),
  );
  assert.equal(promptTokens, 1000);
  near(firstTokenSeconds, (6 * 1.6) / 0.4);
});

test("a prompt in memory takes the time of its arithmetic, and no longer one than the context has", () => {
  const perToken = 4 / 2 / manyColumns;
  const first = predict(memoryPlan(), speeds()).firstTokenSeconds;
  assert.ok(first !== null && first >= 1000 * perToken && first < 1100 * perToken + 1, String(first));
  const short = memoryPlan({ options: { ...plannedOptions, contextTokens: 300 } });
  assert.equal(predict(short, speeds()).promptTokens, 299);
});

test("of experts a token reads the share that it uses", () => {
  const plan = memoryPlan({
    matmuls: [{ type: "Q4_0", rowLength: 4096, bytes: gb, expertBytes: 3 * gb }],
    experts: 64,
    expertsUsed: 8,
  });
  const { weightBytesPerToken, secondsPerToken } = predict(plan, speeds());
  near(weightBytesPerToken, (1 + 3 / 8) * gb);
  near(secondsPerToken, (1 + 3 / 8) / 8);
  const streamed = { keptBytes: 2 * gb, streamedBytes: 2 * gb, streamedExpertBytes: 2 * gb };
  const some = predict({ ...plan, ...streamed }, speeds());
  near(some.streamedBytesPerToken, (2 / 8) * gb);
  near(some.secondsPerToken, (1 + 3 / 8) / 8 + 2 / 8 / 0.4);
});

test("a plan says in a line what stays, what is read, and what became smaller", () => {
  const wished = { contextTokens: 8192, slots: 4, kvType: "f16", prefixBytes: 256e6, kvTokens: 0 } as const;
  const options = { ...plannedOptions, kvType: "q8_0", maxSequences: 2, prefixBytes: 0 } as const;
  assert.equal(
    describeMemory({ ...streaming, options }, wished),
    "2.4 GB of 4.0 GB of weights stay in memory, 1.6 GB are read for each token; context 4096 (not 8192), 2 (not 4) slots, KV cache q8_0 (not f16), 500 MB, 0 B for prompts that come again",
  );
  const same = { ...wished, contextTokens: 4096, slots: 1, prefixBytes: 0 };
  assert.equal(
    describeMemory(memoryPlan(), same),
    "all 4.0 GB of weights fit in memory; context 4096, 1 slot, KV cache f16, 500 MB",
  );
  // A context that the model was not trained for is no news.
  assert.match(describeMemory(memoryPlan(), { ...same, contextTokens: 512 }), /context 4096,/);
});

test("a plan says how fast in a line, or nothing where it does not know", () => {
  assert.equal(
    describeSpeed(predict(memoryPlan(), speeds())),
    "about 2.0 tokens a second, 16 s to the first one after a prompt of 1,000",
  );
  assert.equal(describeSpeed(predict(streaming, speeds({ diskBytesPerSecond: null }))), null);
});
