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

/** With one of these every family begins its calls, and so do JSON, blocks of code and tags, as which models write calls too. */
const callBeginnings = [..."<{[`"].map(single);

/** A text that is no call, and has none in it. SentencePiece begins a text with a space. */
export function wordsRule(writer: GrammarWriter): string {
  const rest = writer.reserve("words");
  writer.define(rest, `"" | ${characterClass(callBeginnings, true)} ${rest}`);
  const first = characterClass([...callBeginnings, ...[..." \t\r\n"].map(single)], true);
  return `" "? ${first} ${rest}`;
}
