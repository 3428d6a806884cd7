/** Requests that Home Assistant 2026.11 really sent, by all three of its integrations, against a daemon with Spark. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startDaemon } from "../helpers/daemon.js";
import { spark } from "../helpers/home.js";
import type { Event } from "../helpers/server.js";
import { missing, shared } from "../helpers/shared.js";

const folder = "golden/home";
const routes: Readonly<Record<string, string>> = {
  ollama: "/api/chat",
  llama_cpp: "/v1/chat/completions",
  openai: "/v1/responses",
};
const recorded = existsSync(shared(folder)) ? readdirSync(shared(folder)).filter((file) => file.endsWith(".json")) : [];

test("every recorded request is answered, and fits Spark's context", {
  skip: missing(folder),
}, async (t) => {
  const daemon = await startDaemon(t, { model: spark, args: ["--context", "16384", "--alias", "spark"] });
  await daemon.logged("the model is ready");
  assert.ok(recorded.length >= 10);
  for (const file of recorded) {
    await t.test(file, async () => {
      const route = routes[file.split("-")[0] ?? ""];
      assert.ok(route, "of no known integration");
      const request: Event = JSON.parse(readFileSync(shared(`${folder}/${file}`), "utf8"));
      const response = await fetch(`${daemon.url}${route}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...request, model: "spark" }),
      });
      const text = await response.text();
      assert.equal(response.status, 200, text.slice(0, 500));
      assert.doesNotMatch(text, /"error":(?!null)|response\.failed/);
      assert.equal(response.headers.has("x-hearth-left-out"), false, "all of it fits, for results are shortened");
    });
  }
  const notices = () => daemon.log.filter(({ numCtx }) => numCtx !== undefined);
  assert.deepEqual(notices(), [], "the context that Home Assistant asks for is Spark's");
  const request: Event = JSON.parse(readFileSync(shared(`${folder}/ollama-first.json`), "utf8"));
  const body = JSON.stringify({ ...request, model: "spark", options: { ...request.options, num_ctx: 16384 } });
  await (await fetch(`${daemon.url}/api/chat`, { method: "POST", body })).text();
  assert.deepEqual(
    notices().map(({ model, numCtx, contextTokens }) => [model, numCtx, contextTokens]),
    [["spark", 16384, 8192]],
    "the notice compares with the model's own limit, though the configuration allows more",
  );
});

/** How each integration sends a turn: what the user says, a call of the live context, its result, the answer. */
interface Integration {
  readonly first: string;
  readonly route: string;
  question(text: string): Event;
  call(id: string): Event;
  result(id: string, content: string): Event;
}

const tool = "homeassistant__GetLiveContext";
const say = (role: string, content: string): Event => ({ role, content });
const integrations: Readonly<Record<string, Integration>> = {
  Ollama: {
    first: "ollama-first.json",
    route: "/api/chat",
    question: (text) => say("user", text),
    call: () => ({ ...say("assistant", ""), tool_calls: [{ function: { name: tool, arguments: {} } }] }),
    result: (_, content) => say("tool", content),
  },
  "llama.cpp": {
    first: "llama_cpp-first.json",
    route: "/v1/chat/completions",
    question: (text) => say("user", text),
    call: (id) => ({
      ...say("assistant", ""),
      tool_calls: [{ id, type: "function", function: { name: tool, arguments: "{}" } }],
    }),
    result: (id, content) => ({ ...say("tool", content), tool_call_id: id }),
  },
  OpenAI: {
    first: "openai-first.json",
    route: "/v1/responses",
    question: (text) => ({ type: "message", ...say("user", text) }),
    call: (id) => ({ type: "function_call", call_id: id, name: tool, arguments: "{}" }),
    result: (id, output) => ({ type: "function_call_output", call_id: id, output }),
  },
};

for (const [name, { first, route, question, call, result }] of Object.entries(integrations)) {
  test(`${name}: ten turns, each with the state of the home, are all answered`, {
    skip: missing(folder),
  }, async (t) => {
    const daemon = await startDaemon(t, { model: spark, args: ["--context", "2048", "--alias", "spark"] });
    await daemon.logged("the model is ready");
    const state = recordedState();
    const request: Event = JSON.parse(readFileSync(shared(`${folder}/${first}`), "utf8"));
    const field = request.messages ? "messages" : "input";
    const conversation: Event[] = request[field].slice(0, 1);
    for (let turn = 0; turn < 10; turn++) {
      const id = `call_${turn}`;
      conversation.push(question("Which lights are on?"), call(id), result(id, state));
      const body = JSON.stringify({ ...request, model: "spark", [field]: conversation });
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${daemon.url}${route}`, { method: "POST", headers, body });
      const text = await response.text();
      assert.equal(response.status, 200, `turn ${turn}: ${text.slice(0, 300)}`);
      assert.doesNotMatch(text, /"error":(?!null)|response\.failed/);
      conversation.push(say("assistant", "The bed light is on."));
    }
    const shortened = daemon.log.filter(({ turns, toolResults }) => Number(turns) + Number(toolResults) > 0);
    assert.ok(shortened.length > 0, "the context was never full");
  });
}

/** The state that Home Assistant told of its devices. */
function recordedState(): string {
  const { messages }: Event = JSON.parse(readFileSync(shared(`${folder}/ollama-live-context.json`), "utf8"));
  return messages.findLast(({ role }: Event) => role === "tool").content;
}
