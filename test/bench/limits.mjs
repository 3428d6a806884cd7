/**
 * Measures on this machine what hearth promises of its speed beside a peer (`npm run bench:peer` compares with one) and prints a
 * line for each promise: `npm run bench:limits -- [NAME ...] [--write]`. Names: contention, batch, speculation, memory, start. The
 * models are of random weights and written to a temporary folder; the one of `start` takes 4 GB of disk. For sound figures the
 * machine must have nothing else to do.
 */
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { measureContention } from "./contention.mjs";
import { bench, writeSynthetic } from "./daemon.mjs";
import { measureMemory } from "./memory.mjs";
import { writesSection } from "./section.mjs";
import { measureSpeculation } from "./speculation.mjs";
import { measureStart } from "./start.mjs";

writesSection("limits");

const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
const percent = (share) => `${Math.round(100 * share)} %`;

const measurements = {
  async contention(models) {
    const { free, contended, kept } = await measureContention(models.get("llama-3.2-1b:q4_0"));
    const speeds = `${free.toFixed(1)} -> ${contended.toFixed(1)} tokens/s`;
    return `with an endless loop on one core decode keeps ${percent(kept)} (${speeds}); promised: 60 %`;
  },

  async batch(models) {
    const { decode, batched } = bench(
      models.get("llama-3.2-1b:q4_0"),
      "-p",
      "0",
      "-n",
      "32",
      "-r",
      "5",
      "--streams",
      "4,8",
    );
    const gains = batched.map(({ tokensPerSecond }) => (tokensPerSecond / decode.tokensPerSecond).toFixed(2));
    return `4 streams give ${gains[0]} times the tokens of one, 8 give ${gains[1]}; promised: 2.2 and 3`;
  },

  async speculation(models) {
    const { summary, calls, other } = await measureSpeculation(models.get("llama-3.2-1b:q4_0"));
    const equal = [summary, calls, other].every((result) => result.equal) ? "equal" : "UNEQUAL";
    const gains = `${summary.gain.toFixed(2)} times on a summary, ${calls.gain.toFixed(2)} on calls`;
    return `speculation gives ${gains}, ${other.gain.toFixed(2)} on other text, with ${equal} answers; promised: 1.5, 0.97`;
  },

  async memory(models) {
    const { tokens, mapped, kv, libraries, others } = await measureMemory(models.get("llama-3.2-1b:q4_0"));
    const parts = `${megabytes(mapped)} of the file, ${megabytes(kv)} of KV for ${tokens} tokens`;
    return `beside ${parts} ${megabytes(others)} are resident, ${megabytes(libraries)} of it libraries; promised: 120 MB`;
  },

  async start(models) {
    const { listenMs, readyMs, read } = await measureStart(models.get("llama-7b:q4_0"));
    const times = `listens after ${Math.round(listenMs)} ms and is ready after ${Math.round(readyMs)} ms`;
    return `a daemon with a 3.8 GB file ${times}, with ${megabytes(read)} of it read; promised: 500 ms`;
  },
};

/** Writes each model when it is first asked for. */
class SyntheticModels {
  #folder = mkdtempSync(path.join(process.env.TMPDIR ?? "/var/tmp", "hearth-limits-"));
  #written = new Map();

  get(name) {
    if (!this.#written.has(name)) {
      const file = path.join(this.#folder, `${name.replace(":", "-")}.gguf`);
      writeSynthetic(name, file);
      this.#written.set(name, file);
    }
    return this.#written.get(name);
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const models = new SyntheticModels();
try {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(measurements);
  for (const name of names) {
    if (!measurements[name]) throw new Error(`There is no ${name}; there are ${Object.keys(measurements).join(", ")}.`);
    console.log(`${name}: ${await measurements[name](models)}`);
  }
} finally {
  models.remove();
}
