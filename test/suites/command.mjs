/** Runs one command of a suite in the checkout and bounds its time. */
import { spawn } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import os from "node:os";

/** Sessions of commands that run. They end with this process, however that ends: Ctrl-C reaches none of them by itself. */
const running = new Set();
process.on("exit", () => {
  for (const session of running) endSession(session, "SIGTERM");
});
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.on(signal, () => process.exit(status));
}

/**
 * Its exit status, or null when it was ended by a signal or its time was over; and what it printed, which is shown too unless `log`
 * names a file, which then gets that and its errors.
 */
export function run(root, command, args, { env = {}, limitSeconds = 600, log = null } = {}) {
  return new Promise((resolve) => {
    // A group of its own, so that a late test's grandchildren end with it.
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", log === null ? "inherit" : "pipe"],
      detached: true,
    });
    if (child.pid !== undefined) running.add(child.pid);
    keepPriority(child.pid);
    const show = (text) => (log === null ? process.stdout.write(text) : appendFileSync(log, text));
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
      show(data);
    });
    child.stderr?.on("data", show);
    const timer = setTimeout(() => {
      show(`${command} did not end within ${limitSeconds} s\n`);
      endSession(child.pid, "SIGKILL");
    }, limitSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(timer);
      running.delete(child.pid);
      show(`${command}: ${error.message}\n`);
      resolve({ status: null, output });
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      running.delete(child.pid);
      resolve({ status, output });
    });
  });
}

function endSession(session, signal) {
  try {
    process.kill(-session, signal);
  } catch {} // it has ended
}

/** Gives a session the priority of this process: where the kernel groups processes by session, that of a single one says nothing. */
function keepPriority(session) {
  const priority = os.getPriority();
  if (priority === 0 || session === undefined) return;
  try {
    writeFileSync(`/proc/${session}/autogroup`, String(priority));
  } catch {} // a kernel without groups, or a command that has ended
}

/** The result of a suite that lacks tools. */
export function skip(packages) {
  const note = `skipped: install with sudo apt-get install ${packages.join(" ")}`;
  process.stdout.write(`${note}\n`);
  return { skipped: 1, note };
}
