/** The doctor's route: who may ask, and one look at a time for all who ask. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { hashKey } from "../../../../src/base/api-key.js";
import { loadConfig } from "../../../../src/config/load.js";
import { Doctor } from "../../../../src/daemon/doctor.js";
import { FakeEngineModule } from "../../../fake-engine/module.js";
import { temporaryFolder } from "../../../helpers/folder.js";
import { SimulatedFiles } from "../../../helpers/machine.js";
import { startServer } from "../../../helpers/server.js";

const key = (name: string, scope: "generate" | "admin") => ({
  ...{ id: scope === "admin" ? "22222222" : "11111111", name, hash: hashKey(`hearth_${name}`), scopes: [scope] },
  ...{ requestsPerMinute: null, concurrentRequests: null },
});

/** A doctor on a board whose programs are scripts of a folder. */
function doctorWith(t: TestContext, programs: Readonly<Record<string, string>>) {
  const folder = temporaryFolder(t);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  t.after(() => {
    process.env.PATH = before;
  });
  const module = new FakeEngineModule();
  const model = { name: "fake", configured: true, phase: "ready", weightType: "F32", architecture: "llama" };
  let looks = 0;
  const doctor = new Doctor(() => {
    looks++;
    return {
      files: new SimulatedFiles({ "/proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 500000 kB\n" }),
      loaded: loadConfig({ env: {}, flags: {} }),
      stateFolder: folder,
      engineModule: module,
      model: path.join(folder, "model.gguf"),
      storedKeys: () => 2,
      status: { models: [model], address: "127.0.0.1:1" } as never,
      statusProblem: null,
      hasService: false,
      now: Date.UTC(2026, 11, 1),
    };
  });
  return { doctor, looks: () => looks, folder };
}

/** Answers when a file is there. */
const slowDisk = `
while [ ! -e "$(dirname "$0")/go" ]; do sleep 0.05; done
echo "67108864 bytes (67 MB, 64 MiB) copied, 8.2 s, 8.2 MB/s" >&2`;

test("the doctor says what is wrong with the command that mends it, and a second asker shares the look", async (t) => {
  const { doctor, looks, folder } = doctorWith(t, { dd: slowDisk, timedatectl: "echo NTPSynchronized=yes" });
  const server = await startServer(t, { doctor: () => doctor.look() });
  const ask = async () => {
    const response = await server.post("/hearth/v1/doctor", {});
    assert.equal(response.status, 200);
    return response.text();
  };
  const asked = [ask(), ask()];
  // The server answers others meanwhile: a program that is waited for on the event loop would never end.
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 200);
  writeFileSync(path.join(folder, "go"), "");
  const [first = "", second] = await Promise.all(asked);
  assert.equal(first, second);
  assert.equal(looks(), 1);
  const { findings, facts, unseen } = JSON.parse(first);
  assert.deepEqual(
    findings.map(({ check, severity }: { check: string; severity: string }) => [check, severity]),
    [
      ["memory", "fault"],
      ["storage", "advice"],
    ],
  );
  assert.match(findings[0].mend, /`hearth models find`/);
  assert.deepEqual(unseen, []);
  assert.ok(
    facts.some(({ check, text }: { check: string; text: string }) => check === "clock" && text === "synchronized"),
  );
  await ask();
  assert.equal(looks(), 2);
});

test("a daemon that stops ends what the doctor has running", async (t) => {
  const { doctor } = doctorWith(t, { dd: "exec sleep 30", timedatectl: "exec sleep 30" });
  const startedAt = performance.now();
  const looking = doctor.look();
  setTimeout(() => doctor.stop(), 300);
  const { unseen } = await looking;
  assert.ok(performance.now() - startedAt < 5000);
  assert.deepEqual(
    unseen.map(({ check }) => check),
    ["storage", "clock"],
  );
});

test("only an owner has the doctor look, and no page by a link", async (t) => {
  let looks = 0;
  const keys = [key("kitchen", "generate"), key("owner", "admin")];
  const doctor = async () => ({ looks: ++looks });
  const server = await startServer(t, { config: { "auth.mode": "required" }, keys: () => keys, doctor });
  const ask = (name?: string) =>
    server.post("/hearth/v1/doctor", {}, name === undefined ? {} : { authorization: `Bearer hearth_${name}` });
  assert.equal((await ask()).status, 401);
  assert.equal((await ask("kitchen")).status, 403);
  assert.equal((await ask("owner")).status, 200);
  const open = await startServer(t, { doctor });
  assert.equal((await fetch(`${open.url}/hearth/v1/doctor`)).status, 405);
  const stranger = { origin: "https://stranger.example" };
  assert.equal((await open.post("/hearth/v1/doctor", {}, stranger)).status, 403);
  assert.equal(looks, 1);
});
