/** The sources of `hearth doctor`: files of the machine, programs of the system, the configuration. Tests bring their own. */
import type { LoadedConfig } from "../../config/load.js";
import type { EngineModule } from "../../engine/contract.js";
import type { MachineFiles } from "../../machine/files.js";
import type { StatusReport } from "../status-report.js";

export interface ProgramOutput {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DoctorSources {
  readonly files: MachineFiles;
  /** Runs a program of the system; null where there is no such program. */
  readonly run: (program: string, args: readonly string[]) => ProgramOutput | null;
  readonly loaded: LoadedConfig;
  readonly stateFolder: string;
  readonly engineModule: EngineModule;
  /** The daemon's state; null: none listens at its address. */
  readonly status: StatusReport | null;
  /** Why the state could not be had though somebody listens; null otherwise. */
  readonly statusProblem: string | null;
  /** Whether this machine is to have the service. */
  readonly hasService: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Properties of a unit, by name; empty without systemd. */
export function unitProperties(
  run: DoctorSources["run"],
  unit: string,
  names: readonly string[],
): ReadonlyMap<string, string> {
  const shown = run("systemctl", ["show", unit, `--property=${names.join(",")}`]);
  const lines = shown?.status === 0 ? shown.stdout.trim().split("\n") : [];
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
