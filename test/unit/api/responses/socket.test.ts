import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { until } from "../../../helpers/scheduler.js";
import { startServer } from "../../../helpers/server.js";
import { deltas, types } from "./asks.js";

test("bad frames get an error event and the socket lives", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const frames: [string | Buffer, string | null][] = [
    ["{", null],
    ["", null],
    ["null", "type"],
    ["[]", "type"],
    ['"x"', "type"],
    ["{}", "type"],
    ['{"type":"response.steer"}', "type"],
    ['{"type":"response.cancel","response_id":1}', "response_id"],
    ['{"type":"response.create","input":"x","stream_id":""}', "stream_id"],
    [Buffer.from([1, 2, 3]), null],
    ['{"type":"response.create","input":"x","stream":true}', "stream"],
    ['{"type":"response.create","input":"x","stream_options":{}}', "stream_options"],
    ['{"type":"response.create","input":"x","background":false}', "background"],
    ["[".repeat(100_000), null],
    [`{"type":"response.create","model":"default","input":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "input[0]"],
    [`{"type":"response.create","input":"x","tools":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "tools[0]"],
  ];
  for (const [frame, param] of frames) {
    client.socket.send(frame);
    const event = await client.next();
    assert.equal(event.type, "error");
    assert.equal(event.status, 400);
    assert.equal(event.error.param, param, String(frame).slice(0, 50));
  }
  assert.equal((await client.ask({ input: "Hi" })).at(-1)?.type, "response.completed");
});

test("turns on one socket run one after the other, and only so many may wait", async (t) => {
  const server = await startServer(t, { fake: { manual: true }, config: { "limits.turns": 3 } });
  const client = await server.connect();
  for (let i = 0; i < 4; i++) client.send({ type: "response.create", input: `${i}`, max_output_tokens: 1 });
  const engine = server.module.engines[0];
  assert.ok(engine);
  await until(() => client.events.some(({ type }) => type === "error"));
  assert.equal(client.events.find(({ type }) => type === "error")?.error.code, "response_already_in_flight");
  for (let i = 0; i < 3; i++) await engine.release();
  await until(() => client.events.filter(({ type }) => type === "response.incomplete").length === 3);
  const turns = types(client.events).filter((type) => type === "response.created" || type === "response.incomplete");
  assert.deepEqual(turns, Array.from({ length: 3 }, () => ["response.created", "response.incomplete"]).flat());
  assert.ok(engine.plans.every(({ chunks }) => chunks.length === 1));
});

test("long requests that wait on one socket are bounded in size too", async (t) => {
  const server = await startServer(t, { fake: { stepMs: () => 5 }, config: { "limits.message_bytes": 4096 } });
  const client = await server.connect();
  const ask = (length: number) => client.send({ type: "response.create", input: "x".repeat(length) });
  ask(1500);
  ask(1500);
  ask(2000);
  await until(() => client.events.some(({ type }) => type === "error"));
  assert.equal(client.events.find(({ type }) => type === "error")?.error.code, "response_already_in_flight");
  client.socket.close();
  await server.atRest();
});

test("closing the socket cancels its turns and gives the slot back", async (t) => {
  const config = { "scheduler.slots": 1, "context.tokens": 100_000 };
  const server = await startServer(t, { fake: { stepMs: () => 1, contextTrained: 100_000 }, config });
  const leaving = await server.connect();
  for (let i = 0; i < 3; i++) leaving.send({ type: "response.create", input: "Tell me a story" });
  await until(() => deltas(leaving.events).length >= 3);
  leaving.socket.close();
  await server.atRest();
  const next = await (await server.connect()).ask({ input: "Hello", max_output_tokens: 2 });
  assert.equal(next.at(-1)?.type, "response.incomplete");
});
