import assert from "node:assert/strict";
import { connect } from "node:net";
import test from "node:test";
import { until } from "../../helpers/scheduler.js";
import { startServer } from "../../helpers/server.js";
import { neverReads, speak } from "./places.js";

test("a client that is slow with its headers is cut off", async (t) => {
  const server = await startServer(t, { config: { "limits.headers_ms": 200, "limits.request_ms": 500 } });
  assert.match(await speak(server, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"), /^HTTP\/1.1 408 /);
  const half =
    "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
  assert.match(await speak(server, half), /^HTTP\/1.1 408 /);
});

test("a client that never reads its event stream is bounded and then cut off", async (t) => {
  await neverReads(t, async (server) => {
    const body = JSON.stringify({ model: "default", input: "Hi", stream: true });
    const head = `POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    return () => socket.destroy();
  });
});

test("after stop nothing listens, and every connection has ended", async (t) => {
  const server = await startServer(t);
  const client = await server.connect();
  await server.server.stop();
  assert.equal(await client.closed(), 1001);
  await assert.rejects(fetch(`${server.url}/healthz`));
});

const longText = "word ".repeat(4000);

const longRequests: Readonly<Record<string, object>> = {
  "/api/chat": { messages: [{ role: "user", content: longText }] },
  "/api/generate": { prompt: longText },
  "/v1/chat/completions": { messages: [{ role: "user", content: longText }], stream: true },
  "/v1/completions": { prompt: longText, stream: true },
  "/v1/responses": { input: longText, stream: true },
};

for (const [path, body] of Object.entries(longRequests)) {
  test(`${path}: a client that goes while its prompt is read cancels it, which is no error of the server`, async (t) => {
    const fake = { stepMs: () => 5, contextTrained: 100_000 };
    const config = { "context.tokens": 100_000, "responses.resume_ms": 0 };
    const server = await startServer(t, { fake, config });
    const controller = new AbortController();
    const answer = fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "fake", ...body }),
      signal: controller.signal,
    });
    await until(() => (server.module.engines[0]?.plans.length ?? 0) > 3);
    controller.abort();
    await answer.then((response) => response.text()).catch(() => {});
    await server.atRest();
    assert.deepEqual(server.errors, []);
  });
}
