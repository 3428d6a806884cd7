/** Runs the compiled `hearth` command as a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import path from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder } from "./folder.js";
import { root } from "./shared.js";

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment without any hearth or systemd variable that the developer may have set. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HEARTH|NOTIFY|WATCHDOG|NODE_TEST)_/.test(name));
  return Object.fromEntries(inherited);
}

/** Starts `hearth ARGS`; it is killed at the latest when the test ends. `through`: a command that runs it. */
export function spawnHearth(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  through: readonly string[] = [],
): ChildProcessWithoutNullStreams {
  const state = env.HEARTH_STATE ?? temporaryFolder(t);
  const command = [...through, process.execPath, path.join(root, "dist", "cli", "main.js"), ...args];
  const child = spawn(command[0] ?? "", command.slice(1), {
    cwd: root,
    // Not the configuration of a service that the developer's machine may have.
    env: { ...cleanEnvironment(), HEARTH_CONFIG: "/dev/null", ...env, HEARTH_STATE: state },
  });
  child.stdin.on("error", () => {}); // the process may end without reading
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Runs `hearth ARGS` to its end. */
export async function hearth(
  t: TestContext,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; stdin?: string; through?: readonly string[] } = {},
): Promise<CommandResult> {
  const child = spawnHearth(t, args, options.env, options.through);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.end(options.stdin ?? "");
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, stdout, stderr };
}
