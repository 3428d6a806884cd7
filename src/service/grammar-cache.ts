/** Compiled grammars by what they were asked as: what one request learned of a schema, the next ones know. */
import { checkFormat, type OutputFormat, type RestrictingFormat, toGbnf } from "../chat/grammar/format.js";
import type { Grammar, Model } from "../engine/contract.js";

/** Each keeps up to some megabytes of what it has learned. */
const maxGrammars = 16;

export class GrammarCache {
  readonly #model: Model;
  readonly #grammars = new Map<string, Promise<Grammar>>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** null: anything may be said. Rejects with SCHEMA_UNSUPPORTED, GRAMMAR_INVALID or GRAMMAR_TOO_COMPLEX. */
  async get(format: OutputFormat | undefined): Promise<Grammar | null> {
    if (!format || format.type === "text") return null;
    checkFormat(format);
    const key = JSON.stringify(format);
    const grammar = this.#grammars.get(key) ?? this.#compile(format);
    this.#grammars.delete(key);
    this.#grammars.set(key, grammar); // now the last one to go
    for (const oldest of this.#grammars.keys()) {
      if (this.#grammars.size <= maxGrammars) break;
      this.#grammars.delete(oldest);
    }
    try {
      return await grammar;
    } catch (error) {
      this.#grammars.delete(key);
      throw error;
    }
  }

  async #compile(format: RestrictingFormat): Promise<Grammar> {
    return this.#model.compileGrammar(toGbnf(format));
  }
}
