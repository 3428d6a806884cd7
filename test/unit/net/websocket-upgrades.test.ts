import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import test from "node:test";
import { WebSocket } from "ws";
import { until } from "../../helpers/scheduler.js";
import { startServer, TestSocket } from "../../helpers/server.js";
import { speak, upgradeStatus } from "./places.js";

test("an upgrade to something else, or somewhere else, is refused", async (t) => {
  const server = await startServer(t);
  assert.equal(await upgradeStatus(server, {}, "/elsewhere"), 404);
  const head = `GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n`;
  assert.match(await speak(server, `${head}Upgrade: h2c\r\n\r\n`), /^HTTP\/1.1 400 /);
  assert.match(await speak(server, `${head}Upgrade: websocket\r\n\r\n`), /^HTTP\/1.1 400 /);
});

test("WebSockets are bounded in number, of those that are open", async (t) => {
  const server = await startServer(t, { config: { "limits.sockets": 2 } });
  const first = await server.connect();
  await server.connect();
  assert.equal(await upgradeStatus(server, {}), 503);
  first.socket.close();
  await first.closed();
  await until(() => server.server.sockets.count === 1);
  assert.equal(await upgradeStatus(server, {}), 101);
});

const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

test("one address of the network gets its share of WebSockets", { skip: !ownAddress && "no network" }, async (t) => {
  const config = {
    "server.listen": { host: "0.0.0.0", port: 0 },
    "auth.mode": "off" as const,
    "limits.sockets_per_address": 1,
  };
  const server = await startServer(t, { config });
  const url = `ws://${ownAddress}:${server.port}/v1/responses`;
  await TestSocket.open(new WebSocket(url));
  await assert.rejects(TestSocket.open(new WebSocket(url)), /503/);
  await server.connect();
  await server.connect(); // loopback is exempt
});
