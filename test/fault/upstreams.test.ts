/** Upstreams that close, cut and lie at any byte: an error that says so, and the server and its own model go on. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../src/config/load.js";
import { scripted } from "../fake-engine/module.js";
import { sendAndClose, startRaw } from "../helpers/raw-server.js";
import { type Event, startServer } from "../helpers/server.js";

const chunk = (delta: Event, finish: string | null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const stream = [chunk({ content: "Hi" }, null), chunk({}, "stop"), "data: [DONE]\n\n"];
const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const answer = Buffer.from(`${head}Content-Length: ${stream.join("").length}\r\n\r\n${stream.join("")}`);
const chunked = Buffer.from(
  `${head}Transfer-Encoding: chunked\r\n\r\n${stream.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join("")}0\r\n\r\n`,
);
const models = JSON.stringify({ data: [{ id: "big" }] });

/** A server whose model `big` is another's, which answers with `send`. It waits `limitMs` for the other one's first word, and the next. */
async function serverFor(t: TestContext, send: (socket: Socket, n: number) => unknown, limitMs = 300) {
  let asked = 0;
  const upstream = await startRaw(t, (socket, request) => {
    if (request.startsWith("GET /v1/models")) {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${models.length}\r\n\r\n${models}`);
    } else send(socket, ++asked);
  });
  const entry = { name: "gpu", url: `${upstream.url}/v1`, models: ["big"] };
  const times = { connect_ms: 5000, first_token_ms: limitMs, idle_ms: limitMs };
  const { config } = loadConfig({ env: { HEARTH_UPSTREAM: JSON.stringify([{ ...entry, ...times }]) }, flags: {} });
  const server = await startServer(t, { fake: { next: scripted("from here") }, config: { upstream: config.upstream } });
  return async (path: string, body: Event) => {
    const response = await server.post(path, { model: "big", ...body });
    return { status: response.status, text: await response.text() };
  };
}

const messages = [{ role: "user", content: "Hi" }];

for (const [what, bytes] of Object.entries({ "a length": answer, chunks: chunked })) {
  for (const how of ["close", "reset"] as const) {
    test(`a ${how} at any byte of an upstream's answer with ${what} is an error that names it`, async (t) => {
      const ask = await serverFor(t, (socket, n) => sendAndClose(socket, bytes, n - 1, how), 10_000);
      const done = bytes.indexOf("[DONE]\n") + "[DONE]\n".length;
      for (let sent = 0; sent < done; sent++) {
        const { status, text } = await ask("/v1/chat/completions", { messages });
        assert.equal(status, 502, `${sent} bytes: ${text}`);
        assert.match(text, /The upstream gpu: it closed the connection/, `${sent} bytes`);
      }
      assert.equal((await ask("/v1/chat/completions", { model: "default", messages })).status, 200);
    });
  }
}

test("a stream that is cut after its first words ends with an error in each protocol", async (t) => {
  const cut = answer.indexOf('"stop"');
  const ask = await serverFor(t, (socket) => sendAndClose(socket, answer, cut, "close"), 10_000);
  for (const path of ["/v1/chat/completions", "/v1/responses", "/api/chat"]) {
    const { status, text } = await ask(path, { messages, input: "Hi", stream: true });
    assert.equal(status, 200);
    assert.match(text, /Hi/);
    assert.match(text, /closed the connection in the middle of its answer/);
  }
});

for (const [what, send, status] of [
  ["drips its head", (socket: Socket) => drip(socket, head, "X: y\r\n"), 504],
  ["sends hints without end", (socket: Socket) => drip(socket, "", "HTTP/1.1 103 Early Hints\r\n\r\n"), 504],
  ["speaks another protocol", (socket: Socket) => socket.end("220 ftp.example ESMTP\r\n"), 502],
  [
    "says a length that is too long",
    (socket: Socket) => socket.write(String(answer).replace(/Length: /, "Length: 9")),
    200,
  ],
  ["sends garbage after its answer", (socket: Socket) => socket.write(answer + "HTTP/1.1 garbage\r\n".repeat(50)), 200],
] as const) {
  test(`an upstream that ${what} gives ${status}`, async (t) => {
    const ask = await serverFor(t, send);
    assert.equal((await ask("/v1/chat/completions", { messages })).status, status);
    assert.equal((await ask("/v1/chat/completions", { model: "default", messages })).status, 200);
  });
}

function drip(socket: Socket, start: string, drop: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(drop), 20);
  socket.on("close", () => clearInterval(timer));
}

test("the times of an upstream's answer are never negative", async (t) => {
  const ask = await serverFor(t, (socket) => setTimeout(() => socket.end(answer), 30));
  const { timings } = JSON.parse((await ask("/v1/chat/completions", { messages })).text);
  assert.ok(timings.prompt_ms >= 25 && timings.predicted_ms >= 0, JSON.stringify(timings));
  const spoken = JSON.parse((await ask("/api/chat", { messages, stream: false })).text);
  for (const name of ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"]) {
    assert.ok(spoken[name] >= 0, `${name}: ${spoken[name]}`);
  }
});
