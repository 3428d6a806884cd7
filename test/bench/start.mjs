/** The time in which a daemon maps a model and listens, and the part of the file that gets into memory: little, or a start reads it. */

import { startDaemon } from "./daemon.mjs";
import { run } from "./llama-cpp.mjs";

/** Bytes of the file that are in the page cache (util-linux). */
function cachedBytes(file) {
  return Number(run("fincore", ["--bytes", "--noheadings", "--output", "RES", file]));
}

/** Drops the file's clean pages from the page cache. */
function forget(file) {
  run("sync", [file]);
  run("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
}

export async function measureStart(model, env = {}) {
  forget(model);
  const before = cachedBytes(model);
  const daemon = await startDaemon(model, env);
  try {
    return { listenMs: daemon.listenMs, readyMs: daemon.readyMs, before, read: cachedBytes(model) - before };
  } finally {
    await daemon.stop();
  }
}
