/**
 * Measures hearthd against llama.cpp's own server: `npm run bench:server -- [SHAPE:TYPE or NAME] [-t THREADS] [-r ROUNDS]
 * [--clients 1,4,8] [--prompt TOKENS] [--answer TOKENS] [--write]`. The same client asks both for the same completions, in turn: of
 * prompts that were never seen (cold), and of the same ones with another end (warm). Prints medians of the rounds. Then four prompts of
 * one length arrive at once. `--write` writes it into docs/performance.md.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isBusy, load, provenance, writeSection } from "../helpers/sections.mjs";
import { fetchModel } from "../models/fetch.mjs";
import { ask, promptOf, withOtherEnd } from "./completions-client.mjs";
import { hearth, median, startDaemon, writeSynthetic } from "./daemon.mjs";
import { peerVersion, run } from "./llama-cpp.mjs";
import { startLlamaServer } from "./llama-server.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", short: "t", default: String(availableParallelism()) },
    rounds: { type: "string", short: "r", default: "5" },
    clients: { type: "string", default: "1,4,8" },
    prompt: { type: "string", default: "400" },
    answer: { type: "string", default: "64" },
    write: { type: "boolean", default: false },
  },
});
const [name = "llama-3.2-1b:q4_0"] = positionals;
if (positionals.length > 1) throw new Error("One model a run: give one SHAPE:TYPE, or the name or file of a real one.");
const clientCounts = values.clients.split(",").map(Number);
const [threads, rounds, promptTokens, answerTokens] = ["threads", "rounds", "prompt", "answer"].map(
  (key) => +values[key],
);
const requestsEach = 2;
const changedEnd = 16; // tokens of a warm prompt that were not there before
const equalPrompts = 4;
const slots = Math.max(equalPrompts, ...clientCounts);
const contextTokens = promptTokens + answerTokens + 64;
const folder = mkdtempSync(path.join(tmpdir(), "hearth-server-"));

async function modelFile() {
  if (!name.includes(":")) return existsSync(name) ? name : fetchModel(root, name, path.join(folder, "fetch.log"));
  const file = path.join(folder, "model.gguf");
  writeSynthetic(name, file);
  return file;
}

/** Starts hearth as it is when it has been idle once: the measurements of that time are made before. */
function startHearth(file) {
  const env = { HEARTH_STATE: path.join(folder, "state"), HEARTH_THREADS: String(threads) };
  run(process.execPath, [hearth, "tune", file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return startDaemon(file, {
    ...env,
    HEARTH_AUTO_TUNE: "false",
    HEARTH_SLOTS: String(slots),
    HEARTH_CONTEXT_TOKENS: String(contextTokens),
    HEARTH_KV_TOKENS: String(slots * contextTokens),
    HEARTH_SPECULATION: "false", // llama.cpp's server guesses nothing either, and what random weights say repeats itself
    HEARTH_LIMITS_REQUESTS_PER_MINUTE: "0",
  });
}

let nextSeed = 0;
const newPrompts = (clients) =>
  Array.from({ length: clients }, () => Array.from({ length: requestsEach }, () => promptOf(nextSeed++, promptTokens)));

/** One round at both servers: cold prompts, then warm ones. */
async function round(servers, clients) {
  const cold = newPrompts(clients);
  const warm = cold.map((prompts) => prompts.map((prompt) => withOtherEnd(prompt, nextSeed++, changedEnd)));
  const measured = {};
  for (const [server, { url }] of servers) measured[server] = { cold: await ask(url, cold, answerTokens) };
  for (const [server, { url }] of servers) measured[server].warm = await ask(url, warm, answerTokens);
  return measured;
}

async function measureClients(servers, clients) {
  const measured = [];
  for (let i = 0; i < rounds; i++) measured.push(await round(i % 2 === 0 ? servers : servers.toReversed(), clients));
  return ["cold", "warm"].map((kind) => {
    const figures = (server) => {
      const runs = measured.map((one) => one[server][kind]);
      return {
        speed: median(runs.map(({ tokensPerSecond }) => tokensPerSecond)),
        first: median(runs.map(({ firstMs }) => median(firstMs))),
        gap: median(runs.map(({ gapsMs }) => quantile(gapsMs, 0.95))),
      };
    };
    return { clients, kind, ours: figures("hearth"), theirs: figures("llama") };
  });
}

/** The mean time to the first token of prompts that arrive together, as a share of the last one's. */
async function measureEqual(servers) {
  const measured = { hearth: [], llama: [] };
  for (let i = 0; i < rounds; i++) {
    const prompts = Array.from({ length: equalPrompts }, () => [promptOf(nextSeed++, promptTokens)]);
    for (const [server, { url }] of servers) measured[server].push((await ask(url, prompts, 4)).firstMs);
  }
  return Object.fromEntries(
    Object.entries(measured).map(([server, runs]) => {
      const mean = (times) => times.reduce((sum, time) => sum + time, 0) / times.length;
      const last = median(runs.map((times) => Math.max(...times)));
      return [server, { mean: median(runs.map(mean)), last, share: median(runs.map((t) => mean(t) / Math.max(...t))) }];
    }),
  );
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const line = (cells) => `| ${cells.join(" | ")} |`;
const ratio = (a, b) => (a / b).toFixed(2);
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
const heading = [
  ["clients, prompts", "tokens/s", "llama-server", "ratio"],
  ["first token", "llama-server", "ratio"],
  ["between tokens, p95", "llama-server"],
].flat();

function row({ clients, kind, ours, theirs }) {
  return [
    `${clients}, ${kind}`,
    ...[ours.speed.toFixed(1), theirs.speed.toFixed(1), ratio(ours.speed, theirs.speed)],
    ...[milliseconds(ours.first), milliseconds(theirs.first), ratio(ours.first, theirs.first)],
    ...[milliseconds(ours.gap), milliseconds(theirs.gap)],
  ];
}

if (isBusy) process.stderr.write(`this machine is busy (${load}): the figures say little\n`);
const table = [line(heading), line(heading.map(() => "---"))];
let equal;
try {
  const file = await modelFile();
  const ours = await startHearth(file);
  const theirs = await startLlamaServer(file, { threads, slots, contextTokens }).catch(async (error) => {
    await ours.stop();
    throw error;
  });
  try {
    const servers = [
      ["hearth", ours],
      ["llama", theirs],
    ];
    for (const [, { url }] of servers) await ask(url, newPrompts(1), answerTokens); // brings the weights into memory
    console.log(table.join("\n"));
    for (const clients of clientCounts) {
      for (const measured of await measureClients(servers, clients)) {
        table.push(line(row(measured)));
        console.log(table.at(-1));
      }
    }
    const { hearth: we, llama: they } = await measureEqual(servers);
    const words = ({ mean, last, share }) =>
      `${milliseconds(mean)} in the mean, ${milliseconds(last)} the last (${share.toFixed(2)})`;
    equal = `First tokens of ${equalPrompts} prompts of ${promptTokens} tokens that arrive at once: ${words(we)}; llama-server: ${words(they)}.`;
    console.log(`\n${equal}`);
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const what = `${name}, prompts of ${promptTokens} tokens, answers of ${answerTokens}, ${threads} threads, ${slots} slots, the median of ${rounds} rounds`;
const source = `Measured by \`npm run bench:server\`: ${provenance(root)}, ${load}; ${what}; llama.cpp of node-llama-cpp ${peerVersion()}, built for this CPU.`;
console.log(`\n${source}`);
if (values.write) writeSection(root, "docs/performance.md", "server", `${source}\n\n${table.join("\n")}\n\n${equal}`);
