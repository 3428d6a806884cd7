/**
 * The share of its decode speed that hearth keeps while an endless loop holds one of its cores, with no setting changed: undisturbed
 * and disturbed in turn, the median of the pairs' ratios.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { bench, median } from "./daemon.mjs";

export async function measureContention(model, { rounds = 5, tokens = 48 } = {}) {
  const decode = () => bench(model, "-p", "0", "-n", String(tokens), "-r", "1").decode.tokensPerSecond;
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    const free = decode();
    const loop = spawn("taskset", ["-c", String(availableParallelism() - 1), process.execPath, "-e", "for (;;);"]);
    await new Promise((resolve, reject) => {
      loop.once("spawn", resolve);
      loop.once("error", reject);
    });
    try {
      pairs.push({ free, contended: decode() });
    } finally {
      loop.kill("SIGKILL");
    }
  }
  return {
    free: median(pairs.map(({ free }) => free)),
    contended: median(pairs.map(({ contended }) => contended)),
    kept: median(pairs.map(({ free, contended }) => contended / free)),
  };
}
