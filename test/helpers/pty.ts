/** Runs `hearth` on a real pseudo-terminal, which `script` of util-linux makes, and looks at its screen. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder } from "./folder.js";
import { Screen } from "./screen.js";
import { root } from "./shared.js";

export const withoutTerminal =
  spawnSync("script", ["--version"]).status !== 0 && "there is no script. Install with: sudo apt-get install bsdutils";

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
  /** For Node. */
  readonly flags?: readonly string[];
}

export interface TestTerminal {
  readonly screen: Screen;
  /** All that was written, as it came. */
  raw(): string;
  type(keys: string): void;
  /** Waits until the screen's text matches; fails with the screen after a minute. */
  until(wanted: RegExp): Promise<void>;
  resize(columns: number, rows: number): void;
  /** The process of hearth. */
  pid(): number;
  readonly exited: Promise<number | null>;
}

const limitMs = 60_000;

export function startOnTerminal(t: TestContext, args: readonly string[], options: TerminalOptions = {}): TestTerminal {
  const { env = {}, columns = 80, rows = 24, flags = ["--max-semi-space-size=1"] } = options;
  const folder = temporaryFolder(t);
  const [pidFile, ttyFile] = [path.join(folder, "pid"), path.join(folder, "tty")];
  const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  const command = [process.execPath, ...flags, path.join(root, "dist", "cli", "main.js"), ...args]
    .map(quoted)
    .join(" ");
  const shell = `stty cols ${columns} rows ${rows}; tty >${ttyFile}; echo $$ >${pidFile}; exec ${command}`;
  const child = spawn("script", ["-qefc", shell, "/dev/null"], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      SHELL: "/bin/sh",
      HEARTH_CONFIG: "/dev/null",
      HEARTH_STATE: path.join(folder, "state"),
      ...env,
    },
  });
  const screen = new Screen(columns, rows);
  const watching = new Set<() => void>();
  let raw = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    raw += text;
    screen.write(text);
    for (const look of watching) look();
  });
  child.stdin.on("error", () => {}); // the program may end without reading
  const pid = () => Number(readFileSync(pidFile, "utf8"));
  t.after(() => {
    child.kill("SIGKILL");
    try {
      if (existsSync(pidFile)) process.kill(pid(), "SIGKILL");
    } catch {
      // it has ended by itself
    }
  });
  return {
    screen,
    raw: () => raw,
    type: (keys) => void child.stdin.write(keys),
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const settle = (done: () => void) => {
          clearTimeout(timer);
          watching.delete(look);
          done();
        };
        const look = () => wanted.test(screen.text) && settle(resolve);
        const timer = setTimeout(
          () => settle(() => reject(new Error(`${wanted} did not come:\n${screen.text}`))),
          limitMs,
        );
        watching.add(look);
        look();
      }),
    resize(wide, high) {
      screen.resize(wide, high);
      const tty = readFileSync(ttyFile, "utf8").trim();
      spawnSync("stty", ["-F", tty, "cols", String(wide), "rows", String(high)]);
    },
    pid,
    exited: new Promise((resolve) => child.on("close", resolve)),
  };
}
