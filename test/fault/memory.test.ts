/** What clients leave behind in memory: nothing. In one process with the garbage collector at hand, so that bytes count. */
import assert from "node:assert/strict";
import test from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { scripted } from "../../src/engine/fake.js";
import { startServer, type TestServer } from "../helpers/server.js";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** 50 WebSockets and 20 HTTP clients; half of each vanish in mid-stream. */
async function crowd(server: TestServer): Promise<void> {
  const request = { input: "Tell me a story", store: false };
  const socketClient = async (_: unknown, i: number) => {
    const client = await server.connect();
    client.send({ type: "response.create", ...request });
    if (i % 2 === 0) await client.answer();
    else while (client.events.length < 6) await client.next();
    client.socket.terminate();
  };
  const httpClient = async (_: unknown, i: number) => {
    const response = await server.post("/v1/responses", { ...request, stream: i % 4 < 2 });
    if (i % 2 === 0) await response.text();
    else await response.body?.cancel();
  };
  await Promise.all(Array.from({ length: 50 }, socketClient));
  await Promise.all(Array.from({ length: 20 }, httpClient));
  await server.atRest();
  for (const engine of server.module.engines) engine.plans.length = 0; // the fake's own diary
}

async function usedBytes(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 200)); // sockets close in their own time
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("700 clients, half of them vanishing, leave less than a KiB each", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("A story about a dog and a cat. ".repeat(4)) } });
  for (let i = 0; i < 4; i++) await crowd(server);
  const before = await usedBytes();
  for (let i = 0; i < 10; i++) await crowd(server);
  const grown = (await usedBytes()) - before;
  t.diagnostic(`${Math.round(grown / 700)} bytes a client`);
  assert.ok(grown < 700 * 1024, `${grown} bytes`);
  assert.equal(server.server.sockets.count, 0);
});
