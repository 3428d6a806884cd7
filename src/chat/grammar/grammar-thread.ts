/**
 * Writes grammars on a thread of its own: what a schema of a few kilobytes takes to compile nobody can tell beforehand, and
 * the event loop must not find out. The thread starts with the first schema.
 */
import { HearthError } from "../../base/errors.js";
import { WorkerFailure, WorkerHost, type WorkerLimits } from "../../base/worker-host.js";
import { type AnswerShape, answerGrammar } from "./answer.js";
import type { GrammarAnswer } from "./grammar-worker.js";

/** GrammarCompiler writes grammars in GBNF; null where anything may be said. */
export interface GrammarCompiler {
  /** `size`: in characters; smaller ones go first. Rejects with SCHEMA_UNSUPPORTED, GRAMMAR_TOO_COMPLEX, REQUEST_INVALID or SHUTTING_DOWN. */
  compile(shape: AnswerShape, size?: number): Promise<string | null>;
}

/** On the caller's thread: for tests and tools. */
export const inlineCompiler: GrammarCompiler = { compile: async (shape) => answerGrammar(shape) };

/** A large schema takes some ten milliseconds on a desktop, and ten times that on a small board. */
const usualLimits: WorkerLimits = { timeMs: 3000, heapMebibytes: 64, idleMs: 60_000 };

export class GrammarThread implements GrammarCompiler {
  readonly #host: WorkerHost<AnswerShape, GrammarAnswer>;
  readonly #limits: WorkerLimits;

  /** `script`: grammar-worker.ts, compiled. This file itself is bundled into another folder, beside dist/chat. */
  constructor(
    script = new URL("../chat/grammar/grammar-worker.js", import.meta.url),
    limits: WorkerLimits = usualLimits,
  ) {
    this.#host = new WorkerHost(script, limits);
    this.#limits = limits;
  }

  async compile(shape: AnswerShape, size = 0): Promise<string | null> {
    let answer: GrammarAnswer;
    try {
      answer = await this.#host.run(sendable(shape), { size });
    } catch (error) {
      throw this.#explain(error);
    }
    if ("gbnf" in answer) return answer.gbnf;
    if ("code" in answer) {
      throw new HearthError(answer.code, answer.message, answer.param === null ? {} : { param: answer.param });
    }
    throw new HearthError("INTERNAL", "A schema could not be compiled.", { cause: new Error(answer.fault) });
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  #explain(error: unknown): HearthError {
    const reason = error instanceof WorkerFailure ? error.reason : "ended";
    const seconds = this.#limits.timeMs / 1000;
    switch (reason) {
      case "closed":
        return new HearthError("SHUTTING_DOWN", "The daemon is stopping.");
      case "unsendable":
        return new HearthError("REQUEST_INVALID", "The schema is nested too deeply or too long.", { cause: error });
      case "time":
        return new HearthError("GRAMMAR_TOO_COMPLEX", `The schema takes more than ${seconds} seconds to compile.`);
      case "memory":
        return new HearthError("GRAMMAR_TOO_COMPLEX", "The schema takes too much memory to compile.");
      case "ended":
        return new HearthError("INTERNAL", "The thread that compiles schemas ended.", { cause: error });
    }
  }
}

/** A family's format brings functions along, which no other thread can have. */
function sendable(shape: AnswerShape): AnswerShape {
  if (!shape.family) return shape;
  const { name, opens, closes, isBare } = shape.family;
  return { ...shape, family: { name, opens, closes, ...(isBare && { isBare }) } };
}
