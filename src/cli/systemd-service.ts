/** The service hearthd under systemd, by its programs systemctl and journalctl. Knows nothing of what the service does. */
import { setTimeout as sleep } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import { unitProperties } from "../daemon/checks/sources.js";
import { type RunProgram, runProgram } from "../daemon/programs.js";

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

const properties = "LoadState ActiveState UnitFileState Result NRestarts MainPID ExecMainStatus StatusText".split(" ");

export class SystemdService {
  readonly #run: RunProgram;

  constructor(run: RunProgram = runProgram) {
    this.#run = run;
  }

  /** null where there is no systemd, or no such service. */
  async state(): Promise<ServiceState | null> {
    const values = await unitProperties(this.#run, unit, properties);
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
   * wait in it. Rejects with SERVICE_FAILED and its own words, and at once with the signal's reason: systemd then goes on by itself.
   */
  async restart(isMoved = false, signal = new AbortController().signal): Promise<void> {
    const since = Math.floor(Date.now() / 1000);
    const systemctl = (...args: string[]) => {
      signal.throwIfAborted();
      return this.#run("systemctl", args, { signal });
    };
    await systemctl("daemon-reload");
    // Systemd refuses to open a socket on another address while its service runs.
    if (isMoved) await systemctl("stop", `${unit}.service`, `${unit}.socket`);
    await systemctl("reset-failed", `${unit}.service`, `${unit}.socket`);
    await systemctl("start", `${unit}.socket`); // an installation of before has none
    const started = await systemctl("restart", `${unit}.service`);
    if (started?.status === 0) return;
    const words = await this.lastWords(since);
    // Ctrl-C on a terminal goes to systemctl, too, and its end may be heard of first.
    signal.throwIfAborted();
    throw new HearthError("SERVICE_FAILED", `The service does not start: ${words}`);
  }

  /** The last error, or the last line, that it wrote since a moment (in seconds since 1970). */
  async lastWords(since: number): Promise<string> {
    const journal = await this.#run("journalctl", [
      `--unit=${unit}`,
      `--since=@${since}`,
      "--output=cat",
      "--no-pager",
    ]);
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
      const state = await this.state();
      if (state && !["active", "activating", "reloading"].includes(state.active)) {
        throw new HearthError("SERVICE_FAILED", `The service has ended: ${await this.lastWords(since)}`);
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
