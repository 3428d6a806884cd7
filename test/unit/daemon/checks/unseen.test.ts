/** The doctor names all that it could not look at, never calls it fine, and asks no more of storage that hangs. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { FakeClock } from "../../../../src/base/clock.js";
import { resultText } from "../../../../src/cli/doctor.js";
import { loadConfig } from "../../../../src/config/load.js";
import { examine } from "../../../../src/daemon/checks/checks.js";
import type { DoctorSources } from "../../../../src/daemon/checks/sources.js";
import type { ProgramOutput } from "../../../../src/daemon/programs.js";
import type { StatusReport } from "../../../../src/daemon/status-report.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { SimulatedFiles } from "../../../helpers/machine.js";
import { assertRunnable, done, findings, type Machine } from "./sound-machine.js";

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
