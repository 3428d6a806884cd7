/**
 * The memory of a daemon beside its model's file and its KV cache, after a request that fills most of a context of 2,048
 * tokens. By the kernel's own count (/proc/PID/smaps): all that is resident, Node and shared libraries included.
 */
import { readFileSync, realpathSync } from "node:fs";
import { tsImport } from "tsx/esm/api";
import { respond, startDaemon } from "./daemon.mjs";

/** Resident bytes by what is mapped there. */
function residentBytes(pid, model) {
  const sums = { model: 0, libraries: 0, anonymous: 0 };
  let kind = "anonymous";
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const name = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)$/.exec(line)?.[1];
    if (name !== undefined) kind = name === model ? "model" : name.startsWith("/") ? "libraries" : "anonymous";
    sums[kind] += 1024 * Number(/^Rss:\s+(\d+) kB/.exec(line)?.[1] ?? 0);
  }
  return sums;
}

async function kvBytesPerToken(model) {
  const { loadEngineModule } = await tsImport("../../src/engine/binding.ts", import.meta.url);
  return (await loadEngineModule().loadModel(model, { vocabularyOnly: false })).info.kvBytes.f16.perToken;
}

/** `others`: what is neither the file nor the KV cache of the request's tokens. */
export async function measureMemory(
  model,
  { contextTokens = 2048, promptTokens = 1500, answerTokens = 64, env = {} } = {},
) {
  const daemon = await startDaemon(model, { HEARTH_CONTEXT_TOKENS: String(contextTokens), ...env });
  try {
    const atStart = residentBytes(daemon.pid, realpathSync(model));
    // A digit is a token of its own.
    const request = { input: "7".repeat(promptTokens), temperature: 0, max_output_tokens: answerTokens };
    const { usage } = await respond(daemon, request);
    const { model: mapped, libraries, anonymous } = residentBytes(daemon.pid, realpathSync(model));
    const kv = Math.min(anonymous, usage.total_tokens * (await kvBytesPerToken(model)));
    return { atStart, tokens: usage.total_tokens, mapped, kv, libraries, others: libraries + anonymous - kv };
  } finally {
    await daemon.stop();
  }
}
