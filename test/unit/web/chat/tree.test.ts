import assert from "node:assert/strict";
import test from "node:test";
import { requestFor } from "../../../../src/web/chat/request.js";
import { fromFile, toFile } from "../../../../src/web/chat/transfer.js";
import {
  type AssistantNode,
  type ChatContent,
  type ChatNode,
  inputFor,
  leafBelow,
  merge,
  newContent,
  noSettings,
  pathTo,
  siblingsOf,
  titleOf,
  withNode,
} from "../../../../src/web/chat/tree.js";
import { keptParts, newAnswer, take } from "../../../../src/web/common/answer.js";

const figures = { inputTokens: 1, cachedTokens: 0, outputTokens: 2, firstMs: 3, tokensPerSecond: 4 };
const user = (id: string, parent: string | null, text = id): ChatNode => ({ id, parent, at: 1, role: "user", text });
const assistant = (id: string, parent: string, more: Partial<AssistantNode> = {}): AssistantNode => ({
  ...{ id, parent, at: 2, role: "assistant", status: "completed", responseId: null, model: "m", error: null },
  ...{ reason: null, figures, parts: [{ kind: "text", text: `answer ${id}` }] },
  ...more,
});

function chat(...nodes: ChatNode[]): ChatContent {
  return nodes.reduce((content, node) => withNode(content, node, node.id), newContent(noSettings));
}

test("an edited question and a second answer are branches, and each branch ends with its newest message", () => {
  const content = chat(
    user("q1", null),
    assistant("a1", "q1"),
    assistant("a2", "q1"),
    user("q2", "a2"),
    user("q3", null),
  );
  assert.deepEqual(
    pathTo(content.nodes, "q2").map(({ id }) => id),
    ["q1", "a2", "q2"],
  );
  const [first] = content.nodes;
  assert.ok(first);
  assert.deepEqual(
    siblingsOf(content.nodes, first).map(({ id }) => id),
    ["q1", "q3"],
  );
  assert.equal(leafBelow(content.nodes, "q1"), "q2");
});

test("a request has the branch alone, with whole calls and their results", () => {
  const call = { kind: "call", callId: "c1", name: "turn_on", arguments: "{}", isWhole: true } as const;
  const half = { ...call, callId: "c2", isWhole: false };
  const content = chat(
    user("q1", null, "Light on"),
    assistant("old", "q1"),
    assistant("a1", "q1", { parts: [{ kind: "reasoning", text: "Hm" }, call, half] }),
    { id: "r1", parent: "a1", at: 3, role: "tool", results: [{ callId: "c1", output: "done" }] },
  );
  assert.deepEqual(inputFor(pathTo(content.nodes, "r1")), [
    { role: "user", content: "Light on" },
    { type: "reasoning", content: [{ type: "reasoning_text", text: "Hm" }], summary: [] },
    { type: "function_call", call_id: "c1", name: "turn_on", arguments: "{}" },
    { type: "function_call_output", call_id: "c1", output: "done" },
  ]);
  const settings = {
    ...noSettings,
    instructions: "Be brief",
    temperature: 0,
    schema: '{"type":"object"}',
    tools: "no",
  };
  const request = requestFor({ ...content, settings }, "q1", { keeps: false, awayMs: 5 });
  assert.deepEqual(request, {
    model: "default",
    input: [{ role: "user", content: "Light on" }],
    store: false,
    include: ["hearth.progress"],
    max_away_ms: 5,
    instructions: "Be brief",
    temperature: 0,
    text: { format: { type: "json_schema", name: "answer", schema: { type: "object" } } },
  });
});

test("what two devices made of a chat is one chat with all of it", () => {
  const base = chat(user("q1", null));
  const mine = withNode(base, assistant("a1", "q1", { status: "waiting", parts: [] }), "a1");
  const theirs = withNode(withNode(base, assistant("a1", "q1"), "a1"), user("q2", "a1"), "q2");
  const both = merge(mine, theirs);
  assert.deepEqual(
    both.nodes.map(({ id }) => id),
    ["q1", "q2", "a1"],
  );
  assert.equal(both.leaf, "q2");
  const answer = both.nodes.find(({ id }) => id === "a1");
  assert.equal(answer?.role === "assistant" && answer.status, "completed");
});

test("an answer that one device gave up does not replace the one that another device has whole", () => {
  const base = chat(user("q1", null));
  const givenUp = withNode(base, assistant("a1", "q1", { status: "cancelled", parts: [] }), "a1");
  const whole = withNode(base, assistant("a1", "q1"), "a1");
  for (const both of [merge(givenUp, whole), merge(whole, givenUp)]) {
    const answer = both.nodes.find(({ id }) => id === "a1");
    assert.equal(answer?.role === "assistant" && answer.status, "completed");
  }
});

test("a chat comes back from its file as it was, and a file of something else is none", () => {
  const content = chat(user("q1", null, "Hi"), assistant("a1", "q1"));
  const file = toFile([{ id: "chat_1", title: "Hello", revision: 3, updatedAt: 5, content }]);
  assert.deepEqual(fromFile(file), [{ title: "Hello", content }]);
  for (const bad of ["", "[]", "{}", '{"format":"hearth-chats","chats":[{"content":{"nodes":3}}]}', "null"]) {
    assert.equal(fromFile(bad), null, bad);
  }
});

test("a chat that goes in circles ends, and a title is short", () => {
  const circle = [user("a", "b"), user("b", "a")];
  assert.equal(pathTo(circle, "a").length, 2);
  leafBelow(circle, "a");
  assert.equal([...titleOf(chat(user("q", null, "word ".repeat(50))))].length, 60);
});

test("events that come twice, as after a lost connection, change an answer once", () => {
  const answer = newAnswer(0);
  const item = { type: "message", content: [] };
  const events = [
    { type: "response.created", sequence_number: 0, response: { id: "resp_1", model: "spark" } },
    { type: "response.output_item.added", sequence_number: 1, output_index: 0, item },
    { type: "response.output_text.delta", sequence_number: 2, output_index: 0, delta: "Hel" },
    { type: "response.output_text.delta", sequence_number: 3, output_index: 0, delta: "lo" },
  ];
  for (const event of [...events, ...events.slice(1), ...events]) take(answer, event, 10);
  assert.deepEqual(keptParts(answer), [{ kind: "text", text: "Hello" }]);
  assert.equal(answer.lastNumber, 3);
  assert.equal(answer.responseId, "resp_1");
});
