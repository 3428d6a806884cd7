/** Lanes of one WebSocket, cancelling, and the items of a response's input, on the fake engine. */
import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { until } from "../../../helpers/scheduler.js";
import { type Event, startServer, type TestServer, type TestSocket } from "../../../helpers/server.js";

const words = Array.from({ length: 400 }, (_, i) => `word ${i}, `).join("");
const slow = { next: scripted(words), stepMs: () => 2 };
const json = async (response: Response): Promise<Event> => (await response.json()) as Event;
const isLast = ({ type }: Event) => /^(response\.(completed|incomplete|failed)|error)$/.test(type);

/** Waits for so many events that end a turn. */
async function ends(client: TestSocket, count: number): Promise<Event[]> {
  await until(() => client.events.filter(isLast).length >= count, 10_000);
  return client.events;
}

async function started(client: TestSocket, streamId?: string): Promise<string> {
  const find = () =>
    client.events.find(({ type, stream_id }) => type === "response.output_text.delta" && stream_id === streamId);
  await until(() => find() !== undefined, 10_000);
  const created = client.events.find((event) => event.type === "response.created" && event.stream_id === streamId);
  return created?.response.id;
}

test("every event of a turn carries its stream_id", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const events = await client.ask({ input: "Hi", stream_id: 'a "lane"' });
  assert.ok(events.length > 8);
  assert.ok(events.every(({ stream_id }) => stream_id === 'a "lane"'));
  assert.deepEqual(
    events.map(({ sequence_number }) => sequence_number),
    events.map((_, i) => i),
  );
});

test("the events of a turn without a stream_id have none", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const plain = await client.ask({ input: "Hi" });
  assert.ok(plain.every((event) => !("stream_id" in event)));
});

test("errors carry the stream_id of the frame that they answer", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  for (const frame of [
    { type: "response.create", input: 5, stream_id: "x" },
    { type: "response.create", input: "Hi", stream: true, stream_id: "x" },
    { type: "response.create", input: "Hi", model: "none", stream_id: "x" },
    { type: "response.steer", stream_id: "x" },
    { type: "response.cancel", stream_id: "x" },
  ]) {
    client.send(frame);
    const event = await client.next();
    assert.equal(event.type, "error");
    assert.equal(event.stream_id, "x", JSON.stringify(frame));
  }
});

test("turns of several lanes run side by side, those of one lane one after the other", async (t) => {
  const server = await startServer(t, { fake: slow });
  const client = await server.connect();
  for (const stream_id of ["a", "b", "a"]) {
    client.send({ type: "response.create", input: "Hi", max_output_tokens: 40, stream_id });
  }
  const events = await ends(client, 3);
  const lanes = ["a", "b"].map((lane) => events.filter(({ stream_id }) => stream_id === lane));
  assert.ok(lanes.every((own) => own.length > 40));
  const at = (lane: string, type: string) =>
    events.flatMap((event, i) => (event.stream_id === lane && event.type === type ? [i] : []));
  const [firstOfA = 0, secondOfA = 0] = at("a", "response.created");
  const [endOfA = 0] = at("a", "response.incomplete");
  const [firstOfB = 0] = at("b", "response.created");
  assert.ok(firstOfB > firstOfA && firstOfB < endOfA, "b waited for a");
  assert.ok(secondOfA > endOfA, "the second turn of a did not wait");
});

test("a lane may go on from another lane's response that was not stored", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const first = (await client.ask({ input: "Hi", store: false, stream_id: "a" })).at(-1)?.response;
  const fork = await client.ask({ input: "More", store: false, stream_id: "b", previous_response_id: first.id });
  assert.equal(fork.at(-1)?.type, "response.completed");
  // The newest of each lane is remembered, not of the socket.
  const again = await client.ask({ input: "More", store: false, stream_id: "c", previous_response_id: first.id });
  assert.equal(again.at(-1)?.type, "response.completed");
  const other = await server.connect();
  const unknown = await other.ask({ input: "More", previous_response_id: first.id });
  assert.equal(unknown.at(-1)?.error.code, "previous_response_not_found");
});

test("the requests of all lanes together are bounded", async (t) => {
  const server = await startServer(t, { fake: slow, config: { "limits.turns": 3 } });
  const client = await server.connect();
  for (const stream_id of ["a", "b", "c", "d"]) client.send({ type: "response.create", input: "Hi", stream_id });
  await until(() => client.events.some(({ type }) => type === "error"));
  const error = client.events.find(({ type }) => type === "error");
  assert.equal(error?.stream_id, "d");
  assert.equal(error?.error.code, "response_already_in_flight");
});

test("closing the socket ends the turns of all its lanes", async (t) => {
  const server = await startServer(t, { fake: slow });
  const client = await server.connect();
  for (const stream_id of ["a", "b"]) client.send({ type: "response.create", input: "Hi", stream_id });
  await started(client, "a");
  client.socket.close(1000);
  await server.atRest();
});

test("response.cancel ends the running turn of its lane, with what it has, and the next one follows", async (t) => {
  const server = await startServer(t, { fake: slow });
  const client = await server.connect();
  client.send({ type: "response.create", input: "Hi" });
  client.send({ type: "response.create", input: "Hi", max_output_tokens: 3 });
  const id = await started(client);
  client.send({ type: "response.cancel" });
  const events = await ends(client, 2);
  const [cancelled, next] = events.filter(isLast);
  assert.equal(cancelled?.type, "response.incomplete");
  assert.equal(cancelled?.response.id, id);
  assert.equal(cancelled?.response.status, "cancelled");
  const [message] = cancelled?.response.output ?? [];
  assert.equal(message.status, "incomplete");
  const own = events.slice(0, events.indexOf(cancelled as Event) + 1);
  assert.equal(message.content[0].text, own.map(({ type, delta }) => (type.endsWith(".delta") ? delta : "")).join(""));
  assert.deepEqual(
    own
      .slice(-4)
      .map(({ type }) => type)
      .slice(0, 3),
    ["response.output_text.done", "response.content_part.done", "response.output_item.done"],
  );
  assert.equal(next?.response.incomplete_details.reason, "max_output_tokens");
  await server.atRest();
});

test("response.cancel with an id ends that response, and no other lane's", async (t) => {
  const server = await startServer(t, { fake: slow });
  const client = await server.connect();
  client.send({ type: "response.create", input: "Hi", stream_id: "a" });
  client.send({ type: "response.create", input: "Hi", stream_id: "b", max_output_tokens: 200 });
  const id = await started(client, "a");
  client.send({ type: "response.cancel", response_id: "resp_none" });
  client.send({ type: "response.cancel", response_id: id });
  const last = (await ends(client, 3)).filter(isLast);
  const of = (lane?: string) => last.find(({ stream_id }) => stream_id === lane);
  assert.equal(of()?.error.code, "not_found");
  assert.equal(of("a")?.response.status, "cancelled");
  assert.equal(of("b")?.response.status, "incomplete");
});

async function streamed(server: TestServer): Promise<{ id: string; rest: Promise<string> }> {
  const response = await server.post("/v1/responses", { input: "Hi", stream: true });
  const reader = response.body?.getReader();
  assert.ok(reader);
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("output_text.delta")) text += decoder.decode((await reader.read()).value, { stream: true });
  const rest = (async () => {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += decoder.decode(piece.value);
    return text;
  })();
  return { id: /"id":"(resp_[0-9a-f]+)"/.exec(text)?.[1] ?? "", rest };
}

test("POST /v1/responses/ID/cancel ends a stream and gives the response back, cancelled and stored", async (t) => {
  const server = await startServer(t, { fake: slow });
  const { id, rest } = await streamed(server);
  const cancelled = await server.post(`/v1/responses/${id}/cancel`, "", {});
  assert.equal(cancelled.status, 200);
  const response = await json(cancelled);
  assert.deepEqual([response.id, response.status], [id, "cancelled"]);
  const text = await rest;
  assert.match(text, /event: response\.incomplete\n/);
  assert.ok(text.endsWith("data: [DONE]\n\n"));
  assert.equal((await json(await fetch(`${server.url}/v1/responses/${id}`))).status, "cancelled");
  // Once more, and of one that is done, changes nothing.
  assert.equal((await json(await server.post(`/v1/responses/${id}/cancel`, {}))).status, "cancelled");
  await server.atRest();
});

test("cancelling a response that is done gives it back as it is", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const { id } = await json(await server.post("/v1/responses", { input: "Hi" }));
  assert.equal((await json(await server.post(`/v1/responses/${id}/cancel`, {}))).status, "completed");
});

test("cancelling a response that is not there is 404", async (t) => {
  const server = await startServer(t);
  assert.equal((await server.post("/v1/responses/resp_none/cancel", {})).status, 404);
});

test("a cancelled response can be gone on from", async (t) => {
  const server = await startServer(t, { fake: slow });
  const { id } = await streamed(server);
  await server.post(`/v1/responses/${id}/cancel`, {});
  const next = await server.post("/v1/responses", { input: "More", previous_response_id: id, max_output_tokens: 2 });
  assert.equal(next.status, 200);
});

const input = [
  { role: "user", content: "one" },
  { type: "message", role: "assistant", content: "two" },
  { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
  { type: "function_call_output", call_id: "c1", output: "done" },
  { role: "user", content: [{ type: "input_text", text: "five" }], id: "msg_own" },
];

test("the items of a response's input are listed with ids, the newest first", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const { id } = await json(await server.post("/v1/responses", { input }));
  const items = async (query = "") => json(await fetch(`${server.url}/v1/responses/${id}/input_items${query}`));
  const all = await items();
  assert.equal(all.object, "list");
  assert.deepEqual([all.has_more, all.first_id, all.last_id], [false, all.data[0].id, all.data[4].id]);
  assert.deepEqual(all.data[0], {
    id: "msg_own",
    type: "message",
    status: "completed",
    role: "user",
    content: [{ type: "input_text", text: "five" }],
  });
  assert.deepEqual(
    all.data.map(({ type }: Event) => type),
    ["message", "function_call_output", "function_call", "message", "message"],
  );
  assert.deepEqual(all.data[3].content, [{ type: "output_text", text: "two", annotations: [] }]);
  assert.equal(new Set(all.data.map((item: Event) => item.id)).size, 5);
  assert.deepEqual(await items(), all);
  const [text] = (
    await json(
      await fetch(
        `${server.url}/v1/responses/${(await json(await server.post("/v1/responses", { input: "Hi" }))).id}/input_items`,
      ),
    )
  ).data;
  assert.deepEqual([text.role, text.content], ["user", [{ type: "input_text", text: "Hi" }]]);
});

test("input items come page by page, in either order", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const { id } = await json(await server.post("/v1/responses", { input }));
  const url = `${server.url}/v1/responses/${id}/input_items`;
  const ids = (await json(await fetch(`${url}?order=asc`))).data.map((item: Event) => item.id);
  const seen: string[] = [];
  for (let after = "", more = true; more; ) {
    const page = await json(await fetch(`${url}?order=asc&limit=2${after}`));
    seen.push(...page.data.map((item: Event) => item.id));
    after = `&after=${page.last_id}`;
    more = page.has_more;
  }
  assert.deepEqual(seen, ids);
  const page = await json(await fetch(`${url}?limit=2&after=${ids[3]}`));
  assert.deepEqual(
    page.data.map((item: Event) => item.id),
    [ids[2], ids[1]],
  );
  for (const bad of ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_none", "limit=1&limit=2"]) {
    assert.equal((await fetch(`${url}?${bad}`)).status, 400, bad);
  }
  assert.equal((await fetch(`${server.url}/v1/responses/resp_none/input_items`)).status, 404);
});

test("the input items of a response that is still made are there too", async (t) => {
  const server = await startServer(t, { fake: slow });
  const { id, rest } = await streamed(server);
  const { data } = await json(await fetch(`${server.url}/v1/responses/${id}/input_items`));
  await server.post(`/v1/responses/${id}/cancel`, {});
  await rest;
  assert.deepEqual((await json(await fetch(`${server.url}/v1/responses/${id}/input_items`))).data, data);
});
