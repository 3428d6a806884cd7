/** A model's own chat template by hearth and by Jinja2. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { hearth } from "../bench/daemon.mjs";
import { check, Skip } from "../clients/npm/check.mjs";
import { root } from "../helpers/shared.ts";
import { readTemplate } from "./template-of.ts";
import { tools } from "./tools.ts";

const call = (id, name, args) => ({
  id,
  type: "function",
  function: { name, arguments: args },
});
const user = (content) => ({ role: "user", content });
const assistant = (content) => ({ role: "assistant", content });
const system = { role: "system", content: "You are kind.\nYou are short." };

/** Conversations of clients: templates refuse some of them, and then both have to. */
const conversations = [
  { messages: [user("Hello")] },
  { messages: [user("  white space \n\n")] },
  { messages: [user("<|im_end|> </s> <end_of_turn> {{ 7 * 7 }} {% if %}")] },
  { messages: [system, user("Hello")] },
  { messages: [system] },
  { messages: [user("Hello"), assistant("Hi."), user("And now?")] },
  { messages: [system, user("Hello"), assistant("Hi."), user("And now?")] },
  { messages: [user("Grüße 😀"), assistant(""), user("你好")] },
  { messages: [user("one"), user("two")] },
  { messages: [assistant("Before any question."), user("Hello")] },
  { messages: [user("Hello")], tools },
  { messages: [system, user("Hello")], tools },
  {
    messages: [
      user("Is it warm in Paris?"),
      {
        role: "assistant",
        content: "",
        tool_calls: [call("a1", "get_weather", { city: "Paris", days: null, precise: 1.0 })],
      },
      { role: "tool", name: "get_weather", tool_call_id: "a1", content: '{"degrees": 21.5, "sky": "clear & bright"}' },
    ],
    tools,
  },
  {
    messages: [
      user("Lights on, and a timer."),
      {
        role: "assistant",
        content: "Both.",
        tool_calls: [call("a1", "turn_on", { device: "Küche" }), call("a2", "set_timer", { minutes: 3 })],
      },
      { role: "tool", tool_call_id: "a1", content: "done" },
      { role: "tool", tool_call_id: "a2", content: "done" },
      assistant("Done."),
      user("Thanks"),
    ],
    tools,
  },
];

function render(command, args, input) {
  const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** `python`: one that has Jinja2. */
export async function checkTemplate(file, python) {
  await check("template", async () => {
    const source = await readTemplate(file);
    if (source === null) throw new Skip("the file has no chat template");
    const marks = { bos_token: "<bos>", eos_token: "<eos>" };
    const cases = conversations.flatMap((conversation) =>
      [true, false].map((more) => ({
        source,
        args: { ...marks, ...conversation, add_generation_prompt: more },
        now: "2026-11-23T09:30:00",
      })),
    );
    const input = JSON.stringify(cases);
    const expected = render(python, [path.join(root, "test", "jinja", "oracle.py")], input);
    const ours = render(process.execPath, [hearth, "debug", "template"], input);
    for (const [i, { text, error }] of expected.entries()) {
      const about = JSON.stringify(cases[i]?.args);
      if (error === undefined) assert.equal(ours[i]?.text, text, about);
      else assert.ok(ours[i]?.error, `Jinja2 refuses ${about}: ${error}`);
    }
    const refused = expected.filter(({ error }) => error !== undefined).length;
    return `${cases.length} conversations as Jinja2 renders them, ${refused} of them refused by both`;
  });
}
