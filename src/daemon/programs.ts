/**
 * Runs programs of the system without waiting for them on the event loop, each for a bounded time. Knows nothing of what they are for.
 */
import { type ChildProcess, spawn } from "node:child_process";

export interface ProgramOutput {
  /** The exit status; -1: it was ended by a signal, or could not be started. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It did not end within its time, and this is its output until then. */
  readonly isLate?: true;
}

/** Runs a program; null where there is no such program. Never rejects. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  limits?: ProgramLimits,
) => Promise<ProgramOutput | null>;

export interface ProgramLimits {
  readonly timeMs?: number;
  /** Ends the program, too. */
  readonly signal?: AbortSignal;
}

const usualTimeMs = 120_000;
/** A program that is told to end may take so long for its last words. One that hangs in the kernel is not waited for. */
const lastWordsMs = 1000;
const mostBytes = 16 * 1024 * 1024;

/** Its words are for this program to read, and nobody is asked anything. After its time it is interrupted, as by Ctrl-C. */
export function runProgram(
  program: string,
  args: readonly string[],
  { timeMs = usualTimeMs, signal }: ProgramLimits = {},
): Promise<ProgramOutput | null> {
  return new Promise((resolve) => {
    const texts = { stdout: "", stderr: "" };
    const failed = (error: unknown) => ((error as NodeJS.ErrnoException).code === "ENOENT" ? null : ended(-1));
    let isLate = false;
    const ended = (status: number): ProgramOutput => ({ status, ...texts, ...(isLate && { isLate }) });
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, LC_ALL: "C.UTF-8", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" },
      });
    } catch (error) {
      resolve(failed(error)); // the system has no memory for another process
      return;
    }
    let killing: NodeJS.Timeout | undefined;
    const finish = (result: ProgramOutput | null) => {
      clearTimeout(limit);
      clearTimeout(killing);
      signal?.removeEventListener("abort", interrupt);
      resolve(result);
    };
    const kill = () => {
      child.kill("SIGKILL");
      child.unref();
      child.stdout?.destroy();
      child.stderr?.destroy();
      finish(ended(-1));
    };
    const interrupt = () => {
      child.kill("SIGINT");
      killing ??= setTimeout(kill, lastWordsMs);
    };
    const limit = setTimeout(() => {
      isLate = true;
      interrupt();
    }, timeMs);
    child.once("close", (status) => finish(ended(status ?? -1)));
    child.on("error", (error) => {
      if (child.pid === undefined) finish(failed(error));
    });
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        if (texts[name].length + text.length <= mostBytes) texts[name] += text;
      });
    }
    if (signal?.aborted) interrupt();
    else signal?.addEventListener("abort", interrupt, { once: true });
  });
}
