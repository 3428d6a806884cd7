/** Compiled grammars by their text, and texts by what was asked for: what one request learned of a schema, the next ones know. */
import { type AnswerShape, answerGrammar, checkShapeSize } from "../chat/grammar/answer.js";
import { type GrammarCompiler, inlineCompiler } from "../chat/grammar/grammar-thread.js";
import type { Grammar, Model } from "../engine/contract.js";

/** Each keeps up to some megabytes of what it has learned. */
const maxGrammars = 16;

export class GrammarCache {
  readonly #model: Model;
  readonly #compiler: GrammarCompiler;
  readonly #grammars = new Map<string, Promise<Grammar>>();
  readonly #texts = new Map<string, Promise<string | null>>(); // by shape

  /** `compiler`: by default on the caller's thread. */
  constructor(model: Model, compiler: GrammarCompiler = inlineCompiler) {
    this.#model = model;
    this.#compiler = compiler;
  }

  /** null where anything may be said. Rejects with SCHEMA_UNSUPPORTED, REQUEST_INVALID, GRAMMAR_INVALID or GRAMMAR_TOO_COMPLEX. */
  async forAnswer(shape: AnswerShape): Promise<Grammar | null> {
    const { tools, format, withoutCalls = false } = shape;
    if (tools.length === 0 && format.type === "text" && !withoutCalls) return null;
    // Nobody's schema is in it.
    const isPlain = tools.length === 0 && format.type !== "json_schema";
    const gbnf = isPlain ? answerGrammar(shape) : await this.#textOf(shape);
    return gbnf === null ? null : this.get(gbnf);
  }

  #textOf(shape: AnswerShape): Promise<string | null> {
    checkShapeSize(shape);
    // The special tokens are the model's, and the same each time.
    const key = JSON.stringify({ ...shape, specialTokens: null });
    return remembered(this.#texts, key, () => this.#compiler.compile(shape, key.length));
  }

  /** Rejects with GRAMMAR_INVALID or GRAMMAR_TOO_COMPLEX. */
  get(gbnf: string): Promise<Grammar> {
    return remembered(this.#grammars, gbnf, () => this.#model.compileGrammar(gbnf));
  }
}

/** The newest ones stay. Who asks while it is made waits for the same; what failed is made again. */
async function remembered<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxGrammars) break;
    map.delete(oldest);
  }
  try {
    return await value;
  } catch (error) {
    if (map.get(key) === value) map.delete(key);
    throw error;
  }
}
