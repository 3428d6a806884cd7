/** Runs one command of a suite in the checkout and bounds its time. */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";

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
    const show = (text) => (log === null ? process.stdout.write(text) : appendFileSync(log, text));
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
      show(data);
    });
    child.stderr?.on("data", show);
    const timer = setTimeout(() => {
      show(`${command} did not end within ${limitSeconds} s\n`);
      process.kill(-child.pid, "SIGKILL");
    }, limitSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(timer);
      show(`${command}: ${error.message}\n`);
      resolve({ status: null, output });
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, output });
    });
  });
}

/** The result of a suite that lacks tools. */
export function skip(packages) {
  const note = `skipped: install with sudo apt-get install ${packages.join(" ")}`;
  process.stdout.write(`${note}\n`);
  return { skipped: 1, note };
}
