/**
 * Measures what a prompt that was read before spares: `npm run bench:prefix [SHAPE:TYPE...] [-p TOKENS] [--write]`. For each model the
 * time to the first token of a long prompt, cold; of the same prompt with another last line; and of that after the daemon was
 * killed in cold blood and started again, and after its stored prefix was damaged. The daemon's page cache is not dropped.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tsImport } from "tsx/esm/api";
import { writesSection } from "./section.mjs";

writesSection("prefix");

const { loadEngineModule } = await tsImport("../../src/engine/binding.ts", import.meta.url);
const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const hearth = path.join(root, "dist", "cli", "main.js");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { prompt: { type: "string", short: "p", default: "3000" }, keep: { type: "boolean", default: false } },
});
const shapes = positionals.length > 0 ? positionals : ["qwen3-0.6b:q4_0", "qwen3.5-0.8b:q4_0", "gemma3-1b:q4_0"];

async function startDaemon(model, state) {
  const args = ["serve", "--listen", "127.0.0.1:0", "--model", model, "--context", "8192", "--slots", "2"];
  const env = {
    ...process.env,
    HEARTH_STATE: state,
    HEARTH_PREFIX_IDLE_MS: "200",
    HEARTH_MODEL_LOAD_WAIT_MS: "120000",
  };
  const child = spawn(process.execPath, [hearth, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
  const log = [];
  const waiting = new Set();
  createInterface({ input: child.stdout }).on("line", (line) => {
    log.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const logged = (msg) =>
    new Promise((resolve) => {
      const look = () => {
        const line = log.find((each) => each.msg === msg);
        if (line) resolve(line);
      };
      waiting.add(look);
      look();
    });
  const { address } = await logged("listening");
  await logged("the model is ready");
  const exited = new Promise((resolve) => child.on("close", resolve));
  return { url: `http://${address}`, log, logged, exited, kill: (signal) => child.kill(signal) };
}

/** Milliseconds to the first token, and the tokens of the prompt that were there. */
async function ask({ url }, prompt) {
  const started = performance.now();
  const body = { model: "default", prompt, max_tokens: 1, temperature: 0, stream: false };
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { usage } = await response.json();
  const ms = performance.now() - started;
  return { ms, tokens: usage.prompt_tokens, cached: usage.prompt_tokens_details?.cached_tokens ?? 0 };
}

/** The synthetic vocabulary has no digits: each is a byte, and a token. */
function longPrompt(tokens) {
  return Array.from({ length: tokens }, (_, i) => (i * 7919 + ((i * i) >> 3)) % 10).join("");
}

const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;

async function measure(synthetic) {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-bench-prefix-"));
  const model = path.join(tmpdir(), `hearth-bench-${synthetic.replace(":", "-")}.gguf`);
  const state = path.join(folder, "state");
  try {
    const [shape, type] = synthetic.split(":");
    if (!existsSync(model)) await loadEngineModule().writeSyntheticModel(shape, type, model);
    const begin = longPrompt(Number(values.prompt));
    let daemon = await startDaemon(model, state);
    await ask(daemon, "warm up the pages of the weights");
    const cold = await ask(daemon, `${begin} is the light on?`);
    const warm = await ask(daemon, `${begin} how warm is it?`);
    const stored = await daemon.logged("a prefix was stored");
    daemon.kill("SIGKILL");
    await daemon.exited;
    daemon = await startDaemon(model, state);
    const restarted = await ask(daemon, `${begin} who is there?`);
    daemon.kill("SIGKILL");
    await daemon.exited;
    const prefixes = path.join(state, "prefixes");
    const [file] = readdirSync(prefixes).filter((name) => name.endsWith(".kv"));
    const bytes = readFileSync(path.join(prefixes, file));
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path.join(prefixes, file), bytes);
    daemon = await startDaemon(model, state);
    const damaged = await ask(daemon, `${begin} who is there?`);
    const complaints = daemon.log.filter(({ level }) => level === "warn" || level === "error").map(({ msg }) => msg);
    daemon.kill("SIGTERM");
    await daemon.exited;
    console.log(`${synthetic}: ${cold.tokens} tokens cold in ${cold.ms.toFixed(0)} ms`);
    for (const [name, { ms, tokens, cached }] of Object.entries({
      "another last line": warm,
      "after kill -9": restarted,
    })) {
      console.log(
        `  ${name}: ${cached} of ${tokens} tokens (${percent(cached, tokens)}) were there, ${ms.toFixed(0)} ms (${percent(ms, cold.ms)})`,
      );
    }
    console.log(`  stored: ${stored.tokens} tokens, ${(stored.bytes / 2 ** 20).toFixed(0)} MiB`);
    console.log(
      `  damaged: ${damaged.cached} tokens were there, ${damaged.ms.toFixed(0)} ms; logged: ${complaints.join("; ")}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (!values.keep) rmSync(model, { force: true });
  }
}

for (const synthetic of shapes) await measure(synthetic);
