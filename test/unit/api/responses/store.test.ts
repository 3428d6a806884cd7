import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, startServer } from "../../../helpers/server.js";
import { types } from "./asks.js";

test("a conversation goes on by previous_response_id: on its socket without storing, elsewhere only when stored", async (t) => {
  const server = await startServer(t, { fake: { next: scripted(" fine.") } });
  const client = await server.connect();
  const first = (await client.ask({ input: "How are you?", store: false })).at(-1);
  const id = first?.response.id;
  const second = (await client.ask({ input: " And now?", store: false, previous_response_id: id })).at(-1);
  assert.equal(second?.type, "response.completed");
  assert.equal(second?.response.previous_response_id, id);
  assert.ok(second?.response.usage.input_tokens_details.cached_tokens >= "How are you? fine.".length);
  const elsewhere = await (await server.connect()).ask({ input: "x", previous_response_id: second?.response.id });
  assert.equal(elsewhere[0]?.error.code, "previous_response_not_found");

  const stored = (await (await server.post("/v1/responses", { input: "One" })).json()) as Event;
  const next = await (await server.connect()).ask({ input: "Two", previous_response_id: stored.id });
  assert.equal(next.at(-1)?.type, "response.completed");
});

test("a continuation that fails evicts the id it named", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const id = (await client.ask({ input: "Hi", store: false })).at(-1)?.response.id;
  server.module.failCall("stepResult", 1, "FILE_READ_FAILED");
  const failed = (await client.ask({ input: "x", store: false, previous_response_id: id })).at(-1);
  assert.equal(failed?.type, "response.failed");
  const again = await client.ask({ input: "x", store: false, previous_response_id: id });
  assert.equal(again[0]?.error.code, "previous_response_not_found");
});

test("instructions belong to one turn", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("") } });
  const first = (await (
    await server.post("/v1/responses", { input: "Hi", instructions: "Be a pirate." })
  ).json()) as Event;
  const second = (await (
    await server.post("/v1/responses", { input: "ho", previous_response_id: first.id })
  ).json()) as Event;
  assert.ok(second.usage.input_tokens < first.usage.input_tokens);
});

test("stored responses can be read and deleted", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const made = (await (await server.post("/v1/responses", { input: "Hi" })).json()) as Event;
  assert.deepEqual(await (await fetch(`${server.url}/v1/responses/${made.id}`)).json(), made);
  const deleted = await fetch(`${server.url}/v1/responses/${made.id}`, { method: "DELETE" });
  assert.deepEqual(await deleted.json(), { id: made.id, object: "response", deleted: true });
  assert.equal((await fetch(`${server.url}/v1/responses/${made.id}`)).status, 404);
  assert.equal((await fetch(`${server.url}/v1/responses/${made.id}`, { method: "DELETE" })).status, 404);
});

test("responses that are not to be stored cannot be read", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const hidden = (await (await server.post("/v1/responses", { input: "Hi", store: false })).json()) as Event;
  assert.equal((await fetch(`${server.url}/v1/responses/${hidden.id}`)).status, 404);
});

test("generate:false returns an id without output, and the next turn finds its prompt read", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  const warm = await client.ask({ input: "A long system prompt. ", generate: false });
  assert.deepEqual(types(warm), ["response.created", "response.in_progress", "response.completed"]);
  assert.deepEqual(warm.at(-1)?.response.output, []);
  assert.equal(warm.at(-1)?.response.usage.output_tokens, 0);
  const done = (await client.ask({ input: "Hi", previous_response_id: warm[0]?.response.id })).at(-1);
  assert.equal(done?.response.usage.input_tokens_details.cached_tokens, 23);
});
