import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, startServer } from "../../../helpers/server.js";

test("the Response has every field of the public API, and no number is null", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Hello!") } });
  const response = (await (await server.post("/v1/responses", { input: "Hi" })).json()) as Event;
  const { id, created_at: createdAt, completed_at: completedAt, output, usage, ...rest } = response;
  assert.match(id, /^resp_[0-9a-f]{48}$/);
  assert.ok(Number.isInteger(createdAt) && Number.isInteger(completedAt));
  assert.equal(output.length, 1);
  assert.equal(usage.total_tokens, 9);
  assert.deepEqual(rest, {
    object: "response",
    status: "completed",
    model: "fake",
    instructions: null,
    previous_response_id: null,
    temperature: 0.8,
    top_p: 0.95,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    max_output_tokens: null,
    max_tool_calls: null,
    tools: [],
    tool_choice: "auto",
    parallel_tool_calls: true,
    text: { format: { type: "text" }, verbosity: "medium" },
    reasoning: { effort: null, summary: null },
    truncation: "disabled",
    store: true,
    background: false,
    service_tier: "default",
    metadata: {},
    safety_identifier: null,
    prompt_cache_key: null,
    user: null,
    error: null,
    incomplete_details: null,
  });
});

test("a Response echoes its request", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("Hello!") } });
  const asked = {
    model: "fake",
    instructions: "Be kind.",
    temperature: 0,
    top_p: 1,
    presence_penalty: 0.5,
    frequency_penalty: -0.5,
    max_output_tokens: 50,
    store: false,
    metadata: { room: "kitchen" },
    prompt_cache_key: "conversation-1",
    safety_identifier: "someone",
    parallel_tool_calls: false,
    user: "anna",
  };
  const response = (await (await server.post("/v1/responses", { input: "Hi", ...asked })).json()) as Event;
  for (const [name, value] of Object.entries(asked)) assert.deepEqual(response[name], value, name);
});
