/** Clients leave nothing behind in memory. In one process with the garbage collector at hand, so that bytes count. */
import assert from "node:assert/strict";
import test from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { scripted } from "../fake-engine/module.js";
import { startServer, type TestServer } from "../helpers/server.js";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** All clients wait at once, which a slow machine is busy with. */
const patienceMs = 30_000;

/** 50 WebSockets and 20 HTTP clients; half of each vanish in mid-stream. */
async function crowd(server: TestServer): Promise<void> {
  const request = { input: "Tell me a story", store: false };
  const socketClient = async (_: unknown, i: number) => {
    const client = await server.connect();
    client.send({ type: "response.create", ...request });
    if (i % 2 === 0) await client.answer(patienceMs);
    else while (client.events.length < 6) await client.next(patienceMs);
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

/** Live bytes: collected until two readings agree, because sockets and finalizers take their own time. */
async function liveBytes(): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external > last - 16 * 1024) return Math.min(last, heapUsed + external);
    last = heapUsed + external;
  }
  return last;
}

test("280 clients, half of them vanishing, leave less than a KiB each", async (t) => {
  const server = await startServer(t, {
    fake: { next: scripted("A story about a dog and a cat. ".repeat(4)) },
    config: { "responses.resume_ms": 50 }, // streams of clients that are gone are forgotten before the next look
  });
  for (let i = 0; i < 4; i++) await crowd(server);
  // A leak grows in every window; compiled code, caches and the test's own HTTP pool grow in some.
  const growths: number[] = [];
  let before = await liveBytes();
  for (let window = 0; window < 4; window++) {
    for (let i = 0; i < 4; i++) await crowd(server);
    const after = await liveBytes();
    growths.push(after - before);
    before = after;
  }
  t.diagnostic(`${growths.map((bytes) => Math.round(bytes / 280)).join(", ")} bytes a client`);
  assert.ok(Math.min(...growths) < 280 * 1024, `${growths} bytes`);
  assert.equal(server.server.sockets.count, 0);
});
