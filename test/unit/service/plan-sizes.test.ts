import assert from "node:assert/strict";
import { test } from "node:test";
import { memorySize } from "../../../src/cli/memory-size.js";
import type { MemoryPlan } from "../../../src/engine/contract.js";
import { proposals, quantizationWithin } from "../../../src/service/plan/advice.js";
import {
  choose,
  fits,
  kvTokensFor,
  type Sizes,
  smallerAndSmaller,
  type Wish,
  withSizes,
} from "../../../src/service/plan/sizes.js";
import { memoryPlan, plannedOptions } from "../../helpers/memory-plan.js";

const mib = 1024 * 1024;
const usual: Wish = {
  contextTokens: 8192,
  slots: 4,
  kvType: "f16",
  prefixBytes: 256 * mib,
  kvTokens: 0,
  fixed: new Set(),
};

/** A machine with so much room, and a model of so many bytes: what each of the sizes takes of it. */
function planOf(sizes: Sizes, room: number, weights: number, canStream = true): MemoryPlan {
  const perToken = sizes.kvType === "f16" ? 100_000 : 56_000;
  const kvBytes = perToken * kvTokensFor(sizes);
  const others = kvBytes + sizes.prefixBytes + 50e6;
  const isWhole = !canStream || weights + others <= room;
  const ringBytes = isWhole ? 0 : 20e6;
  const keptBytes = isWhole ? weights : Math.max(0, room - others - ringBytes);
  return memoryPlan({
    options: withSizes(plannedOptions, sizes),
    budgetBytes: room,
    kvBytes,
    prefixBytes: sizes.prefixBytes,
    scratchBytes: 50e6,
    weightBytes: weights,
    keptBytes,
    streamedBytes: weights - keptBytes,
    ringBytes,
  });
}

function picked(wish: Wish, room: number, weights: number): Sizes {
  const all = smallerAndSmaller(wish, true);
  return all[choose(all.map((sizes) => planOf(sizes, room, weights)))] as Sizes;
}

test("what fits stays as it was wished", () => {
  const { fixed: _, ...sizes } = usual;
  assert.deepEqual(picked(usual, 8e9, 2e9), sizes);
});

test("a model that nearly fits gets smaller sizes until all of its weights are in memory", () => {
  const { contextTokens, kvType, prefixBytes } = picked(usual, 3e9, 2.3e9);
  assert.equal(contextTokens, 8192);
  assert.equal(kvType, "q8_0");
  assert.equal(prefixBytes, 64 * mib);
  const tighter = picked(usual, 2.6e9, 2.3e9);
  assert.equal(tighter.contextTokens, 4096);
});

test("weights are streamed rather than that a context gets too short for a home", () => {
  const tight = picked(usual, 2.5e9, 2.35e9);
  assert.ok(tight.contextTokens >= 4096);
  assert.ok(planOf(tight, 2.5e9, 2.35e9).streamedBytes > 0);
});

test("where weights are streamed all else takes a third of the memory at most", () => {
  for (const room of [0.5e9, 1e9, 2e9, 3e9]) {
    const sizes = picked(usual, room, 4e9);
    const plan = planOf(sizes, room, 4e9);
    assert.ok(fits(plan));
    assert.ok(plan.kvBytes + plan.prefixBytes + plan.scratchBytes <= room / 3, JSON.stringify(sizes));
  }
});

test("a context holds a usual conversation at least, as long as anything fits", () => {
  // 250 MB of the KV cache and activations at least, in 600 MB.
  const dear = (sizes: Sizes) => ({ ...planOf(sizes, 600e6, 4e9), scratchBytes: 200e6 });
  const all = smallerAndSmaller(usual, true);
  const chosen = all[choose(all.map(dear))];
  assert.equal(chosen?.contextTokens, 2048);
  assert.equal(chosen?.slots, 1);
  const tiny = all[choose(all.map((sizes) => ({ ...dear(sizes), budgetBytes: 270e6 })))];
  assert.equal(tiny?.contextTokens, 512);
});

test("what somebody set stays, whatever it takes", () => {
  const fixed: Wish = { ...usual, fixed: new Set(["contextTokens", "kvType"]) };
  for (const sizes of smallerAndSmaller(fixed, true)) {
    assert.equal(sizes.contextTokens, 8192);
    assert.equal(sizes.kvType, "f16");
  }
  const all: Wish = { ...usual, fixed: new Set(["contextTokens", "kvType", "slots", "prefixBytes", "kvTokens"]) };
  assert.equal(smallerAndSmaller(all, true).length, 1);
});

test("each proposal is smaller than the one before, and q8_0 only where the model can have it", () => {
  const all = smallerAndSmaller(usual, true);
  const bytes = all.map((sizes) => {
    const { kvBytes, prefixBytes } = planOf(sizes, 8e9, 1e9);
    return kvBytes + prefixBytes;
  });
  for (let i = 1; i < bytes.length; i++) assert.ok((bytes[i] ?? 0) <= (bytes[i - 1] ?? 0));
  assert.ok((bytes.at(-1) ?? 0) < 0.05 * (bytes[0] ?? 0));
  assert.ok(smallerAndSmaller(usual, false).every(({ kvType }) => kvType === "f16"));
});

test("the KV cache holds a context, and a usual conversation for each slot, unless somebody says how much", () => {
  assert.equal(kvTokensFor({ kvTokens: 0, contextTokens: 8192, slots: 2 }), 8192);
  assert.equal(kvTokensFor({ kvTokens: 0, contextTokens: 8192, slots: 8 }), 16_384);
  assert.equal(kvTokensFor({ kvTokens: 0, contextTokens: 512, slots: 4 }), 2048);
  assert.equal(kvTokensFor({ kvTokens: 999, contextTokens: 512, slots: 4 }), 999);
});

test("proposals change one thing at a time, and then all together", () => {
  const words = proposals({ ...usual, contextTokens: 4096 }, 32_768, true).map((proposal) => proposal.words);
  assert.deepEqual(words.slice(0, 5), [
    'kv.type = "q8_0"',
    "--context 2048",
    "--context 1024",
    "--context 512",
    "--slots 1",
  ]);
  assert.equal(words[5], '--context 2048, --slots 1, kv.type = "q8_0", prefix.memory_bytes = 0');
  // No longer context than the model was trained for.
  const [longest] = proposals({ ...usual, slots: 1, contextTokens: 131_072 }, 2048, false);
  assert.equal(longest?.sizes.contextTokens, 1024);
});

test("the largest usual quantization that the memory holds is named, and none where the file's is small enough", () => {
  const model = { parameters: 7e9 } as Parameters<typeof quantizationWithin>[0]["model"];
  assert.equal(quantizationWithin({ model }, 7.4e9, 8e9), null);
  assert.equal(quantizationWithin({ model }, 14e9, 8e9)?.type, "Q8_0");
  assert.equal(quantizationWithin({ model }, 7.4e9, 5e9)?.type, "Q5_K_M");
  assert.equal(quantizationWithin({ model }, 4e9, 3e9)?.type, "Q2_K");
  assert.equal(quantizationWithin({ model }, 4e9, 1e9), null);
});

test("sizes of memory are read with the units that people write", () => {
  const read = memorySize("--memory");
  const sizes: readonly (readonly [string, number])[] = [
    ["3000MB", 3000 * mib],
    ["4G", 4 * 1024 * mib],
    ["512MiB", 512 * mib],
    ["512 mb", 512 * mib],
    ["1.5GB", 1536 * mib],
    ["2T", 2 * 1024 * 1024 * mib],
    ["1048576", mib],
    ["2048k", 2 * mib],
    ["1073741824B", 1024 * mib],
  ];
  for (const [text, bytes] of sizes) assert.equal(read(text), bytes, text);
});

test("a size that is none says so, with examples", () => {
  const read = memorySize("--memory");
  for (const text of ["", "4 gigs", "-4G", "G", "1e9", "0x10", "4GG", "NaN", "1.2.3G"]) {
    assert.throws(() => read(text), /--memory takes a size such as 3000MB, 4G or 512MiB, not "/, text);
  }
  for (const text of ["0", "1", "1000k", "99999T"]) {
    assert.throws(() => read(text), /takes a size from 1048576 to \d+ bytes, such as/, text);
  }
});
