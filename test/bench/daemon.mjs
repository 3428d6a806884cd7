/** The measurements share hearth's command, and a daemon of their own on a free port with a state folder of its own. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { run } from "./llama-cpp.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
export const hearth = path.join(root, "dist", "cli", "main.js");

/** The object that `hearth bench` measures. */
export function bench(model, ...args) {
  return JSON.parse(run(process.execPath, [hearth, "bench", model, "--json", ...args]));
}

/** Writes a model of random weights. */
export function writeSynthetic(shapeAndType, file) {
  const nothing = ["-p", "0", "-n", "0", "-r", "1"];
  run(process.execPath, [hearth, "bench", "--synthetic", shapeAndType, "--save", file, ...nothing]);
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Starts hearth as the service does. Resolves when the model is ready. `listenMs` and `readyMs` count from the start of the process. `limits`: see limited.mjs. */
export async function startDaemon(model, env = {}, limits = { spawn }) {
  const state = mkdtempSync(path.join(tmpdir(), "hearth-bench-state-"));
  const started = performance.now();
  const args = ["--max-semi-space-size=1", hearth, "serve", "--listen", "127.0.0.1:0", "--model", model];
  const child = limits.spawn(process.execPath, args, {
    env: { ...process.env, HEARTH_STATE: state, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const log = [];
  const times = {};
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const entry = JSON.parse(line);
      log.push(entry);
      times[entry.msg] ??= performance.now() - started;
      if (entry.msg === "the model is ready") resolve();
    });
    ended.then(() => reject(new Error(`the daemon ended: ${JSON.stringify(log.at(-1))}`)));
  });
  const { address } = log.find(({ msg }) => msg === "listening");
  return {
    url: `http://${address}`,
    pid: child.pid,
    log,
    listenMs: times.listening,
    readyMs: times["the model is ready"],
    async stop() {
      child.kill("SIGTERM");
      await ended;
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** One response, whole. Throws what the daemon says is wrong. */
export async function respond({ url }, body) {
  const response = await fetch(`${url}/v1/responses`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "default", store: false, ...body }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

/** The value of a metric without labels. */
export async function metric({ url }, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}
