/** Answers of a model through a daemon: calls of tools, JSON of schemas, and answers that would go round in circles. */
import assert from "node:assert/strict";
import { Ajv } from "ajv";
import { Tokenizer } from "../../src/chat/tokenizer.ts";
import { loadEngineModule } from "../../src/engine/binding.ts";
import { startDaemon } from "../bench/daemon.mjs";
import { check, Skip } from "../clients/npm/check.mjs";
import { schemas } from "./schemas.ts";
import { readTemplate } from "./template-of.ts";
import { orders, tools } from "./tools.ts";

/** `limits.loop_repeats`, and the token that is seen before the answer ends. */
const mostRepeats = 25;
const loops = [
  { prompt: "ha ".repeat(60), name: "one word" },
  { prompt: "yes no ".repeat(40), name: "two words" },
  { prompt: "The list: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,", name: "a row of numbers" },
  { prompt: "Once upon a time", name: "prose without an end" },
];

const limitSeconds = 500;
const ajv = new Ajv({ strict: false });

async function post({ url }, route, body) {
  const response = await fetch(`${url}/v1/${route}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model: "default", ...body }),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer.choices[0];
}

export async function checkAnswers(file) {
  const daemon = await startDaemon(file, { HEARTH_CONFIG: "/dev/null" });
  try {
    await check("tools", () => checkTools(daemon, file), limitSeconds);
    await check("schemas", () => checkSchemas(daemon), limitSeconds);
    await check("loops", () => checkLoops(daemon, file), limitSeconds);
    const errors = daemon.log.filter(({ level }) => level === "error" || level === "fatal");
    await check("no error in hearth's log", () => assert.deepEqual(errors, []));
  } finally {
    await daemon.stop();
  }
}

/** With five tools and the choice left to the model, every order becomes a call that holds its schema. */
async function checkTools(daemon, file) {
  if (!/\btools\b/.test((await readTemplate(file)) ?? "")) throw new Skip("the model's template has no tools");
  let right = 0;
  const lost = [];
  for (const { tool, text } of orders) {
    const messages = [{ role: "user", content: text }];
    const { message } = await post(daemon, "chat/completions", { messages, tools, temperature: 0, max_tokens: 120 });
    const called = message.tool_calls?.[0]?.function;
    if (called === undefined) {
      lost.push(`${text} ${message.content}`);
      continue;
    }
    const offered = tools.find((each) => each.function.name === called.name);
    assert.ok(offered !== undefined, `no tool ${called.name} was offered`);
    assert.ok(ajv.validate(offered.function.parameters, JSON.parse(called.arguments)), `${text} ${called.arguments}`);
    if (called.name === tool) right++;
  }
  assert.deepEqual(lost, []);
  return `${orders.length} of ${orders.length} calls, ${right} of the right tool`;
}

/** At a temperature that tempts, the JSON parses and holds. */
async function checkSchemas(daemon) {
  const answers = Object.entries(schemas).flatMap(([name, schema]) => [1, 2].map((seed) => ({ name, schema, seed })));
  for (const { name, schema, seed } of answers) {
    const choice = await post(daemon, "chat/completions", {
      messages: [{ role: "user", content: `Write an example of: ${name}. Answer in JSON.` }],
      response_format: { type: "json_schema", json_schema: { name, strict: true, schema } },
      temperature: 1,
      seed,
      max_tokens: 600,
    });
    assert.equal(choice.finish_reason, "stop", `${name}: ${choice.message.content}`);
    const value = JSON.parse(choice.message.content);
    assert.ok(ajv.validate(schema, value), `${name}: ${choice.message.content}: ${ajv.errorsText()}`);
  }
  return `${answers.length} answers parse and hold their schemas`;
}

/** No answer says one token, or two in turn, more often than the limit. */
async function checkLoops(daemon, file) {
  const tokenizer = new Tokenizer(await loadEngineModule().loadModel(file, { vocabularyOnly: true }));
  const lengths = [];
  for (const { prompt, name } of loops) {
    const { text } = await post(daemon, "completions", { prompt, temperature: 0, max_tokens: 300 });
    const ids = await tokenizer.encode(text, { addSpecial: false, parseSpecial: false });
    const runs = [1, 2].map((period) => longestRun(ids, period));
    assert.ok(Math.max(...runs) <= mostRepeats, `${name}: ${text}`);
    lengths.push(ids.length);
  }
  return `answers of ${lengths.join(", ")} tokens, none of which repeats a token more than 24 times`;
}

/** How often the same `period` tokens come in a row at most. */
function longestRun(ids, period) {
  let longest = 0;
  let same = 0;
  for (let i = period; i < ids.length; i++) {
    same = ids[i] === ids[i - period] ? same + 1 : 0;
    longest = Math.max(longest, Math.floor(same / period) + 1);
  }
  return longest;
}
