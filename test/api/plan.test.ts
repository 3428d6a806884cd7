import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, type TestContext, test } from "node:test";
import { type CommandResult, hearth as run } from "../helpers/command.js";
import { temporaryFolder } from "../helpers/folder.js";
import { type LargeModel, largeModel, writeLargeModel } from "../helpers/large-model.js";
import { missing, shared } from "../helpers/shared.js";
import { type SourceServer, startSource } from "../helpers/source-server.js";

const stories = "models/stories260K.gguf";

/** The speeds of this machine are measured once for all of these tests. */
const measured = mkdtempSync(path.join(tmpdir(), "hearth-plan-"));
after(() => rmSync(measured, { recursive: true, force: true }));
const hearth: typeof run = (t, args, options) =>
  run(t, args, { ...options, env: { HEARTH_STATE: measured, ...options?.env } });

/** The documented members that others rely on. */
interface Plan {
  readonly fits: boolean;
  readonly keptBytes: number;
  readonly streamedBytes: number;
  readonly streamedBytesPerToken: number;
  readonly weightBytes: number;
  readonly weightBytesPerToken: number;
  readonly ringBytes: number;
  readonly kvType: string;
  readonly kvBytes: number;
  readonly contextTokens: number;
  readonly slots: number;
  readonly firstTokenSeconds: number;
  readonly secondsPerToken: number;
  readonly fileBytes: number;
  readonly budgetBytes: number;
  readonly neededBytes: number;
  readonly limit: string;
  readonly fitting: readonly string[];
  readonly smallerFile: { readonly type: string } | null;
  readonly speeds: { readonly diskBytesPerSecond: number | null; readonly diskFile: string | null };
}

const planOf = ({ stdout, stderr }: CommandResult): Plan => {
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
};

function sparse(t: TestContext, shape: LargeModel = {}): string {
  const file = path.join(temporaryFolder(t), "large-Q4_0.gguf");
  writeLargeModel(file, shape);
  return file;
}

test("plan says in a table what a file takes and how fast it would be", { skip: missing(stories) }, async (t) => {
  const { status, stdout, stderr } = await hearth(t, ["plan", shared(stories)]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^stories260K: F32 llama, 1\.2 MB\n/);
  assert.match(stdout, /^ {2}KV cache +[\d.]+ [kM]B +f16; context 128; slots 4$/m);
  assert.match(stdout, /^ {2}weights kept +[\d.]+ MB +all of them$/m);
  assert.match(stdout, /^first token +[\d.]+ m?s +after a prompt of 127 tokens$/m);
  assert.match(stdout, /^then +[\d,]+ tokens\/s +[\d.]+ m?s a token, bound by memory and processor$/m);
});

test("plan of a model larger than memory says what is kept and what is read for each token", async (t) => {
  const file = sparse(t);
  const result = await hearth(t, ["plan", file, "--memory", "3000MB", "--slots", "1", "--context", "2048", "--json"]);
  assert.equal(result.status, 0, result.stderr);
  const plan = planOf(result);
  assert.equal(plan.fits, true);
  assert.equal(plan.limit, "--memory");
  assert.equal(plan.contextTokens, 2048);
  assert.equal(plan.slots, 1);
  assert.ok(plan.keptBytes > 1.2e9 && plan.streamedBytes > 0.5e9, JSON.stringify(plan));
  assert.equal(plan.keptBytes + plan.streamedBytes, plan.weightBytes);
  assert.equal(plan.streamedBytesPerToken, plan.streamedBytes);
  assert.ok(plan.neededBytes + plan.keptBytes <= plan.budgetBytes);
  assert.equal(plan.speeds.diskFile, file);
  assert.ok((plan.speeds.diskBytesPerSecond ?? 0) > 0);
  assert.ok(plan.secondsPerToken >= plan.streamedBytes / (plan.speeds.diskBytesPerSecond ?? 1) - 1e-9);
  assert.ok(plan.firstTokenSeconds > plan.secondsPerToken);
  const all = await hearth(t, ["plan", file, "--memory", "16G", "--json"]);
  assert.equal(planOf(all).streamedBytes, 0);
});

test("plan of a file of 40 GB takes neither the memory nor the time of its weights", async (t) => {
  const file = sparse(t, { layers: 80, width: 8192, kvHeads: 8, context: 32_768 });
  assert.ok(statSync(file).size > 30e9);
  const started = performance.now();
  // Address space and memory of the command itself; Node alone reserves more than its limit of memory.
  const through = ["sh", "-c", 'ulimit -m 300000; exec "$@"', "sh"];
  const result = await hearth(t, ["plan", file, "--memory", "1G", "--json"], { through });
  assert.equal(result.status, 0, result.stderr);
  const plan = planOf(result);
  assert.ok(plan.streamedBytes > 28e9);
  assert.ok(plan.keptBytes < 1e9);
  assert.ok(performance.now() - started < 30_000);
  assert.equal(statSync(file).blocks * 512 < 1e6, true, "nothing was written");
});

test("the figures come from the speeds that were measured and kept in the state folder", async (t) => {
  const state = temporaryFolder(t);
  const file = sparse(t);
  const args = ["plan", file, "--memory", "16G", "--json"];
  const env = { HEARTH_STATE: state };
  assert.equal((await hearth(t, args, { env })).status, 0);
  const tunings = path.join(state, "tunings.json");
  const stored = JSON.parse(readFileSync(tunings, "utf8"));
  const speeds = Object.values<{ weights: { one: number; many: number }[] }>(stored.speeds);
  assert.equal(speeds.length, 1);
  for (const speed of speeds[0]?.weights ?? []) Object.assign(speed, { one: 20e9, many: 2e9 });
  writeFileSync(tunings, JSON.stringify(stored));
  const { secondsPerToken, weightBytesPerToken, firstTokenSeconds } = planOf(await hearth(t, args, { env }));
  assert.ok(Math.abs(secondsPerToken / (weightBytesPerToken / 20e9) - 1) < 1e-6);
  const expected = (1000 / 128) * (weightBytesPerToken / 2e9);
  assert.ok(firstTokenSeconds > 0.99 * expected && firstTokenSeconds < 1.2 * expected, `${firstTokenSeconds}`);
});

test("what does not fit ends with 2 and names settings with which it would, and they do", async (t) => {
  const file = sparse(t);
  const args = ["plan", file, "--memory", "1500MB", "--json"];
  const env = { HEARTH_KV_TYPE: "f16", HEARTH_PREFIX_MEMORY_BYTES: "0" };
  const result = await hearth(t, [...args, "--context", "4096", "--slots", "4"], { env });
  assert.equal(result.status, 2);
  const plan = planOf(result);
  assert.equal(plan.fits, false);
  assert.ok(plan.neededBytes > plan.budgetBytes);
  const error = JSON.parse(result.stderr.trim().split("\n").at(-1) ?? "");
  assert.equal(error.code, "MODEL_DOES_NOT_FIT");
  assert.match(error.message, /^large-Q4_0 needs [\d.]+ GB with these settings, and may have [\d.]+ GB\.$/);
  assert.ok(plan.fitting.length > 0);
  for (const words of plan.fitting) assert.ok(error.advice.includes(words), error.advice);
  for (const words of plan.fitting) {
    const flags = [...words.matchAll(/--\w+ \d+/g)].flatMap(([flag]) => flag.split(" "));
    const changed = { ...env, ...(words.includes("q8_0") && { HEARTH_KV_TYPE: "q8_0" }) };
    const usual = words.includes("--context") ? [] : ["--context", "4096"];
    const slots = words.includes("--slots") ? [] : ["--slots", "4"];
    const again = await hearth(t, [...args, ...usual, ...slots, ...flags], { env: changed });
    assert.equal(again.status, 0, `${words}: ${again.stderr}`);
  }
  const people = await hearth(t, ["plan", file, "--memory", "1500MB", "--context", "4096"], { env });
  assert.equal(people.status, 2);
  assert.match(people.stdout, /^ {2}too much +[\d.]+ [GM]B +does not fit$/m);
  assert.match(people.stderr, /^hearth: MODEL_DOES_NOT_FIT: .* It would fit with .*\n$/);
});

test("without settings of its own a plan picks what fits, and says what it would have liked", async (t) => {
  const result = await hearth(t, ["plan", sparse(t), "--memory", "1500MB"]);
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /^ {2}KV cache .* q8_0, not f16; context 2048, not 4096; slots 1, not 4$/m);
  assert.match(result.stdout, /^read for a token +[\d.]+ GB$/m);
});

test("another quantization is named where all of it would be in memory", async (t) => {
  const { smallerFile } = planOf(await hearth(t, ["plan", sparse(t), "--memory", "3500MB", "--json"]));
  assert.equal(smallerFile?.type, "Q2_K");
});

test("plan knows the models of the store by their names, and models without weights or sense", {
  skip: missing(stories),
}, async (t) => {
  const env = { HEARTH_STATE: temporaryFolder(t) };
  assert.equal((await hearth(t, ["models", "import", shared(stories), "--name", "tales"], { env })).status, 0);
  const plan = planOf(await hearth(t, ["plan", "tales", "--json"], { env }));
  assert.equal(plan.fits, true);
  const spark = await hearth(t, ["plan", "spark"], { env });
  assert.match(spark.stdout, /^spark: Q8_0 llama, [\d.]+ MB\n/);
  const unknown = await hearth(t, ["plan", "qwen3:0.6b"], { env });
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /MODEL_NOT_FOUND: .* ollama:qwen3:0\.6b/);
  const folder = temporaryFolder(t);
  const { head } = largeModel();
  const broken: readonly (readonly [string, Buffer, RegExp])[] = [
    ["empty", Buffer.alloc(0), /GGUF_BAD_MAGIC/],
    ["text", Buffer.from("not a model, by any means"), /GGUF_BAD_MAGIC/],
    ["cut", head.subarray(0, 900), /GGUF_TRUNCATED/],
    ["bare", head, /GGUF_TENSOR_OUT_OF_BOUNDS/],
  ];
  for (const [name, content, expected] of broken) {
    const file = path.join(folder, `${name}.gguf`);
    writeFileSync(file, content);
    const { status, stderr } = await hearth(t, ["plan", file], { env });
    assert.equal(status, 2, name);
    assert.match(stderr, expected, name);
  }
  const gone = await hearth(t, ["plan", path.join(folder, "none.gguf")], { env });
  assert.equal(gone.status, 2);
  assert.match(gone.stderr, /FILE_OPEN_FAILED/);
});

test("a plan of a split model needs all of its parts", async (t) => {
  const folder = temporaryFolder(t);
  const name = (part: number) => path.join(folder, `m-0000${part}-of-00002.gguf`);
  writeLargeModel(name(1), { part: { number: 0, count: 2 } });
  const lonely = await hearth(t, ["plan", name(1), "--json"]);
  assert.equal(lonely.status, 2);
  assert.equal(JSON.parse(lonely.stderr).code, "FILE_OPEN_FAILED");
  const bytes = writeLargeModel(name(2), { part: { number: 1, count: 2 } });
  const plan = planOf(await hearth(t, ["plan", name(1), "--memory", "16G", "--json"]));
  assert.equal(plan.fileBytes, bytes + statSync(name(1)).size);
  const whole = planOf(await hearth(t, ["plan", sparse(t), "--memory", "16G", "--json"]));
  assert.equal(plan.weightBytes, whole.weightBytes);
});

/** A hub with one model of 3.8 GB, of which only the header is ever sent. */
async function hub(t: TestContext, shape: LargeModel = {}, ranges = true): Promise<SourceServer> {
  const source = await startSource(t);
  const { head, fileBytes } = largeModel(shape);
  const sha256 = "0".repeat(64);
  source.routes.set("/api/models/me/m/tree/main", (_request, response) => {
    const file = { type: "file", path: "m-Q4_0.gguf", size: fileBytes, lfs: { oid: sha256, size: fileBytes } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify([file]));
  });
  source.routes.set("/me/m/resolve/main/m-Q4_0.gguf", (request, response) => {
    const asked = ranges ? /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") : null;
    const [start, end] = [Number(asked?.[1] ?? 0), Number(asked?.[2] ?? fileBytes - 1) + 1];
    response.writeHead(asked ? 206 : 200, {
      "content-length": end - start,
      ...(asked && { "content-range": `bytes ${start}-${end - 1}/${fileBytes}` }),
    });
    const sent = Buffer.alloc(Math.min(end - start, 4 * 1024 * 1024));
    head.copy(sent, 0, start);
    response.write(sent);
    if (sent.length === end - start) response.end();
  });
  return source;
}

test("plan reads the header of a model on a hub, and nothing else of it", async (t) => {
  const state = temporaryFolder(t);
  for (const padding of [0, 2_000_000]) {
    const source = await hub(t, { padding });
    const env = { HEARTH_STATE: state, HEARTH_PULL_HF_ENDPOINT: source.url };
    const result = await hearth(t, ["plan", "hf:me/m:Q4_0", "--memory", "3G", "--json"], { env });
    assert.equal(result.status, 0, result.stderr);
    const plan = planOf(result);
    assert.ok(plan.fileBytes > 3.7e9 && plan.streamedBytes > 0);
    assert.ok(source.bytesSent < 2.2 * padding + 400_000, `${source.bytesSent} bytes were sent`);
    for (const { headers, path: at } of source.requests) if (at.includes("resolve")) assert.ok(headers.range);
    assert.ok(plan.speeds.diskFile, "the disk of the store");
  }
});

test("a source without ranges is asked for the beginning alone", async (t) => {
  const source = await hub(t, {}, false);
  const url = `${source.url}/me/m/resolve/main/m-Q4_0.gguf`;
  const plan = planOf(await hearth(t, ["plan", url, "--memory", "3G", "--json"]));
  assert.ok(plan.fileBytes > 3.7e9);
});

test("what a hub does not have, or is no model, is an error as in a pull", async (t) => {
  const source = await hub(t);
  const env = { HEARTH_PULL_HF_ENDPOINT: source.url };
  source.routes.set("/page.gguf", (_request, response) => {
    response.writeHead(200, { "content-length": 19 }).end("<html>a page</html>");
  });
  source.routes.set("/api/models/me/gated/tree/main", (_request, response) => response.writeHead(403).end());
  const errors: readonly (readonly [string, string])[] = [
    ["hf:me/none", "PULL_NOT_FOUND"],
    ["hf:me/m:Q8_0", "PULL_NOT_FOUND"],
    ["hf:me/gated", "PULL_DENIED"],
    [`${source.url}/none.gguf`, "PULL_NOT_FOUND"],
    [`${source.url}/page.gguf`, "GGUF_BAD_MAGIC"],
    ["hf:../m", "MODEL_NAME_INVALID"],
    ["http://example.com/m.gguf", "PULL_REFUSED"],
  ];
  for (const [what, code] of errors) {
    const { status, stderr } = await hearth(t, ["plan", what, "--json"], { env });
    assert.equal(status, 2, `${what}: ${stderr}`);
    assert.equal(JSON.parse(stderr.trim().split("\n").at(-1) ?? "").code, code, what);
  }
});

test("wrong sizes and counts are refused before anything is read", async (t) => {
  for (const flags of [
    ["--memory", "much"],
    ["--context", "0"],
    ["--slots", "65"],
    ["--memory", "1"],
  ]) {
    const { status, stderr } = await hearth(t, ["plan", "/none.gguf", ...flags]);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`^hearth: COMMAND_INVALID: ${flags[0]} takes `));
  }
});
