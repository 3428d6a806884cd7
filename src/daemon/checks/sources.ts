/** The sources of `hearth doctor`: files of the machine, programs of the system, the configuration. Tests bring their own. */
import type { HearthError } from "../../base/errors.js";
import type { LoadedConfig } from "../../config/load.js";
import type { EngineModule } from "../../engine/contract.js";
import type { MachineFiles } from "../../machine/files.js";
import type { RunProgram } from "../programs.js";
import type { StatusReport } from "../status-report.js";

/** A program of the system may take so long for a check; the storage is measured for as long at most. */
export const programMs = 10_000;

export interface DoctorSources {
  /** A command of a person looks, or the daemon itself out of its sandbox, which sees less of the machine and more of the daemon. */
  readonly by: "command" | "daemon";
  readonly files: MachineFiles;
  readonly run: RunProgram;
  readonly loaded: LoadedConfig;
  readonly stateFolder: string;
  readonly engineModule: EngineModule;
  /** The configured model's file, or why there is none. */
  readonly model: string | HearthError;
  /** How many keys are stored. Throws KEY_FILE_INVALID. */
  readonly storedKeys: () => number;
  /** The daemon's state; null: none listens at its address. */
  readonly status: Pick<StatusReport, "models" | "address"> | null;
  /** Why the state could not be had though somebody listens; null otherwise. */
  readonly statusProblem: string | null;
  /** Whether this machine is to have the service. */
  readonly hasService: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Properties of a unit, by name; empty without systemd, and where it does not answer. */
export async function unitProperties(
  run: RunProgram,
  unit: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const shown = await run("systemctl", ["show", unit, `--property=${names.join(",")}`]);
  const lines = shown?.status === 0 ? shown.stdout.trim().split("\n") : [];
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/** The advice for something unseen, behind a sentence; empty where root itself has looked. */
export function asRoot(by: DoctorSources["by"]): string {
  return by === "command" && process.getuid?.() === 0 ? "" : " More is seen by `sudo hearth doctor`.";
}
