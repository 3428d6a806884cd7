/** Compiled grammars by their text: what one request learned of a schema, the next ones know. */
import type { Grammar, Model } from "../engine/contract.js";

/** Each keeps up to some megabytes of what it has learned. */
const maxGrammars = 16;

export class GrammarCache {
  readonly #model: Model;
  readonly #grammars = new Map<string, Promise<Grammar>>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** Rejects with GRAMMAR_INVALID or GRAMMAR_TOO_COMPLEX. */
  async get(gbnf: string): Promise<Grammar> {
    const grammar = this.#grammars.get(gbnf) ?? this.#model.compileGrammar(gbnf);
    this.#grammars.delete(gbnf);
    this.#grammars.set(gbnf, grammar); // now the last one to go
    for (const oldest of this.#grammars.keys()) {
      if (this.#grammars.size <= maxGrammars) break;
      this.#grammars.delete(oldest);
    }
    try {
      return await grammar;
    } catch (error) {
      this.#grammars.delete(gbnf);
      throw error;
    }
  }
}
