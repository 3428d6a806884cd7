/** `hearth doctor`: what is wrong with this machine for this job, and the command that mends it. */
import { accessSync, constants } from "node:fs";
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { isDenied } from "../base/files.js";
import type { CheckResult } from "../daemon/checks/check.js";
import { examine } from "../daemon/checks/checks.js";
import { programMs } from "../daemon/checks/sources.js";
import { openModelStore, resolveModel } from "../daemon/model-file.js";
import { runProgram } from "../daemon/programs.js";
import type { StatusReport } from "../daemon/status-report.js";
import { loadEngineModule } from "../engine/binding.js";
import type { EngineModule } from "../engine/contract.js";
import { MachineFiles } from "../machine/files.js";
import { KeyFile } from "../store/key-file.js";
import { rerunAsRoot } from "./as-root.js";
import { configurationOf } from "./configuration.js";
import { exitStatus } from "./exit-status.js";
import { print } from "./models-store.js";
import { daemonStatus } from "./running-daemon.js";
import { SystemdService } from "./systemd-service.js";
import { formatTable, printable } from "./terminal.js";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "what is wrong with this machine for hearth, and the command that mends it; exits with 2 where something is broken",
    )
    .action(doctor);
}

async function doctor(_flags: object, command: Command): Promise<void> {
  const { loaded, config, state, isOfService } = configurationOf(command);
  // Without the right to look into the service's folder the rest is still worth knowing.
  const ofRoot = mayEnter(state) || !process.stdin.isTTY ? null : rerunAsRoot(false);
  if (ofRoot !== null) process.exit(ofRoot);
  const { status, problem } = await statusOf(config);
  const engineModule = loadEngineModule();
  const result = await examine({
    by: "command",
    files: new MachineFiles(config["machine.root"]),
    run: (program, args) => runProgram(program, args, { timeMs: programMs }),
    loaded,
    stateFolder: state,
    engineModule,
    model: configuredFile(config["model.path"], state, engineModule),
    storedKeys: () => new KeyFile(state, engineModule).keys().length,
    status,
    statusProblem: problem,
    hasService: isOfService || (await new SystemdService().state()) !== null,
    now: systemClock.wallTime(),
  });
  print(command.optsWithGlobals().json === true, result, resultText(result));
  if (result.findings.some(({ severity }) => severity === "fault")) process.exitCode = exitStatus.wrong;
}

function mayEnter(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch (error) {
    return !isDenied(error);
  }
}

async function statusOf(
  config: Parameters<typeof daemonStatus>[0],
): Promise<{ readonly status: StatusReport | null; readonly problem: string | null }> {
  try {
    return { status: await daemonStatus(config), problem: null };
  } catch (error) {
    return { status: null, problem: error instanceof HearthError ? error.message : String(error) };
  }
}

/** The configured model's file, or why there is none. */
function configuredFile(name: string, state: string, engine: EngineModule): string | HearthError {
  try {
    return resolveModel(name, openModelStore(state, engine)).path;
  } catch (error) {
    return error instanceof HearthError ? error : new HearthError("FILE_OPEN_FAILED", String(error), { cause: error });
  }
}

export function resultText({ facts, findings, unseen }: CheckResult): string {
  const table = formatTable(facts.map(({ check, text }) => [check, printable(text)]));
  const found = findings.map(
    ({ check, severity, found, mend }) =>
      `${severity === "fault" ? "WRONG" : "better"}  ${check}: ${printable(found)}\n        ${printable(mend)}\n`,
  );
  const unknown = unseen.map(({ check, why }) => `not seen  ${check}: ${printable(why)}\n`).join("");
  const parts = [...found, ...(unknown === "" ? [] : [unknown])];
  if (found.length > 0) return `${table}\n${parts.join("\n")}`;
  return `${table}\n${unknown}${unknown === "" ? "Nothing is wrong.\n" : "Nothing is wrong in what could be seen.\n"}`;
}
