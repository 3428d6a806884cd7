/** Answers in JSON that would go round in circles for ever: the loop is left, and what was asked for is complete. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { loadSpark, Speaker, schemaGrammar } from "./spark.js";

const order = {
  type: "object",
  properties: {
    room: { type: "string" },
    level: { type: "number" },
    tags: { type: "array", items: { type: "string" } },
    rows: {
      type: "array",
      items: {
        type: "object",
        properties: { id: { type: "integer" }, name: { enum: ["a", "b"] } },
        required: ["id", "name"],
        additionalProperties: false,
      },
    },
    state: { enum: ["on", "off"] },
  },
  required: ["room", "level", "tags", "rows", "state"],
  additionalProperties: false,
};

/** Texts whose tokens the model likes above all others. */
const obsessions: readonly (readonly string[])[] = [
  ["a"],
  [" the"],
  ["0"],
  ["a", " the"],
  [","],
  ["\n"],
  ["{"],
  ["-"],
  ["9", ","],
];

for (const texts of obsessions) {
  test(`JSON of a model that says nothing but ${JSON.stringify(texts)} is complete and holds its schema`, async (t) => {
    const model = await loadSpark();
    const prompt = "<|im_start|>user\nThe kitchen as JSON<|im_end|>\n<|im_start|>assistant\n";
    const speaker = await Speaker.open(t, model, prompt);
    const ids = await Promise.all(
      texts.map(async (text) =>
        (await new Tokenizer(model).encode(text, { addSpecial: false, parseSpecial: false })).at(-1),
      ),
    );
    const grammar = await model.compileGrammar(schemaGrammar(order));
    const validate = new Ajv2020().compile(order);
    const logitBias = ids.map((id) => [id ?? 0, 60] as const);
    const sampling = { temperature: 0, logitBias, loopRepeats: 24, loopTokens: 128 };
    const answer = await speaker.say(grammar, 1, 1800, sampling);
    assert.ok(answer.finished, answer.text);
    assert.ok(validate(JSON.parse(answer.text)), answer.text);
  });
}
