/** Answers that are no JSON: one of several texts, or what a regular expression matches. Nothing stands before or behind them. */
import { HearthError } from "../../base/errors.js";
import { choice, type GrammarWriter, literal } from "./gbnf.js";
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
