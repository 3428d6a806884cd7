/** Runs a command of hearth as root where it needs that: by sudo, which asks for the password itself. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { HearthError } from "../base/errors.js";

/**
 * null: this user may do it. Else the whole command has been run again by sudo, and this is its exit status. COMMAND_NEEDS_ROOT where
 * there is no sudo, or nobody to ask for a password.
 */
export function rerunAsRoot(may: boolean): number | null {
  if (may || process.getuid?.() === 0) return null;
  const [, script = "", ...args] = process.argv;
  const command = `sudo hearth ${args.join(" ")}`;
  const advice = `Run it as root: \`${command}\`.`;
  const mayAsk = process.stdin.isTTY === true;
  if (!mayAsk && spawnSync("sudo", ["--non-interactive", "true"], { stdio: "ignore" }).status !== 0) {
    throw new HearthError("COMMAND_NEEDS_ROOT", "This command changes the service, which this user may not.", {
      advice,
    });
  }
  if (mayAsk) process.stderr.write(`this needs the rights of root: ${command}\n`);
  const variables = kept.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`]));
  const program = ["env", ...variables, process.execPath, ...process.execArgv, path.resolve(script), ...args];
  const { status, error } = spawnSync("sudo", ["--", ...program], { stdio: "inherit" });
  if (error) throw new HearthError("COMMAND_NEEDS_ROOT", "There is no sudo.", { cause: error, advice });
  return status ?? 1;
}

/** Variables that sudo would drop and that say which service is meant. */
const kept = ["HEARTH_CONFIG", "HEARTH_STATE", "HEARTH_MACHINE_ROOT"];

/** Whether this user may replace a file, or make it. */
export function mayWrite(file: string): boolean {
  return isWritable(path.dirname(file)) && (isWritable(file) || !isThere(file));
}

function isWritable(place: string): boolean {
  return allows(place, constants.W_OK);
}

function isThere(place: string): boolean {
  return allows(place, constants.F_OK);
}

function allows(place: string, mode: number): boolean {
  try {
    accessSync(place, mode);
    return true;
  } catch {
    return false;
  }
}
