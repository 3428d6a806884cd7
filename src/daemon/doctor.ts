/**
 * Looks what is wrong with the machine while the daemon runs, as `hearth doctor` does: one look at a time, which whoever asks meanwhile
 * shares. Files and programs are waited for beside the event loop. Knows the order of this; what is looked at is in checks/.
 */

import type { CheckResult } from "./checks/check.js";
import { examine } from "./checks/checks.js";
import { type DoctorSources, programMs } from "./checks/sources.js";
import { runProgram } from "./programs.js";

export class Doctor {
  readonly #sources: () => Omit<DoctorSources, "by" | "run">;
  readonly #stopped = new AbortController();
  /** Checks of this look or an earlier one that wait for storage that hangs. */
  readonly #hung = new Set<string>();
  #running: Promise<CheckResult> | null = null;

  /** `sources`: what to look at, of the moment of the call. */
  constructor(sources: () => Omit<DoctorSources, "by" | "run">) {
    this.#sources = sources;
  }

  /** The result of the look that runs, or of a new one. It takes some seconds, and two minutes where programs and files do not answer. */
  look(): Promise<CheckResult> {
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Ends the programs that run. */
  stop(): void {
    this.#stopped.abort();
  }

  async #look(): Promise<CheckResult> {
    const limits = { timeMs: programMs, signal: this.#stopped.signal };
    const run = (program: string, args: readonly string[]) => runProgram(program, args, limits);
    return examine({ ...this.#sources(), by: "daemon", run }, this.#hung);
  }
}
