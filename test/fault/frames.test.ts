/** Thousands of damaged requests: whatever comes in, the answer is an answer, an error of the client, or 503. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import test from "node:test";
import { WebSocket } from "ws";
import { scripted } from "../fake-engine/module.js";
import { startDaemon } from "../helpers/daemon.js";
import { damagedBody, damagedRequest } from "../helpers/damage.js";
import { Random } from "../helpers/random.js";
import { until } from "../helpers/scheduler.js";
import { type Event, startServer, type TestServer, TestSocket } from "../helpers/server.js";
import { missing } from "../helpers/shared.js";

/** No slot is taken, and nothing waits for one: as operators see it. */
async function assertNothingLeaked(server: TestServer): Promise<void> {
  const deadline = Date.now() + 20_000;
  let taken: string[];
  do {
    await server.atRest(20_000);
    // Frames of clients that have gone may still be read, and take slots for a moment.
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    taken = metrics.match(/^hearth_(?:slots_busy|queue_length) .*$/gm) ?? [];
  } while (taken.some((line) => !line.endsWith(" 0")) && Date.now() < deadline);
  assert.deepEqual(taken.sort(), ["hearth_queue_length 0", "hearth_slots_busy 0"]);
}

async function assertServes(server: TestServer): Promise<void> {
  await assertNothingLeaked(server);
  await assertAnswers(server);
}

async function assertAnswers(server: TestServer): Promise<void> {
  const client = await server.connect();
  assert.equal((await client.ask({ input: "Hi" })).at(-1)?.type, "response.completed");
  client.socket.terminate();
}

test("3000 damaged frames on WebSockets: each has its answer, and the socket lives", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const random = new Random(1);
  const client: TestSocket = await server.connect();
  const statuses = new Map<number, number>();
  for (let i = 0; i < 3000; i++) {
    const frame = damagedRequest(random);
    client.send(frame);
    const last = (await client.answer()).at(-1);
    assert.notEqual(last?.type, "response.failed", frame);
    const status = last?.type === "error" ? last.status : 200;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    assert.ok(status < 500 || status === 503, `${status} for ${frame}: ${last?.error?.message}`);
    assert.equal(client.closeCode, null);
  }
  t.diagnostic(`statuses: ${JSON.stringify(Object.fromEntries(statuses))}`);
  assert.ok((statuses.get(200) ?? 0) > 100 && (statuses.get(400) ?? 0) > 1000, "both kinds were tried");
  await assertServes(server);
});

test("1000 damaged frames to a real model", { skip: missing("models/stories260K.gguf") }, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.logged("the model is ready");
  const client = await TestSocket.open(new WebSocket(`${daemon.url.replace("http", "ws")}/v1/responses`));
  const random = new Random(6);
  for (let i = 0; i < 1000; i++) {
    const frame = damagedRequest(random);
    client.send(frame);
    const last = (await client.answer()).at(-1);
    const status = last?.type === "error" ? last.status : 200;
    assert.ok(status < 500 && last?.type !== "response.failed", `${last?.type} ${status} for ${frame}`);
  }
  client.socket.close();
  await until(() => client.closeCode !== null);
  assert.equal(await daemon.metric("hearth_slots_busy"), 0);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});

test("2000 damaged bodies over HTTP: no 5xx but 503", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const random = new Random(2);
  for (let i = 0; i < 2000; i++) {
    const body = damagedRequest(random);
    const response = await server.post("/v1/responses", body);
    const answer = await response.text();
    assert.ok(response.status < 500 || response.status === 503, `${response.status} for ${body}: ${answer}`);
  }
  await assertServes(server);
});

const call = { id: "call_1", type: "function", function: { name: "turn_on", arguments: '{"name":"lamp"}' } };
const tool = { type: "function", function: { name: "turn_on", description: "x", parameters: { type: "object" } } };
const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
const bodies: Readonly<Record<string, Event>> = {
  "/v1/chat/completions": {
    model: "default",
    messages: [
      { role: "system", content: "Be kind." },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", content: "{}", tool_call_id: "call_1" },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
    ],
    tools: [tool],
    tool_choice: "auto",
    response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } },
    stream: false,
    stream_options: { include_usage: true },
    ...{ n: 1, max_tokens: 3, temperature: 1, top_p: 0.5, seed: 1, stop: ["x"], logprobs: true, top_logprobs: 2 },
    logit_bias: { "5": 1 },
  },
  "/v1/completions": { model: "default", prompt: ["Hi"], max_tokens: 3, n: 1, logprobs: 1, stop: "x", echo: false },
  "/v1/embeddings": { model: "default", input: ["Hi", "there"], encoding_format: "float" },
  "/api/chat": {
    model: "fake",
    messages: [
      { role: "assistant", content: "", tool_calls: [{ function: { name: "turn_on", arguments: { name: "lamp" } } }] },
      { role: "tool", content: "{}", tool_name: "turn_on" },
      { role: "user", content: "Hi", images: [] },
    ],
    tools: [tool],
    ...{ stream: false, format: schema, think: false, keep_alive: "5m" },
    options: { num_predict: 3, temperature: 1, top_k: 5, stop: ["x"], seed: 1, num_ctx: 8192 },
  },
  "/api/generate": { model: "fake", prompt: "Hi", system: "x", raw: false, stream: false, options: { num_predict: 3 } },
  "/v1/responses/compact": { model: "default", input: [{ role: "user", content: "Hi" }], instructions: "x" },
  "/v1/responses/input_tokens": { model: "default", input: "Hi", tools: [{ type: "function", name: "f" }] },
  "/api/embed": { model: "fake", input: ["Hi"], truncate: true },
  "/api/show": { model: "fake" },
  "/api/pull": { model: "fake", stream: false },
  "/api/copy": { source: "fake", destination: "other" },
};

test("5000 damaged bodies of every other protocol: no 5xx but 503, no crash, no leaked slot", async (t) => {
  const chatTemplate = "{% for m in messages %}{{ m.content }}{{ m.tool_calls }}{% endfor %}{{ tools }}";
  const server = await startServer(t, { fake: { next: scripted("ok"), chatTemplate } });
  const random = new Random(7);
  const routes = Object.entries(bodies);
  const statuses = new Map<number, number>();
  for (let i = 0; i < 5000; i++) {
    const [route, whole] = routes[i % routes.length] ?? ["", {}];
    const body = damagedBody(random, whole);
    const response = await server.post(route, body);
    const answer = await response.text();
    assert.ok(response.status < 500 || response.status === 503, `${response.status} ${route} ${body}: ${answer}`);
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  }
  t.diagnostic(`statuses: ${JSON.stringify(Object.fromEntries(statuses))}`);
  assert.ok((statuses.get(200) ?? 0) > 100 && (statuses.get(400) ?? 0) > 500, "both kinds were tried");
  await assertNothingLeaked(server);
});

test("a flood of frames from clients that do not wait: bounded, and others are served", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok"), stepMs: () => 1 } });
  const random = new Random(3);
  const clients = await Promise.all(Array.from({ length: 10 }, () => server.connect()));
  for (const client of clients) for (let i = 0; i < 300; i++) client.send(damagedRequest(random));
  await assertAnswers(server);
  await until(() => clients.every(({ events }) => events.filter(({ type }) => type === "error").length > 100), 20_000);
  for (const { socket } of clients) socket.terminate();
  await assertNothingLeaked(server);
});

test("raw garbage on the port: closed or answered with 4xx, never a crash", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const random = new Random(4);
  const upgrade =
    "GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  for (let i = 0; i < 300; i++) {
    const garbage = Buffer.from(Array.from({ length: 1 + random.below(200) }, () => random.below(256)));
    const head = random.pick(["", "POST /v1/responses HTTP/1.1\r\n", upgrade, upgrade.slice(0, 60)]);
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => socket.end(Buffer.concat([Buffer.from(head), garbage])));
      let said = "";
      socket.on("data", (chunk) => {
        said += chunk.toString("latin1");
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        assert.doesNotMatch(said, /^HTTP\/1\.1 5/);
        resolve();
      });
    });
  }
  await assertServes(server);
});

test("clients that vanish at any moment of a request leave nothing behind", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("A story. ".repeat(20)), stepMs: () => 1 } });
  const random = new Random(5);
  const vanish = async () => {
    const stream = random.below(2) === 0;
    const body = JSON.stringify({ model: "default", input: "Tell me", stream, max_output_tokens: 50 });
    await new Promise<void>((resolve) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const sent = httpRequest({
        port: server.port,
        host: "127.0.0.1",
        path: "/v1/responses",
        method: "POST",
        headers,
      });
      sent.on("error", () => {});
      sent.on("close", resolve);
      sent.write(body.slice(0, random.below(body.length + 1)));
      setTimeout(() => sent.destroy(), random.below(40));
    });
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 10 }, vanish));
  await assertServes(server);
});
