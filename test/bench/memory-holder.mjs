/**
 * Another program that wants memory, for measurements of what hearth does then: it takes it step by step, so that others can give some
 * back in between. What is measured beside it is run as the first that the kernel ends: a want that is not met shows there.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A command and its arguments that are run so. */
export function firstToEnd(command, args) {
  return ["sh", ["-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$@"', "sh", command, ...args]];
}

const stepBytes = 8 * 2 ** 20;

/** Runs in the other program. */
function takeSteps({ bytes, left, stepBytes, pauseMs }) {
  const { readFileSync } = require("node:fs");
  const kilobytes = (file, name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(file, "utf8"))[1]);
  const own = () => 1024 * kilobytes("/proc/self/status", "RssAnon");
  const available = () => 1024 * kilobytes("/proc/meminfo", "MemAvailable");
  const held = [];
  const takes = () => (left === null ? own() + stepBytes <= bytes : available() > left + stepBytes);
  const step = () => {
    if (!takes()) return console.log("held");
    held.push(Buffer.alloc(stepBytes, 1));
    setTimeout(step, pauseMs);
  };
  step();
  setInterval(() => {}, 1e6);
}

/**
 * Takes `bytes`, its own among them, or all that the machine has available but for `left` bytes; in the control group of `limits` where there is one.
 * Resolves when it has them, with its process, to be killed.
 */
export async function holdMemory({ bytes = 0, left = null, pauseMs = 20 }, limits = { spawn }) {
  const program = `(${takeSteps})(${JSON.stringify({ bytes, left, stepBytes, pauseMs })})`;
  const child = limits.spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const held = once(createInterface({ input: child.stdout }), "line");
  const ended = once(child, "exit").then(() => {
    throw new Error("the other program ended before it had its memory");
  });
  ended.catch(() => undefined); // later it is killed
  await Promise.race([held, ended]);
  return child;
}
