/**
 * Models that do not fit in memory: `npm run bench:streaming -- [NAME ...] [--small]`, as root, for its control groups. Names:
 * dense, prefill, plan, experts, neighbour, pressure. Each case starts cold, with 2 threads and random weights, and is timed behind its first
 * token, which reads what stays in memory; its logits are compared bit for bit with those of a run without limits. The first model is
 * run by llama.cpp as well, within the same limits. `NAME --write` writes that case's section. `--small` uses small models, to see that it works. The models take 13 GB of disk.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { hearth, respond, startDaemon } from "./daemon.mjs";
import { forget, Limits } from "./limited.mjs";
import { peerSpeed } from "./llama-cpp.mjs";
import { firstToEnd, holdMemory } from "./memory-holder.mjs";
import { writesSection } from "./section.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const native = path.join(root, "build", "hearth-native");
const isSmall = process.argv.includes("--small");
const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
if (names.length === 1)
  writesSection(`streaming-${names[0]}`, { isTable: true, command: `bench:streaming -- ${names[0]}` });
else if (process.argv.includes("--write")) throw new Error("--write takes one name: each has a section of its own.");
const folder = mkdtempSync(path.join(process.env.TMPDIR ?? "/var/tmp", "hearth-streaming-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const tokens = isSmall ? 12 : 16;
const dense = isSmall
  ? [
      { model: "smollm2-135m:q8_0", memoryMb: 180, readMbps: 100, hasPeer: true },
      { model: "smollm2-135m:q8_0", memoryMb: 180, readMbps: 0 },
    ]
  : [
      { model: "llama-7b:q4_0", memoryMb: 3000, readMbps: 400, hasPeer: true },
      { model: "llama-7b:q4_0", memoryMb: 1500, readMbps: 100, tokens: 6 },
      { model: "llama-7b:q4_0", memoryMb: 3400, readMbps: 0 },
      { model: "llama-3.2-1b:q8_0", memoryMb: 512, readMbps: 400 },
    ];
const experts = (skew) =>
  isSmall
    ? { model: "qwen3-moe-small-skewed:q8_0", memoryMb: 130, readMbps: 100, share: 1 / 8 }
    : { model: `qwen3-moe-4gb${skew}:q4_0`, memoryMb: 2000, readMbps: 400, share: 1 / 8 };

const files = new Map();
function fileOf(model) {
  if (!files.has(model)) {
    const file = path.join(folder, `${model.replace(":", "-")}.gguf`);
    execFileSync(native, ["synthetic", ...model.split(":"), file]);
    files.set(model, file);
  }
  return files.get(model);
}

const seconds = (value) => `${value.toFixed(2)} s`;
const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;
const plain = { run: (command, args) => execFileSync(command, args, { encoding: "utf8" }) };

/** A token before, whose reading is told apart: `before.ms`. */
function benchIn(limits, file, prefill, decode) {
  forget(file);
  const sizes = ["-d", "1", "-p", String(prefill), "-n", String(decode)];
  return JSON.parse(limits.run(native, ["bench", file, ...sizes, "-t", "2"]));
}

const unlimited = new Map();
/** Speeds without limits, from memory. */
function free(file, prefill, decode) {
  const key = `${file} ${prefill} ${decode}`;
  if (!unlimited.has(key))
    unlimited.set(
      key,
      JSON.parse(plain.run(native, ["bench", file, "-p", String(prefill), "-n", String(decode), "-t", "2"])),
    );
  return unlimited.get(key);
}

/** Whether the logits within the limits are those without. */
function isEqual(limits, file) {
  const ids = Array.from({ length: 12 }, (_, i) => 300 + 37 * i).join(" ");
  const [a, b] = [path.join(folder, "a"), path.join(folder, "b")];
  plain.run(native, ["logits", file, "--tokens", ids, "--out", a, "-t", "2"]);
  forget(file);
  limits.run(native, ["logits", file, "--tokens", ids, "--out", b, "-t", "2", "--chunk", "5"]);
  return readFileSync(a).equals(readFileSync(b));
}

function withLimits(limit, use) {
  const limits = new Limits({ ...limit, file: fileOf(limit.model) });
  try {
    const result = use(limits, fileOf(limit.model));
    return { ...result, most: limits.mostBytes, kills: limits.kills };
  } finally {
    limits.remove();
  }
}

const bounds = ({ memoryMb, readMbps }) => `${memoryMb} MB, ${readMbps ? `${readMbps} MB/s` : "no limit of reading"}`;
const proof = ({ equal, kills, most }) =>
  `${equal ? "equal" : "UNEQUAL"}; ${kills ? `${kills} KILLED` : "nothing killed"}; at most ${Math.round(most / 2 ** 20)} MB`;

/** The storage's own speed where nobody limits it: as it was while it read. */
function readSpeed({ readMbps }, { residency }) {
  return readMbps ? readMbps * 1e6 : residency.readBytes / (residency.readingMs / 1000);
}

function decodeRow(limit) {
  const n = limit.tokens ?? tokens;
  const result = withLimits(limit, (limits, file) => ({
    bench: benchIn(limits, file, 0, n),
    compute: 1 / free(file, 0, n).decode.tokensPerSecond,
    equal: isEqual(limits, file),
  }));
  const { residency, decode, before } = result.bench;
  const [took, bound] = [
    1 / decode.tokensPerSecond,
    Math.max((residency?.streamedBytes ?? 0) / readSpeed(limit, result.bench), result.compute),
  ];
  const share = `${(took / bound).toFixed(2)} times`;
  const peer = limit.hasPeer ? peerSeconds(limit) : null;
  const peerCell = peer ? `${seconds(peer)}, ${(peer / took).toFixed(1)} times as long` : "";
  console.log(
    `| ${limit.model} | ${bounds(limit)} | ${gigabytes(residency.keptBytes)} kept, ${gigabytes(residency.streamedBytes)} read | ${seconds(before.ms / 1000)} | ${seconds(took)} | ${seconds(bound)}, ${share} | ${peerCell} | ${proof(result)} |`,
  );
}

async function planRow(limit) {
  const limits = new Limits({ ...limit, file: fileOf(limit.model) });
  const state = mkdtempSync(path.join(folder, "state-"));
  const options = {
    HEARTH_CONTEXT_TOKENS: "2048",
    HEARTH_SLOTS: "1",
    HEARTH_THREADS: "2",
    HEARTH_SPECULATION: "false",
  };
  const variables = Object.entries({ ...options, HEARTH_STATE: state }).map(([name, value]) => `${name}=${value}`);
  try {
    forget(fileOf(limit.model));
    const said = JSON.parse(
      limits.run("env", [...variables, process.execPath, hearth, "plan", fileOf(limit.model), "--json"]),
    );
    const daemon = await startDaemon(fileOf(limit.model), options, limits);
    try {
      await completionSeconds(daemon, 1, 1); // what stays in memory is there now
      const first = await completionSeconds(daemon, said.promptTokens, 1);
      const n = limit.tokens ?? tokens;
      const many = await completionSeconds(daemon, said.promptTokens, 1 + n);
      const token = (many - (await completionSeconds(daemon, said.promptTokens, 1))) / n;
      const compared = (plan, seen) => `${seconds(plan)} | ${seconds(seen)}, ${(seen / plan).toFixed(2)} times`;
      const firstCell = compared(said.firstTokenSeconds, first);
      console.log(`| ${limit.model} | ${bounds(limit)} | ${compared(said.secondsPerToken, token)} | ${firstCell} |`);
    } finally {
      await daemon.stop();
    }
  } finally {
    limits.remove();
  }
}

/** The time for a prompt of so many tokens, which is known from the second time on, and an answer. */
async function completionSeconds({ url }, promptTokens, newTokens) {
  const prompt = Array.from({ length: promptTokens }, (_, i) => 300 + ((37 * i) % 20_000));
  const began = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "default", prompt, max_tokens: newTokens, temperature: 0, ignore_eos: true }),
  });
  const answer = await response.json();
  if (answer.usage?.completion_tokens !== newTokens)
    throw new Error(`not ${newTokens} tokens: ${JSON.stringify(answer)}`);
  return (performance.now() - began) / 1000;
}

/** Seconds a token of llama.cpp within the same limits. It warms up by itself. */
function peerSeconds(limit) {
  const { decode } = withLimits(limit, (limits, file) => {
    forget(file);
    const runs = (command, args) => limits.run(command, args);
    return peerSpeed(file, { prefill: 1, decode: 4, threads: 2, repack: false, runs });
  });
  return 1 / decode;
}

const head = (...cells) => console.log(`\n| ${cells.join(" | ")} |\n|${cells.map(() => " --- |").join("")}`);

const measurements = {
  async dense() {
    head(
      ...["model", "limits", "weights", "first token, cold", "a token", "reading or computing alone"],
      ...["llama.cpp, --no-repack", "logits, memory"],
    );
    for (const limit of dense) decodeRow(limit);
  },

  async prefill() {
    const [limit] = dense;
    const n = isSmall ? 64 : 256;
    const result = withLimits(limit, (limits, file) => ({
      bench: benchIn(limits, file, n, 1),
      compute: n / free(file, n, 1).prefill.tokensPerSecond,
      equal: isEqual(limits, file),
    }));
    const took = n / result.bench.prefill.tokensPerSecond;
    const bound = result.bench.residency.streamedBytes / readSpeed(limit, result.bench) + result.compute;
    head("prefill", "limits", "it took", "one reading and computing", "logits, memory");
    console.log(
      `| ${n} tokens, ${limit.model} | ${bounds(limit)} | ${seconds(took)} | ${seconds(bound)}, ${(took / bound).toFixed(2)} times | ${proof(result)} |`,
    );
  },

  /** Holds `hearth plan` against a daemon within the limits. */
  async plan() {
    head("model", "limits", "a token, said", "seen", "first token after a prompt, said", "seen");
    for (const limit of dense) await planRow(limit);
  },

  async experts() {
    head("experts", "limits", "weights", "a token", "reading all that is not kept", "logits, memory");
    for (const limit of isSmall ? [experts("")] : [experts("-skewed"), experts("")]) {
      const n = isSmall ? 60 : 200;
      const result = withLimits(limit, (limits, file) => ({
        bench: benchIn(limits, file, 0, n),
        equal: isEqual(limits, file),
      }));
      const { residency, decode } = result.bench;
      const rest = statSync(fileOf(limit.model)).size - residency.keptBytes;
      const all = rest / readSpeed(limit, result.bench);
      const took = 1 / decode.tokensPerSecond;
      console.log(
        `| ${limit.model} | ${bounds(limit)} | ${gigabytes(residency.keptBytes)} kept, ${gigabytes(residency.readBytes / (n + 1))} read | ${seconds(took)} over ${n} tokens | ${seconds(all)}: ${(all / took).toFixed(1)} times as long | ${proof(result)} |`,
      );
    }
  },

  /** No group limits it: another program holds the memory. With small models a group of its own stands for the machine. */
  async neighbour() {
    const [limit] = dense;
    const file = fileOf(limit.model);
    const free0 = free(file, 0, tokens);
    forget(file);
    const machine = isSmall ? new Limits({ memoryMb: 600, readMbps: 0, file }) : null;
    const left = limit.memoryMb * 2 ** 20;
    const holder = await holdMemory(machine ? { bytes: 600 * 2 ** 20 - left } : { left }, machine ?? undefined);
    try {
      const runner = machine ?? plain;
      const bench = benchIn({ run: (command, args) => runner.run(...firstToEnd(command, args)) }, file, 0, tokens);
      const { residency, decode } = bench;
      const bound = Math.max(
        residency ? residency.streamedBytes / readSpeed({ readMbps: 0 }, bench) : 0,
        1 / free0.decode.tokensPerSecond,
      );
      const took = 1 / decode.tokensPerSecond;
      head("without a group", "memory left", "weights", "a token", "reading or computing alone", "the other program");
      console.log(
        `| ${limit.model} | ${limit.memoryMb} MB | ${residency ? `${gigabytes(residency.keptBytes)} kept, ${gigabytes(residency.streamedBytes)} read` : "ALL FIT"} | ${seconds(took)} | ${seconds(bound)}, ${(took / bound).toFixed(2)} times | ${holder.exitCode === null ? "lives" : "KILLED"} |`,
      );
      if (!residency) throw new Error("The other program left so much memory that nothing was streamed.");
    } finally {
      await end(holder);
      machine?.remove();
    }
  },

  /** Another program takes memory while answers are written, and gives it back. */
  async pressure() {
    const { model } = dense[0];
    const file = fileOf(model);
    forget(file); // so that the group is charged for what it has of the file
    const memoryMb = isSmall ? 400 : 4000;
    const limits = new Limits({ memoryMb, readMbps: isSmall ? 0 : 400, file });
    const daemon = await startDaemon(
      file,
      { HEARTH_CONTEXT_TOKENS: "1024", HEARTH_SLOTS: "1", HEARTH_THREADS: "2" },
      { spawn: (command, args, options) => limits.spawn(...firstToEnd(command, args), options) },
    );
    const speed = async (n) => {
      const startedAt = performance.now();
      await respond(daemon, { input: "7".repeat(8), temperature: 0, max_output_tokens: n });
      return (performance.now() - startedAt) / 1000 / n;
    };
    let other = null;
    try {
      await speed(tokens);
      const before = await speed(tokens);
      // Half of a small model may stay.
      const wanted = isSmall ? memoryMb * 2 ** 20 - limits.ownBytes - statSync(file).size / 2 : 1e9;
      const heldBefore = daemon.log.length;
      const during = [];
      let hasAll = false;
      const taking = holdMemory({ bytes: wanted }, limits).finally(() => (hasAll = true));
      taking.catch(() => undefined); // until it is awaited
      while (!hasAll) during.push(await speed(tokens));
      other = await taking;
      for (let i = 0; i < 4; i++) during.push(await speed(tokens));
      const lives = other.exitCode === null;
      await end(other);
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      await speed(tokens);
      const after = await speed(tokens);
      const { given, taken } = memoryOf(daemon.log.slice(heldBefore));
      head("another program takes", "before, a token", "during, the slowest", "after", "weights", "killed");
      console.log(
        `| ${megabytes(wanted)} of ${memoryMb} MB | ${seconds(before)} | ${seconds(Math.max(...during))} | ${seconds(after)} | ${megabytes(given)} given back, ${megabytes(taken)} taken again | ${lives && limits.kills === 0 ? "nothing" : "SOMETHING"} |`,
      );
      if (given === 0) throw new Error("Nothing was given back: there was no pressure.");
    } finally {
      if (other) await end(other);
      await daemon.stop();
      limits.remove();
    }
  },
};

/** Bytes of weights that a daemon gave back at most, and took again, by its log. */
function memoryOf(log) {
  const changes = log.filter(({ msg, kind }) => msg === "memory is given back or taken" && kind === "fitWeights");
  const first = changes[0]?.heldBytes ?? 0;
  const least = Math.min(first, ...changes.map(({ bytes }) => bytes));
  return { given: first - least, taken: Math.max(0, (changes.at(-1)?.bytes ?? least) - least) };
}

/** So that its group can be removed. */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

for (const name of names.length > 0 ? names : Object.keys(measurements)) {
  if (!measurements[name]) throw new Error(`There is no ${name}; there are ${Object.keys(measurements).join(", ")}.`);
  await measurements[name]();
}
