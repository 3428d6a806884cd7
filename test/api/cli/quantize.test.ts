/** `hearth quantize` as a process: what it prints and writes, and that it stops without a trace. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { hearth, spawnHearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { missing, shared } from "../../helpers/shared.js";

const model = "models/babyllama.gguf";
const quantized = "models/babyllama-Q8_0.gguf";
const skip = missing(model, quantized);

interface Report {
  readonly file: string;
  readonly sourceBytes: number;
  readonly bytes: number;
  readonly types: readonly { type: string; tensors: number; squaredError: number; squaredNorm: number }[];
}

test("a model in a smaller type still tells stories", { skip }, async (t) => {
  const out = path.join(temporaryFolder(t), "out.gguf");
  const { status, stdout, stderr } = await hearth(t, ["quantize", shared(model), out, "q4_k_m"]);
  assert.equal(status, 0, stderr);
  // Its rows are no multiple of 256, so the mix falls back to smaller blocks.
  assert.match(stdout, /^Q5_0 .* tensors .* kB {2}\d\.\d\d %$/m);
  assert.match(stdout, /1\.9 MB -> 0\.\d+ MB|1\.9 MB -> \d+ kB/);
  const story = await hearth(t, [
    "run",
    out,
    "--prompt",
    "Once upon a time",
    "--max-tokens",
    "40",
    "--temperature",
    "0",
  ]);
  assert.equal(story.status, 0, story.stderr);
  assert.match(story.stdout, /there was a/);
});

test("--json prints one object with the loss by type, and progress as objects on stderr", { skip }, async (t) => {
  const out = path.join(temporaryFolder(t), "out.gguf");
  const { status, stdout, stderr } = await hearth(t, ["quantize", shared(model), out, "Q8_0", "--json"]);
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.file, out);
  assert.ok(report.bytes < 0.6 * report.sourceBytes);
  const [largest] = report.types;
  assert.equal(largest?.type, "Q8_0");
  assert.ok(largest.squaredError > 0 && largest.squaredError < 3e-5 * largest.squaredNorm);
  const last = JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "") as {
    phase: string;
    completed: number;
    total: number;
  };
  assert.deepEqual([last.phase, last.completed], ["quantize", last.total]);
});

test("what it refuses leaves nothing behind", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const out = path.join(folder, "out.gguf");
  for (const [args, code] of [
    [[shared(model), out, "Q9_9"], "OPTION_OUT_OF_RANGE"],
    [[shared(quantized), out, "Q4_0"], "QUANTIZE_SOURCE_QUANTIZED"],
    [[shared("models/greedy.json"), out, "Q4_0"], "GGUF_BAD_MAGIC"],
    [[shared(model), path.join(folder, "missing", "out.gguf"), "Q4_0"], "FILE_WRITE_FAILED"],
    [[shared(model), shared(model), "Q4_0"], "COMMAND_INVALID"],
  ] as const) {
    const { status, stderr } = await hearth(t, ["quantize", ...args]);
    assert.equal(status, 2);
    assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", new RegExp(`^hearth: ${code}: `));
  }
  assert.deepEqual(readdirSync(folder), []);
  const again = await hearth(t, ["quantize", shared(quantized), out, "Q4_0", "--allow-requantize"]);
  assert.equal(again.status, 0, again.stderr);
});

test("Ctrl-C stops it, and a file that was there stays as it was", async (t) => {
  const folder = temporaryFolder(t);
  const [source, out] = [path.join(folder, "in.gguf"), path.join(folder, "out.gguf")];
  const made = await hearth(t, [
    "bench",
    "--synthetic",
    "smollm2-135m:f16",
    "--save",
    source,
    "-p",
    "0",
    "-n",
    "1",
    "-r",
    "1",
  ]);
  assert.equal(made.status, 0, made.stderr);
  await hearth(t, ["quantize", shared(model), out, "Q4_0"]);
  const before = existsSync(out) ? readFileSync(out) : null;

  const child = spawnHearth(t, ["quantize", source, out, "Q4_K_M"]);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stderr.once("data", () => child.kill("SIGINT"));
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(status, 75, stderr);
  assert.match(stderr, /STOPPED/);
  assert.deepEqual(existsSync(out) ? readFileSync(out) : null, before);
  assert.deepEqual(
    readdirSync(folder).filter((file) => file.endsWith(".tmp")),
    [],
  );
});
