/** Compiled grammars by their text, and texts by what was asked for: what one request learned of a schema, the next ones know. */
import { type AnswerShape, answerGrammar } from "../chat/grammar/answer.js";
import { checkFormatSize } from "../chat/grammar/format.js";
import type { Grammar, Model } from "../engine/contract.js";

/** Each keeps up to some megabytes of what it has learned. */
const maxGrammars = 16;

export class GrammarCache {
  readonly #model: Model;
  readonly #grammars = new Map<string, Promise<Grammar>>();
  readonly #texts = new Map<string, string | null>(); // by shape

  constructor(model: Model) {
    this.#model = model;
  }

  /** null where anything may be said. Rejects with SCHEMA_UNSUPPORTED, GRAMMAR_INVALID or GRAMMAR_TOO_COMPLEX. */
  async forAnswer(shape: AnswerShape): Promise<Grammar | null> {
    if (shape.tools.length === 0 && shape.format.type === "text") return null;
    const gbnf = this.#textOf(shape);
    return gbnf === null ? null : this.get(gbnf);
  }

  #textOf(shape: AnswerShape): string | null {
    checkFormatSize(shape.format);
    // The special tokens are the model's, and the same each time.
    const key = JSON.stringify({ ...shape, specialTokens: null });
    const known = this.#texts.get(key);
    const text = known === undefined ? answerGrammar(shape) : known;
    keepNewest(this.#texts, key, text);
    return text;
  }

  /** Rejects with GRAMMAR_INVALID or GRAMMAR_TOO_COMPLEX. */
  async get(gbnf: string): Promise<Grammar> {
    const grammar = this.#grammars.get(gbnf) ?? this.#model.compileGrammar(gbnf);
    keepNewest(this.#grammars, gbnf, grammar);
    try {
      return await grammar;
    } catch (error) {
      this.#grammars.delete(gbnf);
      throw error;
    }
  }
}

/** Puts it last in the line of those that go. */
function keepNewest<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxGrammars) break;
    map.delete(oldest);
  }
}
