import assert from "node:assert/strict";
import test from "node:test";
import { until } from "../../helpers/scheduler.js";
import { startServer } from "../../helpers/server.js";
import { neverReads } from "./places.js";

test("an over-long message ends the WebSocket with 1009", async (t) => {
  const server = await startServer(t, { config: { "limits.message_bytes": 2048 } });
  const long = await server.connect();
  long.send("x".repeat(3000));
  assert.equal(await long.closed(), 1009);
  await until(() => server.server.sockets.count === 0);
});

test("a message that is no UTF-8 ends the WebSocket with 1007", async (t) => {
  const server = await startServer(t);
  const invalid = await server.connect();
  invalid.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
  assert.equal(await invalid.closed(), 1007);
  await until(() => server.server.sockets.count === 0);
});

test("a WebSocket without any sign of life is closed, one that answers pings is not", async (t) => {
  const server = await startServer(t, { config: { "limits.idle_ms": 1000 } });
  const alive = await server.connect();
  const dead = await server.connect();
  dead.socket.pause();
  await until(() => server.server.sockets.count === 1);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(alive.closeCode, null);
});

test("a WebSocket that has lived its time is told so and closed", async (t) => {
  const server = await startServer(t, { config: { "limits.socket_ms": 1000 } });
  const client = await server.connect();
  const event = await client.next();
  assert.equal(event.error.code, "websocket_connection_limit_reached");
  assert.equal(await client.closed(), 1000);
});

test("a WebSocket client that never reads is bounded and then cut off", async (t) => {
  await neverReads(t, async (server) => {
    const client = await server.connect();
    for (let i = 0; i < 4; i++) client.send({ type: "response.create", input: `Hi ${i}` });
    await until(() => client.socket.bufferedAmount === 0);
    client.socket.pause();
    return () => client.socket.terminate();
  });
});
