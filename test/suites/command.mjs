/** Runs one command of a suite in the checkout and bounds its time. */
import { spawn } from "node:child_process";

/**
 * Its exit status, or null when it was ended by a signal or its time was over; and what it printed, which is shown too.
 */
export function run(root, command, args, { env = {}, limitSeconds = 600 } = {}) {
  return new Promise((resolve) => {
    // A group of its own, so that a late test's grandchildren end with it.
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
      process.stdout.write(data);
    });
    const timer = setTimeout(() => {
      process.stdout.write(`${command} did not end within ${limitSeconds} s\n`);
      process.kill(-child.pid, "SIGKILL");
    }, limitSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(timer);
      process.stdout.write(`${command}: ${error.message}\n`);
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
