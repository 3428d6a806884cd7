/** A Raspberry Pi 5 on which all is well, for tests of the doctor to plant their faults in. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { HearthError } from "../../../../src/base/errors.js";
import { loadConfig } from "../../../../src/config/load.js";
import { examine } from "../../../../src/daemon/checks/checks.js";
import type { DoctorSources } from "../../../../src/daemon/checks/sources.js";
import type { ProgramOutput } from "../../../../src/daemon/programs.js";
import type { StatusReport } from "../../../../src/daemon/status-report.js";
import { KeyFile } from "../../../../src/store/key-file.js";
import { piecesOf } from "../../../../src/web/status/mend.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { SimulatedFiles } from "../../../helpers/machine.js";

export const cpu = "/sys/devices/system/cpu/cpufreq/policy0";
export const zone = "/sys/class/thermal/thermal_zone0";
export const throttled = "/sys/devices/platform/soc/soc:firmware/get_throttled";

/** A Raspberry Pi 5 with 8 GB on which all is well. */
const soundFiles = {
  "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
  "/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd evtstrm aes asimdhp asimddp\n",
  "/proc/meminfo": "MemTotal:        8000000 kB\nMemFree:         1000000 kB\nMemAvailable:    6000000 kB\n",
  "/proc/swaps":
    "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0                              partition\t2000000\t0\t100\n",
  "/proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
  "/proc/schedstat": "version 15\ncpu0 0 0 0 0 0 0 5 5 5\n",
  "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids",
  "/proc/net/tcp": "  sl  local_address\n   0: 0100007F:2CAA 00000000:0000 0A 00000000\n",
  [`${zone}/type`]: "cpu-thermal",
  [`${zone}/temp`]: "52000",
  [throttled]: "0",
  [`${cpu}/scaling_cur_freq`]: "1500000",
  [`${cpu}/scaling_max_freq`]: "2400000",
  [`${cpu}/cpuinfo_max_freq`]: "2400000",
  [`${cpu}/scaling_governor`]: "ondemand",
};

const soundUnit = {
  LoadState: "loaded",
  ActiveState: "active",
  SubState: "running",
  UnitFileState: "enabled",
  Result: "success",
  NRestarts: "0",
  StatusText: "Serving model",
  LimitMEMLOCK: "infinity",
};

export interface Machine {
  files: Record<string, string>;
  unit: Record<string, string>;
  programs: Record<string, ProgramOutput>;
  config: string;
  status: boolean;
  now: number;
  module: FakeEngineModule;
  /** Sources in place of those that the fields above make. */
  more: Partial<DoctorSources>;
}

export const done = (stdout: string, stderr = ""): ProgramOutput => ({ status: 0, stdout, stderr });

export async function findings(t: TestContext, plant: (machine: Machine, folder: string) => void) {
  const folder = temporaryFolder(t);
  const state = path.join(folder, "state");
  mkdirSync(state, { mode: 0o750 });
  const model = path.join(folder, "model.gguf");
  writeFileSync(model, "weights");
  const machine: Machine = {
    files: { ...soundFiles },
    unit: { ...soundUnit },
    programs: {
      timedatectl: done("NTP=yes\nNTPSynchronized=yes\n"),
      dd: done("", "67108864 bytes (67 MB, 64 MiB) copied, 0.2 s, 335 MB/s\n"),
      journalctl: done("Started hearthd.service.\n"),
      "journalctl of errors": done("-- No entries --\n"),
      ss: done(""),
    },
    config: `[state]\npath = "${state}"\n[model]\npath = "${model}"\n`,
    status: true,
    now: Date.UTC(2026, 11, 1),
    module: new FakeEngineModule(),
    more: {},
  };
  machine.module.compiledIsas = () => ["ref", "neon", "neon_dotprod"];
  plant(machine, folder);
  const file = path.join(folder, "hearth.toml");
  if (machine.config !== "") writeFileSync(file, machine.config, { mode: 0o644 });
  const loaded = loadConfig({ file, env: {}, flags: {} });
  const configured = loaded.config["model.path"];
  const sources: DoctorSources = {
    by: "command",
    files: new SimulatedFiles(machine.files),
    run: async (program, args) => {
      if (program === "journalctl" && args.includes("--priority=err"))
        return machine.programs["journalctl of errors"] ?? null;
      if (program !== "systemctl") return machine.programs[program] ?? null;
      const wanted = (args.at(-1) ?? "").replace("--property=", "").split(",");
      return done(wanted.map((name) => `${name}=${machine.unit[name] ?? ""}`).join("\n"));
    },
    loaded,
    stateFolder: state,
    engineModule: machine.module,
    model: existsSync(configured) ? configured : new HearthError("FILE_OPEN_FAILED", `There is no file ${configured}.`),
    storedKeys: () => new KeyFile(state, machine.module).keys().length,
    status: machine.status ? soundStatus : null,
    statusProblem: null,
    hasService: true,
    now: machine.now,
    ...machine.more,
  };
  return examine(sources);
}

export const soundStatus = {
  address: "127.0.0.1:11434",
  models: [{ name: "model", configured: true, phase: "ready", isa: "neon_dotprod", residency: null }],
} as unknown as StatusReport;

/** The pages let people copy what is a command: each begins with a program, and words are not taken for one. */
export function assertRunnable(mend: string): void {
  for (const { isCommand, text } of piecesOf(mend)) {
    if (isCommand) assert.match(text, /^(sudo|hearth|npm|echo|ps|deploy\/install\.sh) ?/, mend);
    else assert.doesNotMatch(text, /\b(sudo|hearth (use|models|logs|key)) /, mend);
  }
}
