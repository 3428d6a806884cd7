/**
 * The cost of one client's long prompt to another's running answer, and of the answer to the prompt:
 * `npm run bench:prefill -- [MODEL] [TOKENS] [--write]`. Prints the time between two tokens of the answer before the prompt and while it is
 * read, and how fast the prompt is read alone and beside the answer. On a machine that others use too only the ratios mean
 * anything. MODEL: a GGUF file; by default a synthetic llama-3.2-1b in Q4_0. TOKENS: of the prompt, about; by default 3000.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { median, startDaemon, writeSynthetic } from "./daemon.mjs";
import { writesSection } from "./section.mjs";

writesSection("prefill");

const promptTokens = Number(process.argv[3] ?? 3000);
const rounds = 3;
/** The measurement listens as long as a prompt is read, and at least this long. */
const listenMs = 3000;
/** Most that the answer's client may feel (scheduler.max_gap_ms). */
const promised = 4;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function post(url, body, signal) {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal };
  return fetch(`${url}/v1/completions`, init);
}

/** A prompt of words that no prompt before it began with: nothing of it is in the KV cache. */
function newPrompt(words) {
  return Array.from({ length: words }, () => 100 + Math.floor(Math.random() * 900)).join(" ");
}

/** Has a prompt read, without an answer to it. */
async function readPrompt(url, words) {
  const began = performance.now();
  const response = await post(url, { model: "default", prompt: newPrompt(words), max_tokens: 1 });
  const { usage } = await response.json();
  const ms = performance.now() - began;
  return { tokens: usage.prompt_tokens, ms, tokensPerSecond: (usage.prompt_tokens / ms) * 1000 };
}

/** Another client, to whom answers go one after the other. `gaps`: between two tokens of an answer, in milliseconds. */
function listen(url) {
  const gaps = [];
  const leave = new AbortController();
  const done = (async () => {
    for (;;) {
      const body = { prompt: "Once upon a time", max_tokens: 1000, temperature: 1, stream: true };
      const response = await post(url, { model: "default", ...body }, leave.signal);
      let last = null;
      for await (const _ of response.body) {
        const now = performance.now();
        if (last !== null) gaps.push(now - last);
        last = now;
      }
    }
  })().catch((error) => {
    if (!leave.signal.aborted) throw error;
  });
  const stop = async () => {
    leave.abort();
    await done;
  };
  return { gaps, stop };
}

function row(name, gaps) {
  const figures = [mean(gaps), quantile(gaps, 0.5), quantile(gaps, 0.99), quantile(gaps, 1)];
  const [average, p50, p99, max] = figures.map((ms) => ms.toFixed(2).padStart(9));
  process.stdout.write(`${name.padEnd(34)} ${String(gaps.length).padStart(6)} ${average} ${p50} ${p99} ${max} ms\n`);
}

const folder = mkdtempSync(path.join(tmpdir(), "hearth-prefill-"));
let model = process.argv[2];
if (!model) {
  model = path.join(folder, "model.gguf");
  writeSynthetic("llama-3.2-1b:q4_0", model);
}
const daemon = await startDaemon(model, {
  HEARTH_SPECULATION: "false", // one token a step
  HEARTH_AUTO_TUNE: "false",
  HEARTH_PREFIX_DISK_BYTES: "0",
  HEARTH_LIMITS_REQUESTS_PER_MINUTE: "0",
});
try {
  const { url } = daemon;
  const trial = await readPrompt(url, 100);
  const words = Math.floor((promptTokens * 100) / trial.tokens);
  const before = [];
  const during = [];
  const alone = [];
  const beside = [];
  // In turn, so that what else the machine does falls on all.
  for (let round = 0; round < rounds; round++) {
    alone.push(await readPrompt(url, words));
    const listener = listen(url);
    await sleep(1000);
    listener.gaps.length = 0;
    await sleep(listenMs);
    before.push(listener.gaps.splice(0));
    beside.push(await readPrompt(url, words));
    during.push(listener.gaps.splice(0));
    await listener.stop();
    const [first, second] = [alone, beside].map((reads) => (reads.at(-1).ms / 1000).toFixed(1));
    process.stderr.write(`round ${round + 1}: the prompt took ${first} s alone and ${second} s beside the answer\n`);
  }
  const names = ["count", "mean", "p50", "p99", "max"];
  const header = names.map((name, i) => name.padStart(i === 0 ? 6 : 9)).join(" ");
  process.stdout.write(`${"between two tokens of an answer".padEnd(34)} ${header}\n`);
  row("before the prompt", before.flat());
  row(`while ${beside[0].tokens} tokens are read`, during.flat());
  const slower = during.map((gaps, round) => mean(gaps) / mean(before[round]));
  const worst = Math.max(...slower);
  process.stdout.write(
    `the answer goes on ${median(slower).toFixed(2)} times slower (the median of ${rounds} rounds, at most ${worst.toFixed(2)}); promised: ${promised}\n`,
  );
  const [quick, shared] = [alone, beside].map((reads) => median(reads.map((read) => read.tokensPerSecond)));
  const lost = median(beside.map((read, round) => 1 - read.tokensPerSecond / alone[round].tokensPerSecond)) * 100;
  // Without slices the prompt would have what the answer's own tokens leave of the time.
  const kept = beside.map(({ tokensPerSecond, ms }, round) => {
    const own = during[round].length * mean(before[round]);
    return tokensPerSecond / (alone[round].tokensPerSecond * Math.max(0, 1 - own / ms));
  });
  process.stdout.write(
    `the prompt is read with ${quick.toFixed(0)} tokens/s alone and ${shared.toFixed(0)} beside the answer: ${lost.toFixed(0)} % less, of which slices cost ${((1 - median(kept)) * 100).toFixed(0)} % of the time that the answer leaves\n`,
  );
  process.exitCode = median(slower) <= promised ? 0 : 1;
} finally {
  await daemon.stop();
  rmSync(folder, { recursive: true });
}
