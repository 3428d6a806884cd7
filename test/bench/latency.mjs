/**
 * The latency of clients while decode keeps all cores busy: `npm run bench:latency -- [MODEL] [SECONDS] [--write]`. Prints the times of
 * /api/tags and /healthz, the delay from the step that drew a token to its socket and to a client that reads it, and decode's
 * speed with 20 quick readers, and with 20 that do not read beside 200 idle sockets: as many answers in both, so that the batches are
 * equal. On a machine that others use too only the ratios mean anything. MODEL: a GGUF file; by default a synthetic llama-3.2-1b
 * in Q4_0.
 */
import { fork, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { writesSection } from "./section.mjs";

writesSection("latency");

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const main = path.join(root, "dist", "cli", "main.js");
const folder = mkdtempSync(path.join(tmpdir(), "hearth-latency-"));
const seconds = Number(process.argv[3] ?? 15);
const streams = 2;
const idleSockets = 200;
const slowReaders = 20;
const rounds = 5;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];
const row = (name, values) => {
  const [p50, p99, max] = [0.5, 0.99, 1].map((q) => quantile(values, q).toFixed(2).padStart(9));
  process.stdout.write(`${name.padEnd(34)} ${String(values.length).padStart(6)} ${p50} ${p99} ${max} ms\n`);
};

function model() {
  if (process.argv[2]) return process.argv[2];
  const file = path.join(folder, "model.gguf");
  const args = [main, "bench", "--synthetic", "llama-3.2-1b:q4_0", "-p", "0", "-n", "1", "-r", "1", "--save", file];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return file;
}

async function startDaemon(file) {
  const env = {
    ...process.env,
    HEARTH_LISTEN: "127.0.0.1:0",
    HEARTH_MODEL: file,
    HEARTH_SLOTS: "32",
    HEARTH_CONTEXT_TOKENS: "4096",
    HEARTH_KV_TOKENS: "32768",
    HEARTH_SPECULATION: "false", // one token a step
    HEARTH_STATE: folder,
    HEARTH_AUTO_TUNE: "false",
    HEARTH_LIMITS_REQUESTS_PER_MINUTE: "0",
  };
  const execArgv = ["--max-semi-space-size=1", "--import", path.join(root, "test", "bench", "latency-hooks.mjs")];
  const child = fork(main, ["serve"], { env, execArgv, silent: true });
  child.stderr.pipe(process.stderr);
  const address = await new Promise((resolve, reject) => {
    let found;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { msg, address } = JSON.parse(line);
      if (msg === "listening") found = address;
      if (msg === "the model is ready") resolve(found);
    });
    child.on("exit", () => reject(new Error("the daemon ended")));
  });
  return { child, url: `http://${address}` };
}

const connect = (url) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/responses`);
    socket.once("open", () => resolve(socket)).once("error", reject);
  });

/** Longer than the measurement: a synthetic model says nothing that would stop. */
const longAnswer = JSON.stringify({
  type: "response.create",
  model: "default",
  input: "Once upon a time",
  max_output_tokens: 2000,
  store: false,
  include: ["hearth.token_ids"],
});

/** Answers without end. */
function keepAsking(socket, onToken) {
  const ask = () => socket.send(longAnswer);
  socket.on("message", (data) => {
    const event = JSON.parse(String(data));
    if (event.type === "response.output_text.delta") onToken(event);
    else if (/^response\.(completed|incomplete|failed)$/.test(event.type)) ask();
  });
  ask();
}

/** The delays of one stream's tokens: from the end of the step that drew them to the socket, and to this process, which is the client. */
async function tokenDelays(child, url) {
  const noted = () =>
    new Promise((resolve) => {
      child.once("message", ({ drawn, written }) =>
        resolve({ drawn: drawn.map(BigInt), written: written.map(BigInt) }),
      );
      child.send("noted");
    });
  const socket = await connect(url);
  await noted();
  const events = [];
  const done = new Promise((resolve) => {
    socket.on("message", (data) => {
      const at = process.hrtime.bigint();
      const event = JSON.parse(String(data));
      if (event.type === "response.output_text.delta") events.push({ count: event["hearth:token_ids"].length, at });
      if (/^response\.(completed|incomplete|failed)$/.test(event.type)) resolve();
    });
  });
  const tokens = { input: "Once upon a time", max_output_tokens: 400, store: false, include: ["hearth.token_ids"] };
  socket.send(JSON.stringify({ type: "response.create", model: "default", ...tokens }));
  await done;
  socket.close();
  const { drawn, written } = await noted();
  if (written.length !== events.length) throw new Error(`${written.length} events written, ${events.length} received`);
  const toSocket = [];
  const toClient = [];
  let token = 0;
  // A token that is no whole character waits for the next one: the last of an event is the one that sent it.
  for (const [i, { count, at }] of events.entries()) {
    token += count;
    const step = drawn[token - 1];
    if (count === 0 || step === undefined) continue;
    toSocket.push(Number(written[i] - step) / 1e6);
    toClient.push(Number(at - step) / 1e6);
  }
  return { toSocket, toClient };
}

async function counters(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (name) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

/** Tokens a second that the daemon decodes. */
async function decodeRate(url) {
  const before = (await counters(url))("hearth_generated_tokens_total");
  const began = performance.now();
  await sleep((seconds * 1000) / rounds);
  const after = (await counters(url))("hearth_generated_tokens_total");
  return ((after - before) / (performance.now() - began)) * 1000;
}

async function times(url, request) {
  const values = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const began = performance.now();
    await (await fetch(`${url}${request}`)).arrayBuffer();
    values.push(performance.now() - began);
    await sleep(20);
  }
  return values;
}

const { child, url } = await startDaemon(model());
try {
  const header = ["count", "p50", "p99", "max"].map((name, i) => name.padStart(i === 0 ? 6 : 9)).join(" ");
  process.stdout.write(`${"".padEnd(34)} ${header}\n`);
  const { toSocket, toClient } = await tokenDelays(child, url);
  row("token to socket, one stream", toSocket);
  row("token to client, one stream", toClient);
  const gaps = [];
  const sockets = await Promise.all(Array.from({ length: streams }, () => connect(url)));
  const arrivals = new Map();
  for (const socket of sockets) {
    keepAsking(socket, () => {
      const now = performance.now();
      gaps.push(now - (arrivals.get(socket) ?? now));
      arrivals.set(socket, now);
    });
  }
  await sleep(3000);
  row("GET /healthz", await times(url, "/healthz"));
  row("GET /api/tags", await times(url, "/api/tags"));
  gaps.length = 0;
  await sleep(seconds * 1000);
  row("between two tokens at a client", gaps.splice(0));
  const readers = await Promise.all(Array.from({ length: slowReaders }, () => connect(url)));
  for (const socket of readers) {
    socket.send(longAnswer);
    socket.on("message", () => {}); // read, and not parsed: this process is on the same cores
  }
  await sleep(3000);
  // In turn, so that what else the machine does falls on both.
  const rates = { quick: [], slow: [] };
  for (let round = 0; round < rounds; round++) {
    rates.quick.push(await decodeRate(url));
    const idle = await Promise.all(Array.from({ length: idleSockets }, () => connect(url)));
    for (const socket of readers) socket.pause(); // what is sent to them stays in the kernel
    rates.slow.push(await decodeRate(url));
    for (const socket of readers) socket.resume();
    for (const socket of idle) socket.terminate();
    await sleep(500);
  }
  const changes = rates.slow.map((slow, round) => (slow / rates.quick[round] - 1) * 100);
  const change = quantile(changes, 0.5).toFixed(1);
  const [quick, slow] = [rates.quick, rates.slow].map((values) => quantile(values, 0.5).toFixed(1));
  process.stdout.write(
    `decode of ${streams + slowReaders} answers: ${slowReaders} quick readers ${quick} tokens/s; ${slowReaders} that do not read, and ${idleSockets} idle sockets: ${slow} (${change} %, the median of ${rounds} pairs)\n`,
  );
  for (const socket of [...sockets, ...readers]) socket.terminate();
} finally {
  child.kill("SIGTERM");
  await new Promise((resolve) => child.on("exit", resolve));
  rmSync(folder, { recursive: true });
}
