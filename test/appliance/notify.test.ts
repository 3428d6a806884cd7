import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import path from "node:path";
import { test } from "node:test";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { listenForNotifications, missingPython } from "../helpers/notify-socket.js";
import { missing } from "../helpers/shared.js";

const skip = missing("models/stories260K.gguf") || missingPython;

test("systemd hears READY, the model's state, pings and STOPPING", { skip }, async (t) => {
  const address = path.join(temporaryFolder(t), "notify");
  const systemd = await listenForNotifications(t, address);
  const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "600000" };
  const daemon = await startDaemon(t, { env });
  await systemd.received("READY=1");
  await systemd.received("STATUS=Serving stories260K");
  assert.ok(systemd.messages.some((message) => message.includes(`MAINPID=${daemon.pid}`)));
  const pings = () => systemd.messages.filter((message) => message === "WATCHDOG=1").length;
  const before = pings();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.ok(pings() > before, "no further ping came");
  daemon.kill("SIGTERM");
  await systemd.received("STOPPING=1");
  assert.equal(await daemon.exited, 0);
});

test("a socket in the abstract namespace is heard too", { skip }, async (t) => {
  const address = `@hearth-test-${randomUUID()}`;
  const systemd = await listenForNotifications(t, address);
  const daemon = await startDaemon(t, { env: { NOTIFY_SOCKET: address, WATCHDOG_USEC: "600000" } });
  await systemd.received("READY=1");
  await systemd.received("WATCHDOG=1");
  daemon.kill("SIGTERM");
  await systemd.received("STOPPING=1");
  assert.equal(await daemon.exited, 0);
});

test("without a watchdog period no ping is sent", { skip }, async (t) => {
  const address = path.join(temporaryFolder(t), "notify");
  const systemd = await listenForNotifications(t, address);
  const daemon = await startDaemon(t, { env: { NOTIFY_SOCKET: address } });
  await systemd.received("STATUS=Serving stories260K");
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
  assert.ok(!systemd.messages.includes("WATCHDOG=1"));
});
