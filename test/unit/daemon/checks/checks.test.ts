/** `hearth doctor`: planted faults, each found by its own check with a command that mends it, and a sound machine. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { HearthError } from "../../../../src/base/errors.js";
import { resultText } from "../../../../src/cli/doctor.js";
import type { Finding, Severity } from "../../../../src/daemon/checks/check.js";
import { assertRunnable, cpu, done, findings, type Machine, throttled, zone } from "./sound-machine.js";

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
