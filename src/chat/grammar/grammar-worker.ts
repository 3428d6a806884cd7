/** The thread behind GrammarThread: writes the grammars that it is asked for. */
import { type ErrorCode, HearthError } from "../../base/errors.js";
import { answerOrders } from "../../base/worker-script.js";
import { type AnswerShape, answerGrammar } from "./answer.js";

/** `fault`: an error that is none of the catalogue, as a text. */
export type GrammarAnswer =
  | { readonly gbnf: string | null }
  | { readonly code: ErrorCode; readonly message: string; readonly param: string | null }
  | { readonly fault: string };

function write(shape: AnswerShape): GrammarAnswer {
  try {
    return { gbnf: answerGrammar(shape) };
  } catch (error) {
    if (error instanceof HearthError) return { code: error.code, message: error.message, param: error.param };
    if (error instanceof RangeError) {
      // The stack is full, or a text is longer than any may be.
      return { code: "GRAMMAR_TOO_COMPLEX", message: "The schemas of the request nest too deeply.", param: null };
    }
    return { fault: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

answerOrders(write);
