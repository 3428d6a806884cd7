/** llama.cpp's own server on a free port, as its users start it: its defaults, but for the threads, the slots and their context. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { serverProgram } from "./llama-cpp.mjs";

const loadLimitMs = 120_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when it can answer. */
export async function startLlamaServer(model, { threads, slots, contextTokens }) {
  const port = await freePort();
  const args = ["--model", model, "--host", "127.0.0.1", "--port", port, "--threads", threads];
  args.push("--parallel", slots, "--ctx-size", slots * contextTokens, "--no-webui", "--log-disable");
  const child = spawn(serverProgram(), args.map(String), { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  for (const startedAt = performance.now(); !(await isReady(url)); await delay(100)) {
    if (child.exitCode !== null) throw new Error(`llama-server ended with status ${child.exitCode}`);
    if (performance.now() - startedAt < loadLimitMs) continue;
    await stop();
    throw new Error("llama-server did not load the model");
  }
  return { url, stop };
}

async function isReady(url) {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false; // it does not listen yet
  }
}
