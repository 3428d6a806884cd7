/** Tokens of an answer to text that may be shown: whole characters, and nothing that could become a stop text. */
import { Detokenizer } from "../chat/detokenizer.js";
import { StopMatcher } from "../chat/stop-matcher.js";
import type { Model } from "../engine/contract.js";

export class AnswerText {
  readonly #detokenizer: Detokenizer;
  readonly #stops: StopMatcher;
  #stopped = false;

  constructor(model: Model, options: { startsText: boolean; stop: readonly string[] }) {
    this.#detokenizer = new Detokenizer(model, options);
    this.#stops = new StopMatcher(options.stop);
  }

  /** A stop text came: the answer is over. */
  get stopped(): boolean {
    return this.#stopped;
  }

  push(token: number): string {
    return this.#filter(this.#detokenizer.push(Int32Array.of(token)));
  }

  /** What was held back when the answer ended by itself. */
  flush(): string {
    const rest = this.#filter(this.#detokenizer.flush());
    return this.#stopped ? rest : rest + this.#stops.flush();
  }

  #filter(piece: string): string {
    const { text, stop } = this.#stops.push(piece);
    if (stop !== null) this.#stopped = true;
    return text;
  }
}
