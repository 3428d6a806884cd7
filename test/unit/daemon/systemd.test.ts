import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../../src/base/logger.js";
import { connectSystemd } from "../../../src/daemon/systemd.js";

interface Message {
  ready?: true;
  status?: string;
  pid?: number;
}

function setUp(env: Record<string, string>, programWorks = true) {
  const datagrams: { socketPath: string; message: string }[] = [];
  const byProgram: Message[] = [];
  const systemd = connectSystemd({
    env,
    pid: 42,
    logger: silentLogger(),
    datagram: (socketPath, message) => datagrams.push({ socketPath, message }),
    async notifyProgram(message) {
      if (!programWorks) throw new Error("spawn systemd-notify ENOENT");
      byProgram.push(message);
    },
  });
  return { systemd, datagrams, byProgram };
}

test("without NOTIFY_SOCKET nothing is sent and no watchdog is wanted", async () => {
  const { systemd, datagrams, byProgram } = setUp({ WATCHDOG_USEC: "1000000" });
  systemd.ready("listening");
  systemd.status("loading");
  systemd.ping();
  systemd.stopping("stopping");
  await systemd.sent();
  assert.equal(systemd.watchdogMs, null);
  assert.deepEqual([...datagrams, ...byProgram], []);
});

test("READY and STATUS go through the program in order, with our own PID", async () => {
  const { systemd, byProgram } = setUp({ NOTIFY_SOCKET: "/run/systemd/notify" });
  systemd.ready("listening\non 127.0.0.1");
  systemd.status("ready");
  await systemd.sent();
  assert.deepEqual(byProgram, [
    { ready: true, status: "listening on 127.0.0.1", pid: 42 },
    { status: "ready", pid: 42 },
  ]);
});

test("WATCHDOG and STOPPING go as datagrams", () => {
  const { systemd, datagrams } = setUp({ NOTIFY_SOCKET: "@abstract", WATCHDOG_USEC: "1000000" });
  systemd.ping();
  systemd.stopping("2 answers end");
  assert.deepEqual(datagrams, [
    { socketPath: "@abstract", message: "WATCHDOG=1" },
    { socketPath: "@abstract", message: "STOPPING=1\nSTATUS=2 answers end" },
  ]);
});

test("where the program is missing, READY goes as a datagram", async () => {
  const { systemd, datagrams } = setUp({ NOTIFY_SOCKET: "/run/systemd/notify" }, false);
  systemd.ready("listening");
  await systemd.sent();
  assert.deepEqual(
    datagrams.map(({ message }) => message),
    ["READY=1\nMAINPID=42\nSTATUS=listening"],
  );
});

test("the watchdog's period counts only for the process that it was set for", () => {
  const period = (env: Record<string, string>) => setUp({ NOTIFY_SOCKET: "/x", ...env }).systemd.watchdogMs;
  assert.equal(period({ WATCHDOG_USEC: "30000000" }), 30_000);
  assert.equal(period({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }), 30_000);
  assert.equal(period({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "43" }), null);
  assert.equal(period({ WATCHDOG_USEC: "soon" }), null);
  assert.equal(period({}), null);
});

test("a unit without WatchdogSec gets no ping", () => {
  const { systemd, datagrams } = setUp({ NOTIFY_SOCKET: "/run/systemd/notify" });
  systemd.ping();
  assert.deepEqual(datagrams, []);
});

test("a socket that is gone does not stop the daemon", () => {
  const systemd = connectSystemd({
    env: { NOTIFY_SOCKET: "/gone", WATCHDOG_USEC: "1000000" },
    pid: 42,
    logger: silentLogger(),
    datagram() {
      throw new Error("ENOENT");
    },
  });
  assert.doesNotThrow(() => systemd.ping());
});
