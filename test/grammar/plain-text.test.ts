/** Answers that are one of several texts, or match a regular expression: what the compiled grammars take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { answerGrammar } from "../../src/chat/grammar/answer.js";
import type { OutputFormat } from "../../src/chat/grammar/format.js";
import type { Model } from "../../src/engine/contract.js";
import { loadSpark } from "./spark.js";

let model: Model;
test.before(async () => {
  model = await loadSpark();
});

function grammarOf(format: OutputFormat) {
  const shape = { tools: [], family: null, several: true, begun: null, reasoning: null };
  return model.compileGrammar(answerGrammar({ ...shape, inReasoning: false, specialTokens: [], format }) ?? "");
}

test("a choice is one of its texts, whole, with nothing around it", async () => {
  const grammar = await grammarOf({ type: "choice", choices: ["on", "off", 'a "quoted"\n\\ é😀', "on and on"] });
  for (const text of ["on", "off", 'a "quoted"\n\\ é😀', "on and on"]) assert.equal(grammar.match(text), "whole", text);
  for (const text of [" on", "on ", "o", "onoff", "ON", ""]) assert.notEqual(grammar.match(text), "whole", text);
});

const patterns: readonly [pattern: string, whole: readonly string[], not: readonly string[]][] = [
  ["\\d{3}-\\d{4}", ["555-1234"], ["555-123", "x555-1234", "555-12345"]],
  ["on|off", ["on", "off"], ["onoff", "x", "on off"]],
  ["^(yes|no)$", ["yes", "no"], ["yesno", "maybe"]],
  ["[a-c]+\\.?", ["abc", "a."], ["", "d", "a.."]],
  ["a.c", ["abc", "aéc", 'a"c'], ["ac", "a\nc"]],
  ["(x{2}|y)*", ["", "xxy", "yxx"], ["x", "xyx"]],
];
for (const [pattern, whole, not] of patterns) {
  test(`the pattern ${pattern} matches whole answers and no others`, async () => {
    const grammar = await grammarOf({ type: "pattern", pattern });
    for (const text of whole) assert.equal(grammar.match(text), "whole", JSON.stringify(text));
    for (const text of not) assert.notEqual(grammar.match(text), "whole", JSON.stringify(text));
  });
}

test("what no grammar can say of a pattern is refused in words", () => {
  for (const pattern of ["(?=a)b", "(a)\\1", "\\bx", "(", "a)(b", "[z-a]", "(?<!x)y", "*"]) {
    assert.throws(
      () => grammarOf({ type: "pattern", pattern }),
      (error) => error instanceof HearthError && error.code === "GRAMMAR_INVALID" && /expression/.test(error.message),
      pattern,
    );
  }
});
