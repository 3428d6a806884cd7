import assert from "node:assert/strict";
import test from "node:test";
import { until } from "../../../helpers/scheduler.js";
import { type Event, readEvents, startServer } from "../../../helpers/server.js";
import { type Asked, beginStream, fakeUpstream, sendAnswer, sendChunk, sendJson } from "../../../helpers/upstream.js";
import { configured, routed, words } from "../../../helpers/upstream-servers.js";

test("a model of an upstream answers over every protocol", async (t) => {
  const upstream = await fakeUpstream(t, ["big", "org/other", "hidden"], ({ path }, response) => {
    if (path !== "/v1/embeddings") return sendAnswer(response, words);
    sendJson(response, 200, { data: [{ embedding: [0.6, 0.8] }], usage: { prompt_tokens: 3 } });
  });
  const server = await routed(t, upstream);

  await t.test("Responses over a WebSocket, with a chain", async () => {
    const client = await server.connect();
    const events = await client.ask({ model: "big", instructions: "Be brief.", input: "Where are you?" });
    const done = events.at(-1)?.response;
    assert.equal(done.output[0].content[0].text, "from the attic");
    assert.equal(done.model, "big");
    assert.deepEqual(
      [done.usage.input_tokens, done.usage.input_tokens_details.cached_tokens, done.usage.output_tokens],
      [7, 5, 3],
    );
    await client.ask({ model: "big", input: "Really?", previous_response_id: done.id });
    assert.deepEqual(upstream.asked.at(-1)?.body.messages, [
      { role: "user", content: "Where are you?" },
      { role: "assistant", content: "from the attic" },
      { role: "user", content: "Really?" },
    ]);
  });

  await t.test("Responses over HTTP, whole and streamed", async () => {
    const whole = (await (await server.post("/v1/responses", { model: "org/other", input: "Hi" })).json()) as Event;
    assert.equal(whole.output[0].content[0].text, "from the attic");
    assert.equal(upstream.asked.at(-1)?.body.model, "org/other");
    const stream = await server.post("/v1/responses", { model: "big", input: "Hi", stream: true });
    const { events } = await readEvents(stream);
    assert.equal(events.filter(({ type }) => type === "response.output_text.delta").length, 3);
  });

  await t.test("chat completions, completions and embeddings", async () => {
    const messages = [{ role: "user", content: "Hi" }];
    const chat = await server.post("/v1/chat/completions", { model: "big", messages, top_p: 0.5, stop: ["x"] });
    const { choices, usage } = (await chat.json()) as Event;
    assert.equal(choices[0].message.content, "from the attic");
    assert.equal(usage.completion_tokens, 3);
    const { body } = upstream.asked.at(-1) as { body: Event };
    assert.deepEqual([body.top_p, body.stop, body.stream, body.temperature], [0.5, ["x"], true, undefined]);
    await server.post("/v1/completions", { model: "big", prompt: "Once", max_tokens: 4 });
    assert.deepEqual(
      [upstream.asked.at(-1)?.path, upstream.asked.at(-1)?.body.prompt, upstream.asked.at(-1)?.body.max_tokens],
      ["/v1/completions", "Once", 4],
    );
    const embedded = (await (await server.post("/v1/embeddings", { model: "big", input: "Hi" })).json()) as Event;
    assert.ok(Math.abs(embedded.data[0].embedding[1] - 0.8) < 1e-6);
  });

  await t.test("Ollama's chat, and its request to load a model", async () => {
    const messages = [{ role: "user", content: "Hi" }];
    const chat = await server.post("/api/chat", { model: "big:latest", messages, stream: false });
    assert.equal(((await chat.json()) as Event).message.content, "from the attic");
    assert.equal((await server.post("/api/generate", { model: "big" })).status, 200);
  });

  await t.test("the lists have the upstream's models that are to go there, and ours", async () => {
    const list = (await (await fetch(`${server.url}/v1/models`)).json()) as Event;
    assert.deepEqual(
      list.data.map(({ id }: Event) => id),
      ["fake", "big", "org/other"],
    );
    const tags = (await (await fetch(`${server.url}/api/tags`)).json()) as Event;
    assert.deepEqual(
      tags.models.map(({ name }: Event) => name),
      ["fake:latest", "big:latest", "org/other:latest"],
    );
    assert.equal((await server.post("/v1/responses", { model: "hidden", input: "Hi" })).status, 404);
    const own = (await (await server.post("/v1/responses", { model: "default", input: "Hi" })).json()) as Event;
    assert.equal(own.output[0].content[0].text, "from here");
  });
});

test("tool calls and reasoning of an upstream come as they do from here, and go back to it", async (t) => {
  const upstream = await fakeUpstream(t, ["big"], ({ body }, response) => {
    if (body.messages.at(-1).role === "tool") return sendAnswer(response, ["done"]);
    beginStream(response);
    sendChunk(response, { reasoning_content: "A light." });
    for (const [index, name] of ["Kitchen", "Desk"].entries()) {
      sendChunk(response, {
        tool_calls: [{ index, id: `id${index}`, type: "function", function: { name: "turn_on", arguments: "" } }],
      });
      for (const piece of ['{"na', `me":"${name}"}`]) {
        sendChunk(response, { tool_calls: [{ index, function: { arguments: piece } }] });
      }
    }
    sendChunk(response, {}, { finish_reason: "tool_calls" });
    response.end("data: [DONE]\n\n");
  });
  const server = await routed(t, upstream);
  const client = await server.connect();
  const tools = [{ type: "function", name: "turn_on", parameters: { type: "object" } }];
  const { response } = (await client.ask({ model: "big", input: "Light!", tools })).at(-1) as Event;
  assert.deepEqual(
    response.output.map(({ type, arguments: args, content }: Event) => [type, args ?? content[0].text]),
    [
      ["reasoning", "A light."],
      ["function_call", '{"name":"Kitchen"}'],
      ["function_call", '{"name":"Desk"}'],
    ],
  );
  assert.equal(upstream.asked.at(-1)?.body.tools[0].function.name, "turn_on");
  const input = response.output
    .slice(1)
    .map(({ call_id }: Event) => ({ type: "function_call_output", call_id, output: "ok" }));
  const last = (await client.ask({ model: "big", input, tools, previous_response_id: response.id })).at(-1);
  assert.equal(last?.response.output[0].content[0].text, "done");
  const { messages } = (upstream.asked.at(-1) as Asked).body;
  assert.deepEqual(
    messages.map(({ role }: Event) => role),
    ["user", "assistant", "tool", "tool"],
  );
  assert.deepEqual([messages[1].tool_calls.length, messages[3].tool_call_id], [2, "id1"]);
});

test("the upstream gets its own key and no other, and its key is told to nobody", async (t) => {
  const upstream = await fakeUpstream(t, ["big"], (_, response) =>
    sendJson(response, 401, { error: { message: "no" } }),
  );
  const server = await routed(t, upstream, { api_key: "upstream-secret" });
  const headers = { authorization: "Bearer client-secret", cookie: "a=b", "x-api-key": "client-secret" };
  const response = await server.post("/v1/responses", { model: "big", input: "Hi" }, headers);
  assert.equal(response.status, 502);
  const text = await response.text();
  assert.match(text, /gpu/);
  assert.ok(!text.includes("secret"));
  assert.ok(upstream.asked.length >= 2);
  for (const asked of upstream.asked) {
    assert.equal(asked.headers.authorization, "Bearer upstream-secret");
    assert.ok(!JSON.stringify(asked).includes("client-secret"));
    assert.equal(asked.headers.cookie, undefined);
  }
});

test("a redirect is not followed: a key does not go to another host", async (t) => {
  const thief = await fakeUpstream(t, [], (_, response) => sendAnswer(response, ["stolen"]));
  const upstream = await fakeUpstream(t, ["big"], (_, response) => {
    response.writeHead(307, { location: `${thief.url}/chat/completions` }).end();
  });
  const server = await routed(t, upstream, { api_key: "upstream-secret" });
  assert.equal((await server.post("/v1/responses", { model: "big", input: "Hi" })).status, 502);
  assert.equal(thief.asked.length, 0);
});

test("a client that goes ends the request to the upstream", async (t) => {
  let closed = 0;
  const upstream = await fakeUpstream(t, ["big"], (_, response) => {
    beginStream(response);
    sendChunk(response, { content: "from" });
    response.on("close", () => closed++);
  });
  const server = await routed(t, upstream, { idle_ms: 60_000 });
  const client = await server.connect();
  client.send({ type: "response.create", model: "big", input: "Hi" });
  await until(() => client.events.some(({ type }) => type === "response.output_text.delta"));
  client.socket.close();
  await until(() => closed === 1);
});

test("an upstream that is not there is a condition, and the server stays ready", async (t) => {
  const entry = { name: "gone", url: "http://127.0.0.1:9/v1", models: ["big"], health_ms: 100 };
  const server = await startServer(t, { config: configured([entry]) });
  const ready = await fetch(`${server.url}/readyz`);
  assert.equal(ready.status, 200);
  const { conditions } = (await ready.json()) as Event;
  const condition = conditions.find(({ name }: Event) => name === "upstream gone");
  assert.equal(condition.healthy, false);
  assert.equal(condition.optional, true);
  assert.equal((await server.post("/v1/responses", { model: "big", input: "Hi" })).status, 502);
});
