import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, startServer } from "../../../helpers/server.js";

test("input comes as a string, as messages, as parts: a model without a template sees the same text", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const inputs = [
    "Hi there",
    [{ role: "user", content: "Hi there" }],
    [
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_text", text: "Hi " },
          { type: "input_text", text: "there" },
        ],
      },
    ],
    [
      {
        type: "message",
        role: "assistant",
        phase: "final",
        id: "x",
        status: "completed",
        content: [{ type: "output_text", text: "Hi there", annotations: [] }],
      },
    ],
    [
      { type: "reasoning", summary: [] },
      { role: "developer", content: "Hi there" },
    ],
  ];
  for (const input of inputs) {
    const response = (await (await server.post("/v1/responses", { input })).json()) as Event;
    assert.equal(response.usage?.input_tokens, 9, JSON.stringify(input));
  }
});

const refused: [string, Event, number, string, string | null][] = [
  ["no input", {}, 400, "invalid_value", "input"],
  ["an unknown model", { model: "gpt-5", input: "x" }, 404, "model_not_found", "model"],
  ["a temperature out of range", { input: "x", temperature: 2.5 }, 400, "invalid_value", "temperature"],
  ["a temperature that is no number", { input: "x", temperature: "hot" }, 400, "invalid_value", "temperature"],
  ["top_p out of range", { input: "x", top_p: -0.1 }, 400, "invalid_value", "top_p"],
  ["a top_k out of range", { input: "x", top_k: -2_000_000 }, 400, "invalid_value", "top_k"],
  ["no tokens to generate", { input: "x", max_output_tokens: 0 }, 400, "invalid_value", "max_output_tokens"],
  ["half a token", { input: "x", max_output_tokens: 1.5 }, 400, "invalid_value", "max_output_tokens"],
  ["a seed beyond exact numbers", { input: "x", seed: 2 ** 53 }, 400, "invalid_value", "seed"],
  ["a role nobody has", { input: [{ role: "king", content: "x" }] }, 400, "invalid_value", "input[0].role"],
  ["an item that is none", { input: ["x"] }, 400, "invalid_value", "input[0]"],
  ["an unknown item", { input: [{ type: "poem" }] }, 400, "invalid_value", "input[0].type"],
  [
    "an unknown part",
    { input: [{ role: "user", content: [{ type: "smell" }] }] },
    400,
    "invalid_value",
    "input[0].content[0].type",
  ],
  ["metadata of numbers", { input: "x", metadata: { a: 1 } }, 400, "invalid_value", "metadata.a"],
  [
    "a lost conversation",
    { input: "x", previous_response_id: "resp_1" },
    400,
    "previous_response_not_found",
    "previous_response_id",
  ],
  [
    "tools without a template",
    { input: "x", tools: [{ type: "function", name: "f" }] },
    400,
    "unsupported_parameter",
    "tools",
  ],
  ["tools of the server's", { input: "x", tools: [{ type: "web_search" }] }, 400, "invalid_value", "tools[0].type"],
  ["forced tools without any", { input: "x", tool_choice: "required" }, 400, "invalid_value", "tool_choice"],
  [
    "a choice of no tool",
    { input: "x", tool_choice: { type: "function", name: "f" } },
    400,
    "invalid_value",
    "tool_choice",
  ],
  [
    "a format that there is not",
    { input: "x", text: { format: { type: "xml" } } },
    400,
    "invalid_value",
    "text.format.type",
  ],
  [
    "a schema that cannot be enforced",
    { input: "x", text: { format: { type: "json_schema", name: "s", strict: true, schema: { not: {} } } } },
    400,
    "invalid_json_schema",
    "schema",
  ],
  [
    "an image",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: "data:" }] }] },
    400,
    "unsupported_parameter",
    "input[0].content[0]",
  ],
  [
    "a tool's output",
    { input: [{ type: "function_call_output", call_id: "c", output: "" }] },
    400,
    "invalid_value",
    "input[0].call_id",
  ],
  ["log probabilities", { input: "x", top_logprobs: 3 }, 400, "unsupported_parameter", "top_logprobs"],
  ["a stored conversation", { input: "x", conversation: "conv_1" }, 400, "unsupported_parameter", "conversation"],
  ["a prompt that is too long", { input: "x".repeat(9000) }, 400, "context_length_exceeded", "input"],
];

test("each fault of a request is named with its field, alike on both transports, and the socket lives on", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const client = await server.connect();
  for (const [name, request, status, code, param] of refused) {
    const [event] = await client.ask(request);
    assert.equal(event?.type, "error", name);
    assert.deepEqual([event?.status, event?.error.code, event?.error.param], [status, code, param], name);
    for (const stream of [false, true]) {
      const response = await server.post("/v1/responses", { ...request, stream });
      const { error } = (await response.json()) as Event;
      assert.deepEqual([response.status, error.code, error.param], [status, code, param], name);
    }
  }
  assert.equal((await client.ask({ input: "Hi" })).at(-1)?.type, "response.completed");
});

test("-1 is as in other servers: a drawn seed, no limit of the client's, top_k off", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const request = { input: "Hi", seed: -1, top_k: -1, max_output_tokens: -1 };
  const response = await server.post("/v1/responses", request);
  assert.equal(response.status, 200);
  const body = (await response.json()) as Event;
  assert.deepEqual([body.status, body.max_output_tokens], ["completed", null]);
  assert.equal((await server.post("/v1/responses", { input: "Hi", max_output_tokens: 0 })).status, 400);
});

test("harmless fields are tolerated", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const request = {
    input: "Hi",
    tools: [],
    tool_choice: "auto",
    text: { format: { type: "text" }, verbosity: "low" },
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    truncation: "disabled",
    service_tier: "auto",
    top_logprobs: 0,
    temperature: null,
    metadata: null,
    instructions: null,
    previous_response_id: null,
    conversation: null,
    some_new_field: { of: "next year" },
  };
  assert.equal((await server.post("/v1/responses", request)).status, 200);
});
