/** The service hearthd under systemd, by its programs systemctl and journalctl. Knows nothing of what the service does. */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import { type ProgramOutput, unitProperties } from "../daemon/checks/sources.js";

export const unit = "hearthd";

export interface ServiceState {
  /** `active`, `failed`, `inactive`, ... */
  readonly active: string;
  /** `enabled`, `disabled`, ...; empty where there is no such unit. */
  readonly enabled: string;
  readonly result: string;
  readonly restarts: number;
  readonly pid: number | null;
  readonly exitStatus: number | null;
  readonly statusText: string;
}

/** Runs programs of the system; null where there is no such program. */
export type RunProgram = (program: string, args: readonly string[]) => ProgramOutput | null;

const limitMs = 120_000;

export const runProgramOfSystem: RunProgram = (program, args) => {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
    // Nothing is asked of a person here, and words are read by this program.
    env: { ...process.env, LC_ALL: "C.UTF-8", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" },
  });
  if (error && "code" in error && error.code === "ENOENT") return null;
  return { status: status ?? -1, stdout: stdout ?? "", stderr: stderr ?? "" };
};

const properties = "LoadState ActiveState UnitFileState Result NRestarts MainPID ExecMainStatus StatusText".split(" ");

export class SystemdService {
  readonly #run: RunProgram;

  constructor(run: RunProgram = runProgramOfSystem) {
    this.#run = run;
  }

  /** null where there is no systemd, or no such service. */
  state(): ServiceState | null {
    const values = unitProperties(this.#run, unit, properties);
    const value = (name: string) => values.get(name) ?? "";
    if (value("LoadState") === "not-found" || value("LoadState") === "") return null;
    return {
      active: value("ActiveState"),
      enabled: value("UnitFileState"),
      result: value("Result"),
      restarts: Number(value("NRestarts")) || 0,
      pid: Number(value("MainPID")) || null,
      exitStatus: value("ExecMainStatus") === "" ? null : Number(value("ExecMainStatus")),
      statusText: value("StatusText"),
    };
  }

  /**
   * Starts it anew. `isMoved`: the configuration has another address, which its socket has to take too; else clients that come meanwhile
   * wait in it. SERVICE_FAILED with its own words.
   */
  restart(isMoved = false): void {
    const since = Math.floor(Date.now() / 1000);
    this.#run("systemctl", ["daemon-reload"]);
    // Systemd refuses to open a socket on another address while its service runs.
    if (isMoved) this.#run("systemctl", ["stop", `${unit}.service`, `${unit}.socket`]);
    this.#run("systemctl", ["reset-failed", `${unit}.service`, `${unit}.socket`]);
    this.#run("systemctl", ["start", `${unit}.socket`]); // an installation of before has none
    const started = this.#run("systemctl", ["restart", `${unit}.service`]);
    if (started?.status === 0) return;
    throw new HearthError("SERVICE_FAILED", `The service does not start: ${this.lastWords(since)}`);
  }

  /** The last error, or the last line, that it wrote since a moment (in seconds since 1970). */
  lastWords(since: number): string {
    const journal = this.#run("journalctl", [`--unit=${unit}`, `--since=@${since}`, "--output=cat", "--no-pager"]);
    const lines = (journal?.stdout ?? "").trim().split("\n");
    const found = lines.filter((line) => line.startsWith("hearth: ")).at(-1) ?? lines.at(-1) ?? "";
    return found.replace(/^hearth: /, "").slice(0, 400) || `look into \`journalctl -u ${unit}\`.`;
  }

  /** Waits until `check` says yes. Rejects with SERVICE_FAILED when the service ends meanwhile or after `waitMs`, and with the signal's reason. */
  async until(check: () => Promise<boolean>, waitMs: number, signal = new AbortController().signal): Promise<void> {
    const startedAt = performance.now();
    const since = Math.floor(Date.now() / 1000) - 1;
    for (;;) {
      signal.throwIfAborted();
      if (await check()) return;
      const state = this.state();
      if (state && !["active", "activating", "reloading"].includes(state.active)) {
        throw new HearthError("SERVICE_FAILED", `The service has ended: ${this.lastWords(since)}`);
      }
      if (performance.now() - startedAt > waitMs) {
        const seconds = Math.round(waitMs / 1000);
        const said = state?.statusText ? ` It says: ${state.statusText}` : "";
        throw new HearthError("SERVICE_FAILED", `The service was not ready within ${seconds} seconds.${said}`);
      }
      await sleep(pollMs, undefined, { signal }).catch(() => {}); // the loop says why
    }
  }
}

const pollMs = 250;
