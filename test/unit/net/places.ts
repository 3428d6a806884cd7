import assert from "node:assert/strict";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { scripted } from "../../fake-engine/module.js";
import { until } from "../../helpers/scheduler.js";
import { startServer, type TestServer } from "../../helpers/server.js";

export function upgradeStatus(
  server: TestServer,
  headers: Record<string, string>,
  path = "/v1/responses",
): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on("error", reject);
  });
}

/** Everything that the server says to raw bytes, until it closes. */
export function speak(server: TestServer, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}

export async function neverReads(t: TestContext, ask: (server: TestServer) => Promise<() => void>): Promise<void> {
  const endless = scripted("All work and no play makes a dull process. ".repeat(2000));
  const limits = { "limits.idle_ms": 1500, "limits.unread_bytes": 65536, "responses.resume_ms": 0 };
  const config = { ...limits, "context.tokens": 65536 };
  const server = await startServer(t, { fake: { next: endless, contextTrained: 65536 }, config });
  const release = await ask(server);
  await until(() => server.module.engines[0]?.plans.length !== 0);
  // It is paused by backpressure, then cut off; the slot is free and a well-behaved client is served.
  await server.atRest(30_000);
  const steps = server.module.engines[0]?.plans.length ?? 0;
  assert.ok(steps < 60_000, `${steps} steps for nobody`);
  const other = await server.connect();
  assert.equal((await other.ask({ input: "Hi", max_output_tokens: 3 })).at(-1)?.type, "response.incomplete");
  release();
}
