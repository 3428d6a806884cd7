import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { missing, shared } from "../../helpers/shared.js";
import { model, skip } from "./commands.js";

test("bench --json prints the documented object", { skip }, async (t) => {
  const result = await hearth(t, [
    "bench",
    shared("models/babyllama-Q8_0.gguf"),
    "-p",
    "32",
    "-n",
    "8",
    "-t",
    "1",
    "-r",
    "2",
    "--json",
  ]);
  assert.equal(result.status, 0, result.stderr);
  const { prefill, decode, memory, ...rest } = JSON.parse(result.stdout);
  assert.deepEqual(Object.keys(rest), ["model", "type", "isa", "threads", "rssBytes"]);
  assert.equal(rest.model, "babyllama-Q8_0");
  assert.equal(rest.type, "Q8_0");
  assert.equal(rest.threads, 1);
  assert.equal(prefill.tokens, 32);
  assert.equal(decode.tokens, 8);
  for (const value of [
    prefill.tokensPerSecond,
    decode.tokensPerSecond,
    decode.bytesPerToken,
    memory.readBytesPerSecond,
  ]) {
    assert.ok(value > 0 && Number.isFinite(value));
  }
});

const shortBench = () => ["bench", shared("models/babyllama-Q8_0.gguf"), "-p", "0", "-n", "4", "-r", "1", "--json"];

test("bench leaves out what 0 tokens are asked for", { skip }, async (t) => {
  assert.equal(JSON.parse((await hearth(t, shortBench())).stdout).prefill, undefined);
});

test("bench forces the kernels of HEARTH_ISA", { skip }, async (t) => {
  const result = JSON.parse((await hearth(t, shortBench(), { env: { HEARTH_ISA: "ref" } })).stdout);
  assert.equal(result.isa, "ref");
});

test("bench decodes behind a long context, and says what a KV cache of q8_0 costs", {
  skip: missing("golden/arch/llama.gguf"),
}, async (t) => {
  const args = [
    "bench",
    shared("golden/arch/llama.gguf"),
    "-p",
    "0",
    "-n",
    "4",
    "-r",
    "1",
    "-d",
    "300",
    "--kv",
    "q8_0",
  ];
  const { deep } = JSON.parse((await hearth(t, [...args, "--json"])).stdout);
  assert.equal(deep.depth, 300);
  assert.deepEqual(
    deep.speeds.map(({ kvType }: { kvType: string }) => kvType),
    ["f16", "q8_0"],
  );
  for (const { tokensPerSecond, emptyTokensPerSecond } of deep.speeds) {
    assert.ok(tokensPerSecond > 0 && emptyTokensPerSecond > 0);
  }
  assert.ok(deep.logitsError > 0 && deep.logitsError < 2e-3, `NMSE ${deep.logitsError}`);
  assert.match((await hearth(t, args)).stdout, /^ +q8_0's logits: NMSE [\d.]+e-\d against f16's$/m);
});

test("bench refuses q8_0 for heads that do not suit it", { skip }, async (t) => {
  const args = ["bench", shared("models/babyllama-Q8_0.gguf"), "-p", "0", "-n", "1", "--kv", "q8_0"];
  const { status, stderr } = await hearth(t, args);
  assert.equal(status, 2);
  assert.match(stderr, /OPTION_OUT_OF_RANGE: .*multiple of 32.*are of 16/);
});

test("a synthetic model is removed after the measurement unless it is to be saved", async (t) => {
  const folder = temporaryFolder(t);
  const args = ["bench", "--synthetic", "smollm2-135m:q4_0", "-p", "0", "-n", "1", "-r", "1"];
  const result = await hearth(t, args, { env: { TMPDIR: folder } });
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /^decode +[\d.]+ tokens\/s \(1 tokens\)$/m);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("hearth")),
    [],
  );
  const file = path.join(folder, "kept.gguf");
  assert.equal((await hearth(t, [...args, "--save", file])).status, 0);
  assert.ok(statSync(file).size > 1e6);
});

test("an unknown kernel set is refused with the list of known ones", { skip }, async (t) => {
  const env = { HEARTH_ISA: "mmx" };
  const { status, stderr } = await hearth(t, ["run", model, "--prompt", "a", "--json"], { env });
  assert.equal(status, 2);
  const { code, message } = JSON.parse(stderr);
  assert.equal(code, "ISA_UNKNOWN");
  assert.match(message, /ref/);
});
