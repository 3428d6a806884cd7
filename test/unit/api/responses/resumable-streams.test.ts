import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import type { ApiKey } from "../../../../src/base/api-key.js";
import { scripted } from "../../../fake-engine/module.js";
import { until } from "../../../helpers/scheduler.js";
import { type Event, readEvents, startServer, type TestServer, type TestSocket } from "../../../helpers/server.js";

const story = "Once upon a time there was a very small computer that told stories. ".repeat(6);

const fake = { next: scripted(story), stepMs: () => 1, contextTrained: 100_000 };

const config = { "scheduler.slots": 1 } as const;

const isDelta = ({ type }: Event) => type === "response.output_text.delta";

const numbers = (events: readonly Event[]) => events.map(({ sequence_number: number }) => number);

const textOf = (events: readonly Event[]) =>
  events
    .filter(isDelta)
    .map(({ delta }) => delta)
    .join("");

/** Asks, and loses the connection after some deltas. Resolves with what the client saw. */
async function loseStream(
  server: TestServer,
  request: Event = {},
  lose: (client: TestSocket) => void = ({ socket }) => socket.terminate(),
): Promise<{ seen: Event[]; id: string; last: number }> {
  const client = await server.connect();
  client.send({ type: "response.create", input: "Tell me a story", ...request });
  await until(() => client.events.filter(isDelta).length >= 20);
  lose(client);
  await client.closed();
  const seen = [...client.events];
  return { seen, id: seen[0]?.response.id, last: seen.at(-1)?.sequence_number };
}

const resume = (id: string, startingAfter?: number) => ({
  type: "hearth:response.resume",
  response_id: id,
  ...(startingAfter !== undefined && { starting_after: startingAfter }),
});

test("a stream whose connection was lost is read on over another WebSocket: every event once", async (t) => {
  const server = await startServer(t, { fake, config });
  const { seen, id, last } = await loseStream(server);
  const client = await server.connect();
  client.send(resume(id, last));
  const rest = await client.answer();
  const all = [...seen, ...rest];
  assert.deepEqual(numbers(all), [...all.keys()]);
  assert.equal(textOf(all), story);
  assert.equal(all.at(-1)?.type, "response.completed");
  assert.equal(all.at(-1)?.response.id, id);
});

test("the response goes on while nobody reads, and its end is kept too", async (t) => {
  const server = await startServer(t, { fake, config });
  const { seen, id } = await loseStream(server);
  await server.atRest();
  const client = await server.connect();
  for (const after of [undefined, 7, 7]) {
    client.send(resume(id, after));
    const rest = await client.answer();
    assert.equal(rest[0]?.sequence_number, after === undefined ? 0 : 8);
    const all = [...seen.slice(0, rest[0]?.sequence_number), ...rest];
    assert.equal(textOf(all), story);
  }
});

test("over HTTP a response that is being made is shown as it stands", async (t) => {
  const server = await startServer(t, { fake, config });
  const { id } = await loseStream(server);
  const standing = (await (await fetch(`${server.url}/v1/responses/${id}`)).json()) as Event;
  assert.equal(standing.id, id);
  assert.equal(standing.status, "in_progress");
  assert.equal(standing.output[0].status, "in_progress");
  assert.ok(standing.output[0].content[0].text.length > 0 && story.startsWith(standing.output[0].content[0].text));
});

test("over HTTP a stream is read on by GET", async (t) => {
  const server = await startServer(t, { fake, config });
  const { seen, id, last } = await loseStream(server);
  const response = await fetch(`${server.url}/v1/responses/${id}?stream=true&starting_after=${last}`);
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  const { events, last: end } = await readEvents(response);
  assert.equal(end, "[DONE]");
  assert.equal(textOf([...seen, ...events]), story);
  assert.deepEqual(numbers([...seen, ...events]), [...[...seen, ...events].keys()]);
});

test("an HTTP stream that broke off is read on over a WebSocket", async (t) => {
  const server = await startServer(t, { fake, config });
  const controller = new AbortController();
  const response = await fetch(`${server.url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", input: "Tell me a story", stream: true }),
    signal: controller.signal,
  });
  let text = "";
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (reader && text.split("output_text.delta").length < 40) text += (await reader.read()).value ?? "";
  controller.abort();
  const seen: Event[] = text.match(/(?<=^data: ).*(?=\n\n)/gm)?.map((line) => JSON.parse(line)) ?? [];
  const client = await server.connect();
  client.send(resume(seen[0]?.response.id, seen.length - 1));
  assert.equal(textOf([...seen, ...(await client.answer())]), story);
});

test("the newest connection has the stream: the one that the client has given up gets no more", async (t) => {
  const server = await startServer(t, { fake: { ...fake, stepMs: () => 3 }, config });
  const first = await server.connect();
  first.send({ type: "response.create", input: "Tell me a story" });
  await until(() => first.events.filter(isDelta).length >= 5);
  const second = await server.connect();
  second.send(resume(first.events[0]?.response.id));
  assert.equal(textOf(await second.answer()), story);
  assert.ok(first.events.length < second.events.length / 2, `${first.events.length} of ${second.events.length}`);
  // Its turn is over, and the next one runs.
  assert.equal((await first.ask({ input: "Hi", max_output_tokens: 3 })).at(-1)?.type, "response.incomplete");
});

test("after the grace period the response is cancelled, its slot free, and nobody can read on", async (t) => {
  const endless = { ...fake, next: scripted(story.repeat(200)) };
  const long = { ...config, "responses.resume_ms": 300, "context.tokens": 100_000 };
  const server = await startServer(t, { fake: endless, config: long });
  const { id } = await loseStream(server);
  await server.atRest();
  const client = await server.connect();
  client.send(resume(id));
  const [error] = await client.answer();
  assert.equal(error?.status, 404);
  assert.equal(error?.error.param, "response_id");
});

test("a client that comes back in time has the stream to its end, however long that takes", async (t) => {
  const slow = { ...fake, next: scripted(story.repeat(2)), stepMs: () => 2 };
  const server = await startServer(t, { fake: slow, config: { ...config, "responses.resume_ms": 400 } });
  const { seen, id, last } = await loseStream(server);
  const client = await server.connect();
  client.send(resume(id, last));
  assert.equal(textOf([...seen, ...(await client.answer())]), story.repeat(2));
});

test("a client that says goodbye wants no more: its response is cancelled at once", async (t) => {
  const endless = { ...fake, next: scripted(story.repeat(200)) };
  const server = await startServer(t, { fake: endless, config: { ...config, "context.tokens": 100_000 } });
  const { id } = await loseStream(server, {}, ({ socket }) => socket.close(1000));
  await server.atRest();
  assert.equal((await fetch(`${server.url}/v1/responses/${id}?stream=true`)).status, 404);
});

test("DELETE cancels a response that is being made", async (t) => {
  const endless = { ...fake, next: scripted(story.repeat(200)) };
  const server = await startServer(t, { fake: endless, config: { ...config, "context.tokens": 100_000 } });
  const { id } = await loseStream(server);
  assert.equal((await fetch(`${server.url}/v1/responses/${id}`, { method: "DELETE" })).status, 200);
  await server.atRest();
  assert.equal((await fetch(`${server.url}/v1/responses/${id}`)).status, 404);
});

test("only the key that asked can read on", async (t) => {
  const key = (name: string): ApiKey => ({
    id: name,
    name,
    hash: createHash("sha256").update(name).digest("hex"),
    scopes: ["generate"],
    requestsPerMinute: null,
    concurrentRequests: null,
  });
  const keys = [key("anna"), key("bert")];
  const server = await startServer(t, { fake, config: { ...config, "auth.mode": "required" }, keys: () => keys });
  const as = (name: string) => ({ headers: { authorization: `Bearer ${name}` } });
  const anna = await server.connect(as("anna"));
  anna.send({ type: "response.create", input: "Tell me a story" });
  await until(() => anna.events.filter(isDelta).length >= 5);
  anna.socket.terminate();
  const id = anna.events[0]?.response.id;
  const bert = await server.connect(as("bert"));
  bert.send(resume(id));
  assert.equal((await bert.answer())[0]?.error.code, "not_found");
  for (const method of ["GET", "DELETE"]) {
    const url = `${server.url}/v1/responses/${id}${method === "GET" ? "?stream=true" : ""}`;
    assert.equal((await fetch(url, { method, ...as("bert") })).status, 404);
  }
  const again = await server.connect(as("anna"));
  again.send(resume(id));
  assert.equal(textOf(await again.answer()), story);
});

test("what a lost client missed is bounded: the response waits, and goes on when the client is there", async (t) => {
  const long = story.repeat(20);
  const small = { ...config, "responses.resume_bytes": 200_000, "context.tokens": 100_000 };
  const server = await startServer(t, { fake: { ...fake, next: scripted(long), stepMs: () => 0 }, config: small });
  const { seen, id, last } = await loseStream(server);
  const steps = () => server.module.engines[0]?.plans.length ?? 0;
  for (let before = -1; before !== steps(); ) {
    before = steps();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(steps() < long.length / 2, `${steps()} steps for nobody`);
  const client = await server.connect();
  client.send(resume(id, last));
  const rest = await client.answer();
  assert.ok(textOf([...seen, ...rest]) === long, JSON.stringify(rest.at(-1)).slice(0, 600));
  client.send(resume(id, 3));
  const [gone] = await client.answer();
  assert.equal(gone?.status, 410);
  assert.equal(gone?.error.code, "stream_events_gone");
});

test("numbers that were never sent, and ids that are none, are refused by name", async (t) => {
  const server = await startServer(t, { fake, config });
  const { id } = await loseStream(server);
  await server.atRest();
  const client = await server.connect();
  const answer = async (frame: Event) => {
    client.send({ type: "hearth:response.resume", ...frame });
    const [event] = await client.answer();
    return [event?.status, event?.error.param];
  };
  assert.deepEqual(await answer({ response_id: id, starting_after: 99_999 }), [400, "starting_after"]);
  assert.deepEqual(await answer({ response_id: id, starting_after: "3" }), [400, "starting_after"]);
  assert.deepEqual(await answer({ starting_after: 3 }), [400, "response_id"]);
  assert.deepEqual(await answer({ response_id: "resp_none" }), [404, "response_id"]);
  const url = `${server.url}/v1/responses/${id}?stream=true&starting_after=`;
  assert.equal((await fetch(`${url}x`)).status, 400);
});

test("a chain goes on from a response that was read on, stored or not", async (t) => {
  const server = await startServer(t, { fake, config });
  const { id, last } = await loseStream(server, { store: false });
  const client = await server.connect();
  client.send(resume(id, last));
  await client.answer();
  const next = await client.ask({ input: "And then?", previous_response_id: id, max_output_tokens: 2 });
  assert.equal(next.at(-1)?.type, "response.incomplete");
});

test("streams of clients that are gone are few: losing connections is no way to more slots", async (t) => {
  const endless = { ...fake, next: scripted(story.repeat(200)) };
  const many = { "scheduler.slots": 4, "context.tokens": 100_000, "limits.sockets_per_address": 100 };
  const server = await startServer(t, { fake: endless, config: many });
  const clients = await Promise.all(Array.from({ length: 40 }, () => server.connect()));
  for (const client of clients) client.send({ type: "response.create", input: "Hi" });
  await until(() => clients.every(({ events }) => events.length > 0));
  for (const { socket } of clients) socket.terminate();
  const running = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const values = [...text.matchAll(/^hearth_(?:slots_busy|queue_length) (\d+)$/gm)];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  };
  for (let i = 0; i < 100 && (await running()) > 16; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await running(), 16);
});

test("a page that is reloaded or left (1001) has lost its stream and not given it up", async (t) => {
  const server = await startServer(t, { fake, config });
  const { id, last } = await loseStream(server, {}, ({ socket }) => socket.close(1001));
  const client = await server.connect();
  client.send(resume(id, last));
  assert.equal((await client.answer()).at(-1)?.type, "response.completed");
});

test("a request says how long its response goes on without its client, and what there is is stored then", async (t) => {
  const server = await startServer(t, { fake: { ...fake, stepMs: () => 20 }, config });
  const { id } = await loseStream(server, { max_away_ms: 100 });
  await server.atRest();
  const response = (await (await fetch(`${server.url}/v1/responses/${id}`)).json()) as Event;
  assert.equal(response.status, "cancelled");
  assert.ok(response.output[0].content[0].text.length > 0);
});

test("a stored response whose client may be away goes on to its end, however far that is", async (t) => {
  const server = await startServer(t, { fake, config: { ...config, "responses.resume_bytes": 4096 } });
  const { id } = await loseStream(server, { max_away_ms: 60_000 });
  await server.atRest(20_000);
  const response = (await (await fetch(`${server.url}/v1/responses/${id}`)).json()) as Event;
  assert.equal(response.status, "completed");
  assert.equal(response.output[0].content[0].text, story);
});
