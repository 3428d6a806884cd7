import assert from "node:assert/strict";
import test from "node:test";
import type { AssistantNode } from "../../../../src/web/chat/tree.js";
import { watchResponse } from "../../../../src/web/chat/watch.js";
import type { ResponseObject } from "../../../../src/web/common/answer.js";

const figures = { inputTokens: null, cachedTokens: null, outputTokens: null, firstMs: null, tokensPerSecond: null };
const asked = (more: Partial<AssistantNode> = {}): AssistantNode => ({
  ...{ id: "a", parent: "q", at: 0, role: "assistant", status: "waiting", parts: [], responseId: null },
  ...{ model: null, error: null, reason: null, figures, ...more },
});
const response = (status: string, text: string): ResponseObject => ({
  ...{ id: "resp_1", model: "m", status, output: [{ type: "message", content: [{ text }] }] },
  ...{ usage: null, error: null, incomplete_details: null },
});

/** Watches with a clock that jumps over each rest. `chat` and `server` say what stands there at a time in ms. */
async function watch(
  first: AssistantNode,
  chat: (ms: number) => AssistantNode | null,
  server: (id: string, ms: number) => ResponseObject | "later" | null,
) {
  let now = first.at;
  const seen: string[] = [];
  const done = await watchResponse(
    first,
    {
      isWanted: () => now < first.at + 3_600_000,
      read: async () => chat(now - first.at),
      onParts: (parts) => seen.push(parts.map((part) => (part.kind === "call" ? "" : part.text)).join()),
    },
    {
      now: () => now,
      rest: async (ms) => {
        now += ms;
      },
      look: async (id) => server(id, now - first.at),
    },
  );
  return { done, seen, ms: now - first.at };
}

test("an answer without a name yet is waited for until its device names it, and shown while it grows", async () => {
  const { done, seen } = await watch(
    asked(),
    (ms) => asked({ responseId: ms < 30_000 ? null : "resp_1" }),
    (_id, ms) => response(ms < 33_000 ? "in_progress" : "completed", "word ".repeat(Math.floor(ms / 1000))),
  );
  assert.equal(done?.status, "completed");
  assert.ok(seen.length >= 2 && seen.every((text, i) => text.startsWith(seen[i - 1] ?? "")), String(seen));
});

test("an answer that its device put into the chat is taken from there", async () => {
  const whole = asked({ status: "completed", parts: [{ kind: "text", text: "all of it" }] });
  const gone = await watch(
    asked({ responseId: "resp_1" }),
    () => whole,
    () => null,
  );
  assert.equal(gone.done, whole);
});

test("an answer that its device asks for again after a restart is followed to its new name", async () => {
  const { done } = await watch(
    asked({ responseId: "resp_0" }),
    (ms) => asked({ responseId: ms < 10_000 ? "resp_0" : "resp_1" }),
    (id) => (id === "resp_0" ? null : response("completed", "again")),
  );
  assert.deepEqual(done?.parts, [{ kind: "text", text: "again" }]);
});

test("an answer that nobody names or knows any more is given up, and not at once", async () => {
  const nameless = await watch(
    asked(),
    () => asked(),
    () => null,
  );
  assert.equal(nameless.done?.status, "cancelled");
  assert.ok(nameless.ms >= 600_000, `${nameless.ms} ms`);
  const lost = await watch(
    asked({ responseId: "resp_0" }),
    () => asked({ responseId: "resp_0" }),
    () => null,
  );
  assert.equal(lost.done?.status, "cancelled");
  assert.ok(lost.ms >= 15_000 && lost.ms < 60_000, `${lost.ms} ms`);
});

test("a server that is away for a while ends nothing", async () => {
  const { done } = await watch(
    asked({ responseId: "resp_1" }),
    () => asked({ responseId: "resp_1" }),
    (_id, ms) => (ms < 600_000 ? "later" : response("completed", "late")),
  );
  assert.equal(done?.status, "completed");
});
