/** Answers that are no JSON: one of several texts, what a regular expression matches, or words. Nothing stands before or behind them. */
import { HearthError } from "../../base/errors.js";
import { single } from "./free-text.js";
import { characterClass, choice, type GrammarWriter, literal } from "./gbnf.js";
import { parseWholePattern } from "./pattern.js";
import { patternText, plainSpelling } from "./strings.js";

export function choicesRule(choices: readonly string[]): string {
  return choice(choices.map(literal));
}

/** The pattern has to match all of the text. GRAMMAR_INVALID for what it has that no grammar can say. */
export function patternRule(writer: GrammarWriter, source: string): string {
  const fail = (what: string): never => {
    throw new HearthError("GRAMMAR_INVALID", `The regular expression of the answer: ${what} is not supported.`);
  };
  const text = patternText(plainSpelling(), parseWholePattern(source, fail));
  return writer.rule("matching", text ?? fail("a pattern that no text matches"));
}

/** Every family begins its calls with one of these, and so do JSON, blocks of code and tags, in which models write calls too. */
const bracketsOfCalls = [..."<>{}[]`"].map(single);

/** A model that is kept from a bracket goes on with what stands behind it, in the result of a call that it would repeat. */
const neverFirst = [...bracketsOfCalls, ...[..."\"',:; \t\r\n"].map(single)];

/** A text that is no call and no piece of JSON, and has none in it. SentencePiece begins a text with a space. */
export function wordsRule(writer: GrammarWriter): string {
  const rest = writer.reserve("words");
  writer.define(rest, `"" | ${characterClass(bracketsOfCalls, true)} ${rest}`);
  return `" "? ${characterClass(neverFirst, true)} ${rest}`;
}
