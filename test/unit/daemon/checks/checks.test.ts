/** `hearth doctor`: planted faults, each found by its own check with a command that mends it, and a sound machine. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../../../src/base/clock.js";
import { HearthError } from "../../../../src/base/errors.js";
import { resultText } from "../../../../src/cli/doctor.js";
import { loadConfig } from "../../../../src/config/load.js";
import type { Finding, Severity } from "../../../../src/daemon/checks/check.js";
import { examine } from "../../../../src/daemon/checks/checks.js";
import type { DoctorSources } from "../../../../src/daemon/checks/sources.js";
import type { ProgramOutput } from "../../../../src/daemon/programs.js";
import type { StatusReport } from "../../../../src/daemon/status-report.js";
import { KeyFile } from "../../../../src/store/key-file.js";
import { piecesOf } from "../../../../src/web/status/mend.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { SimulatedFiles } from "../../../helpers/machine.js";

const cpu = "/sys/devices/system/cpu/cpufreq/policy0";
const zone = "/sys/class/thermal/thermal_zone0";
const throttled = "/sys/devices/platform/soc/soc:firmware/get_throttled";

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

interface Machine {
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

const done = (stdout: string, stderr = ""): ProgramOutput => ({ status: 0, stdout, stderr });

async function findings(t: TestContext, plant: (machine: Machine, folder: string) => void) {
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

const soundStatus = {
  address: "127.0.0.1:11434",
  models: [{ name: "model", configured: true, phase: "ready", isa: "neon_dotprod", residency: null }],
} as unknown as StatusReport;

test("on a sound machine nothing is found", async (t) => {
  const result = await findings(t, () => {});
  assert.deepEqual([result.findings, result.unseen], [[], []]);
  assert.match(resultText(result), /Raspberry Pi 5.*\n[\s\S]*Nothing is wrong\.\n$/);
});

test("on a machine without any of these files nothing is found", async (t) => {
  const result = await findings(t, (machine) => {
    machine.files = {};
    machine.programs = {};
  });
  assert.deepEqual(result.findings, []);
});

interface Planted {
  readonly fault: string;
  readonly check: string;
  readonly severity: Severity;
  readonly found: RegExp;
  readonly mend: RegExp;
  readonly plant: (machine: Machine, folder: string) => void;
}

const planted: readonly Planted[] = [
  {
    fault: "a build without the kernels of this processor",
    check: "processor",
    severity: "advice",
    found: /could run the kernels neon_dotprod, which this build lacks/,
    mend: /^npm run build$/,
    plant: ({ module }) => {
      module.compiledIsas = () => ["ref", "neon"];
    },
  },
  {
    fault: "kernels that the configuration forces",
    check: "processor",
    severity: "advice",
    found: /kernels ref are forced/,
    mend: /^sudo sed -i 6d \S+\/hearth\.toml && sudo systemctl restart hearthd$/,
    plant: (machine) => {
      machine.config += '[engine]\nisa = "ref"\n';
    },
  },
  {
    fault: "kernels that a line with the table's name forces",
    check: "processor",
    severity: "advice",
    found: /kernels ref are forced/,
    mend: /^sudo sed -i 1d \S+\/hearth\.toml && /,
    plant: (machine) => {
      machine.config = `engine.isa = "ref"\n${machine.config}`;
    },
  },
  {
    fault: "a processor that is nearly too hot",
    check: "cooling",
    severity: "advice",
    found: /is at 76 °C and slows down at 80/,
    mend: /fan/,
    plant: ({ files }) => {
      files[`${zone}/temp`] = "76000";
    },
  },
  {
    fault: "a processor that was throttled since the boot",
    check: "cooling",
    severity: "advice",
    found: /slowed the processor down: throttled, soft temperature limit/,
    mend: /fan/,
    plant: ({ files }) => {
      files[throttled] = "c0000";
    },
  },
  {
    fault: "a clock that is held low",
    check: "cooling",
    severity: "advice",
    found: /powersave/,
    mend: /^echo ondemand \| sudo tee .*policy0\/scaling_governor$/,
    plant: ({ files }) => {
      files[`${cpu}/scaling_governor`] = "powersave";
    },
  },
  {
    fault: "a clock with a low limit",
    check: "cooling",
    severity: "advice",
    found: /limited to 1\.5 GHz, and could be 2\.4 GHz/,
    mend: /^echo 2400000 \| sudo tee/,
    plant: ({ files }) => {
      files[`${cpu}/scaling_max_freq`] = "1500000";
    },
  },
  {
    fault: "a power supply that is too weak",
    check: "power",
    severity: "fault",
    found: /too weak at this moment/,
    mend: /27 W/,
    plant: ({ files }) => {
      files[throttled] = "10001";
    },
  },
  {
    fault: "memory that others have",
    check: "memory",
    severity: "fault",
    found: /Only 0\.5 GB of 8\.2 GB/,
    mend: /hearth models find/,
    plant: ({ files }) => {
      files["/proc/meminfo"] = "MemTotal: 8000000 kB\nMemAvailable: 500000 kB\n";
    },
  },
  {
    fault: "swap on the memory card",
    check: "swap",
    severity: "advice",
    found: /swapped to \/var\/swap/,
    mend: /zram-tools/,
    plant: ({ files }) => {
      files["/proc/swaps"] = "Filename Type Size Used Priority\n/var/swap file 102396 0 -2\n";
    },
  },
  {
    fault: "swap that is full",
    check: "swap",
    severity: "fault",
    found: /\/dev\/zram0 is nearly full/,
    mend: /hearth use/,
    plant: ({ files }) => {
      files["/proc/swaps"] = "Filename Type Size Used Priority\n/dev/zram0 partition 2000000 1990000 100\n";
    },
  },
  {
    fault: "a kernel without the memory control group",
    check: "memory limits",
    severity: "advice",
    found: /memory control group is off/,
    mend: /cgroup_enable=memory/,
    plant: ({ files }) => {
      files["/sys/fs/cgroup/cgroup.controllers"] = "cpuset cpu io pids";
    },
  },
  {
    fault: "a kernel that does not tell of pressure",
    check: "pressure",
    severity: "advice",
    found: /PSI is off/,
    mend: /psi=1/,
    plant: ({ files }) => {
      delete files["/proc/pressure/cpu"];
    },
  },
  {
    fault: "a service that may not lock memory",
    check: "locked memory",
    severity: "advice",
    found: /8 MB of memory only/,
    mend: /LimitMEMLOCK=infinity/,
    plant: ({ unit }) => {
      unit.LimitMEMLOCK = "8388608";
    },
  },
  {
    fault: "storage that is slow",
    check: "storage",
    severity: "advice",
    found: /reads 8 MB\/s/,
    mend: /state\.path/,
    plant: ({ programs }) => {
      programs.dd = done("", "67108864 bytes (67 MB, 64 MiB) copied, 8.2 s, 8.2 MB/s\n");
    },
  },
  {
    fault: "storage that hangs while it is measured",
    check: "storage",
    severity: "fault",
    found: /has not answered for 10 seconds/,
    mend: /dmesg/,
    plant: ({ programs }) => {
      programs.dd = { status: -1, stdout: "", stderr: "", isLate: true };
    },
  },
  {
    fault: "a model that is not there",
    check: "model",
    severity: "fault",
    found: /gone\.gguf/,
    mend: /hearth models find/,
    plant: (machine, folder) => {
      machine.config = machine.config.replace("model.gguf", "gone.gguf").replace(/^/, `# ${folder}\n`);
    },
  },
  {
    fault: "a model that is damaged",
    check: "model",
    severity: "fault",
    found: /GGUF_TRUNCATED/,
    mend: /hearth models rm/,
    plant: ({ module }) => {
      module.loadModel = async () => {
        throw new HearthError("GGUF_TRUNCATED", "The file ends too early.");
      };
    },
  },
  {
    fault: "keys that everybody may read",
    check: "permissions",
    severity: "fault",
    found: /may read its keys/,
    mend: /^sudo chmod 600 .*keys\.json$/,
    plant: (_, folder) => {
      writeFileSync(path.join(folder, "state", "keys.json"), '{"version":1,"keys":[]}');
      chmodSync(path.join(folder, "state", "keys.json"), 0o644);
    },
  },
  {
    fault: "a configuration that everybody may change",
    check: "permissions",
    severity: "fault",
    found: /Everybody may change/,
    mend: /^sudo chmod o-w /,
    plant: (machine, folder) => {
      writeFileSync(path.join(folder, "hearth.toml"), machine.config);
      chmodSync(path.join(folder, "hearth.toml"), 0o666);
      machine.config = "";
    },
  },
  {
    fault: "a service that has failed",
    check: "service",
    severity: "fault",
    found: /has failed \(exit-code\)/,
    mend: /systemctl restart hearthd/,
    plant: ({ unit }) => {
      unit.ActiveState = "failed";
      unit.Result = "exit-code";
    },
  },
  {
    fault: "a service that does not start at the boot",
    check: "service",
    severity: "fault",
    found: /does not start at the boot/,
    mend: /^sudo systemctl enable hearthd$/,
    plant: ({ unit }) => {
      unit.UnitFileState = "disabled";
    },
  },
  {
    fault: "a service that is restarted again and again",
    check: "service",
    severity: "fault",
    found: /restarted 12 times/,
    mend: /hearth logs/,
    plant: ({ unit }) => {
      unit.NRestarts = "12";
    },
  },
  {
    fault: "a port that another program has",
    check: "address",
    severity: "fault",
    found: /The program ollama has the port 11434/,
    mend: /ss -ltnp/,
    plant: (machine) => {
      machine.status = false;
      machine.programs.ss = done('LISTEN 0 4096 127.0.0.1:11434 0.0.0.0:* users:(("ollama",pid=812,fd=3))\n');
    },
  },
  {
    fault: "a port that nobody has",
    check: "address",
    severity: "fault",
    found: /Nobody listens on 127\.0\.0\.1:11434/,
    mend: /^sudo systemctl start hearthd$/,
    plant: (machine) => {
      machine.status = false;
      machine.files["/proc/net/tcp"] = "  sl  local_address\n   0: 0100007F:0016 00000000:0000 0A 00000000\n";
    },
  },
  {
    fault: "keys that are damaged",
    check: "keys",
    severity: "fault",
    found: /Cannot read the keys/,
    mend: /keys\.damaged/,
    plant: (_, folder) => {
      writeFileSync(path.join(folder, "state", "keys.json"), "{", { mode: 0o600 });
    },
  },
  {
    fault: "a network that may use hearth without a key",
    check: "keys",
    severity: "advice",
    found: /without a key/,
    mend: /hearth key create/,
    plant: (machine) => {
      machine.config += '[server]\nlisten = "0.0.0.0:11434"\n[auth]\nmode = "off"\n';
    },
  },
  {
    fault: "a clock of the past",
    check: "clock",
    severity: "fault",
    found: /1970-01-01/,
    mend: /^sudo timedatectl set-ntp true$/,
    plant: (machine) => {
      machine.now = 1000;
    },
  },
  {
    fault: "a clock that nobody sets",
    check: "clock",
    severity: "advice",
    found: /not synchronized/,
    mend: /set-ntp/,
    plant: ({ programs }) => {
      programs.timedatectl = done("NTP=no\nNTPSynchronized=no\n");
    },
  },
  {
    fault: "errors in the log",
    check: "log",
    severity: "advice",
    found: /an engine step failed: FILE_CHANGED: The model file changed/,
    mend: /^hearth logs/,
    plant: ({ programs }) => {
      const err = { message: "The model file changed." };
      programs["journalctl of errors"] = done(
        `${JSON.stringify({ level: "error", msg: "an engine step failed", code: "FILE_CHANGED", err })}\n`,
      );
    },
  },
];

for (const { fault, check, severity, found, mend, plant } of planted) {
  test(`${fault}: found, with what mends it`, async (t) => {
    const { findings: all } = await findings(t, plant);
    const ours = all.filter((finding: Finding) => found.test(finding.found));
    assert.equal(ours.length, 1, JSON.stringify(all));
    assert.equal(all.length, 1, JSON.stringify(all));
    assert.equal(ours[0]?.check, check);
    assert.equal(ours[0]?.severity, severity);
    assert.match(ours[0]?.mend ?? "", mend);
    assertRunnable(ours[0]?.mend ?? "");
  });
}

/** The pages let people copy what is a command: each begins with a program, and words are not taken for one. */
function assertRunnable(mend: string): void {
  for (const { isCommand, text } of piecesOf(mend)) {
    if (isCommand) assert.match(text, /^(sudo|hearth|npm|echo|ps|deploy\/install\.sh) ?/, mend);
    else assert.doesNotMatch(text, /\b(sudo|hearth (use|models|logs|key)) /, mend);
  }
}

test("faults are shown before advice, each with its command below it", async (t) => {
  const result = await findings(t, ({ files, unit }) => {
    files["/sys/fs/cgroup/cgroup.controllers"] = "cpu";
    unit.UnitFileState = "disabled";
  });
  assert.deepEqual(
    result.findings.map(({ severity }) => severity),
    ["fault", "advice"],
  );
  assert.match(
    resultText(result),
    /WRONG {2}service: .*\n +sudo systemctl enable hearthd\n\nbetter {2}memory limits: /,
  );
});

test("keys that systemd hands to the service are counted", async (t) => {
  const { facts } = await findings(t, ({ files }) => {
    files["/etc/hearth/credentials/api-keys"] = "# Each line is an API key.\nhearth_one\nhearth_two # the kitchen\n";
  });
  assert.equal(
    facts.find(({ check }) => check === "keys")?.text,
    "2 keys, 2 of them in /etc/hearth/credentials/api-keys",
  );
});

/** The daemon looks, from within its unit, and finds its log closed. */
const sandboxed = (machine: Machine) => {
  machine.unit.MainPID = String(process.pid);
  machine.programs.journalctl = done("-- No entries --\n");
  machine.more = { by: "daemon" };
};

test("the daemon says of its own log that it cannot see it, never that there are no errors", async (t) => {
  const result = await findings(t, sandboxed);
  assert.deepEqual(result.findings, []);
  assert.deepEqual(
    result.unseen.map(({ check, why }) => [check, /More is seen by `sudo hearth doctor`/.test(why)]),
    [["log", true]],
  );
  assert.ok(!result.facts.some(({ check }) => check === "log"));
  assert.match(resultText(result), /^not seen {2}log: .*\nNothing is wrong in what could be seen\.\n$/m);
});

test("where nothing of the system answers the daemon, each of these checks says so, and none that all is well", async (t) => {
  const failed: ProgramOutput = { status: 1, stdout: "", stderr: "Failed to connect to bus" };
  const result = await findings(t, (machine) => {
    sandboxed(machine);
    machine.more = { ...machine.more, run: async () => failed };
  });
  assert.deepEqual(result.findings, []);
  const names = ["storage", "service", "clock", "log"];
  assert.deepEqual(
    result.unseen.map(({ check }) => check),
    names,
  );
  assert.deepEqual(
    result.facts.filter(({ check }) => names.includes(check)),
    [],
  );
});

test("errors of the journal that cannot be asked for are not taken for none", async (t) => {
  const result = await findings(t, ({ programs }) => {
    programs["journalctl of errors"] = { status: -1, stdout: "", stderr: "" };
  });
  assert.deepEqual(
    result.unseen.map(({ check }) => check),
    ["log"],
  );
});

test("the daemon does not load its model a second time, nor measure a storage that an answer waits for", async (t) => {
  let loads = 0;
  const model = {
    name: "model",
    configured: true,
    phase: "ready",
    isa: "ref",
    weightType: "Q8_0",
    architecture: "llama",
  };
  const streaming = { ...model, slotsBusy: 1, residency: { keptBytes: 1e9, streamedBytes: 1e9 } };
  const result = await findings(t, (machine) => {
    sandboxed(machine);
    machine.module.loadModel = async () => {
      loads++;
      throw new Error("not wanted");
    };
    const status = { address: "127.0.0.1:1", models: [streaming] } as unknown as StatusReport;
    machine.more = { ...machine.more, status };
  });
  assert.equal(loads, 0);
  assert.equal(result.facts.find(({ check }) => check === "model")?.text, "model: Q8_0 llama, answers");
  assert.match(result.unseen.find(({ check }) => check === "storage")?.why ?? "", /try again later/);
});

test("storage that hangs is one finding, and asked no more while it hangs", async (t) => {
  const clock = new FakeClock();
  const hung = new Set<string>();
  let reads = 0;
  let answer = () => {};
  const waiting = new Promise<null>((resolve) => {
    answer = () => resolve(null);
  });
  const folder = temporaryFolder(t);
  const module = new FakeEngineModule();
  const sources: DoctorSources = {
    by: "daemon",
    files: new SimulatedFiles(),
    run: (program) => {
      if (program !== "dd") return Promise.resolve(null);
      reads++;
      return waiting;
    },
    loaded: loadConfig({ env: {}, flags: {} }),
    stateFolder: folder,
    engineModule: module,
    model: path.join(folder, "model.gguf"),
    storedKeys: () => 0,
    status: { models: [], address: "127.0.0.1:1" },
    statusProblem: null,
    hasService: false,
    now: Date.UTC(2026, 11, 1),
  };
  const look = async () => {
    const looking = examine(sources, hung, clock);
    let isDone = false;
    void looking.then(() => (isDone = true));
    while (!isDone) {
      await clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return looking;
  };
  const first = await look();
  assert.deepEqual(
    first.findings.map(({ check, severity }) => [check, severity]),
    [["storage", "fault"]],
  );
  assert.match(first.findings[0]?.found ?? "", /has not answered for \d+ seconds/);
  assertRunnable(first.findings[0]?.mend ?? "");
  const ofStorage = ["model", "permissions", "keys"];
  const unseen = ({ unseen: all }: typeof first) => all.map(({ check }) => check).filter((check) => check !== "clock");
  assert.deepEqual(unseen(first), ofStorage);
  assert.deepEqual(unseen(await look()), ["disk", "storage", ...ofStorage]);
  assert.equal(reads, 1);
  answer();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([...hung], []);
  assert.deepEqual(unseen(await look()), ["storage"]); // no dd, and no file there
});
