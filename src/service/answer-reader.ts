/** Tokens of an answer to what may be shown of it: whole characters, calls and reasoning apart, nothing of a stop text. */
import type { AnswerEvent } from "../chat/answers/events.js";
import type { AnswerEnd } from "../chat/answers/parser.js";
import { Detokenizer } from "../chat/detokenizer.js";
import type { Prompt } from "../chat/prompt.js";
import { TextMatcher } from "../chat/text-matcher.js";
import type { Model } from "../engine/contract.js";

export interface AnswerReaderOptions {
  readonly prompt: Prompt;
  /** Control tokens that the prompt's parser looks for. */
  readonly visible: ReadonlySet<number>;
  /** Texts that end the answer. They count in its text only: reasoning and arguments may hold them. */
  readonly stop: readonly string[];
}

export class AnswerReader {
  readonly #detokenizer: Detokenizer;
  readonly #parser: Prompt["parser"];
  readonly #toolNames: Prompt["toolNames"];
  readonly #stops: TextMatcher;
  #stopped = false;

  constructor(model: Model, { prompt, visible, stop }: AnswerReaderOptions) {
    this.#detokenizer = new Detokenizer(model, { startsText: prompt.startsText, visible });
    this.#parser = prompt.parser;
    this.#toolNames = prompt.toolNames;
    this.#stops = new TextMatcher(stop);
  }

  /** The answer is over: a stop text came, or something behind calls that is none. */
  get stopped(): boolean {
    return this.#stopped || this.#parser?.isOver === true;
  }

  /** The model wants to call a tool that there is not, and has said nothing else. */
  get namesNoTool(): boolean {
    return this.#parser?.namesNoTool ?? false;
  }

  get inReasoning(): boolean {
    return this.#parser?.inReasoning ?? false;
  }

  push(token: number): AnswerEvent[] {
    return this.#filter(this.#parse(this.#detokenizer.push(Int32Array.of(token))));
  }

  /** The events of the text that was held back when the answer ended, by itself or cut by a limit. */
  flush(end: AnswerEnd): AnswerEvent[] {
    const rest = [...this.#parse(this.#detokenizer.flush()), ...(this.#parser?.finish(end) ?? [])];
    const events = this.#filter(rest);
    return this.#stopped ? events : [...events, ...asText(this.#stops.flush())];
  }

  #parse(text: string): AnswerEvent[] {
    return this.#parser ? this.#parser.push(text) : asText(text);
  }

  /** With the tool's name as the client knows it. */
  #named(event: AnswerEvent): AnswerEvent {
    return event.type === "call" ? { ...event, name: this.#toolNames.given(event.name) } : event;
  }

  #filter(events: readonly AnswerEvent[]): AnswerEvent[] {
    const shown: AnswerEvent[] = [];
    for (const event of events) {
      if (event.type !== "text") {
        shown.push(...asText(this.#stops.flush()), this.#named(event));
        continue;
      }
      const { text, match } = this.#stops.push(event.text);
      shown.push(...asText(text));
      if (match === null) continue;
      this.#stopped = true;
      break;
    }
    return shown;
  }
}

const asText = (text: string): AnswerEvent[] => (text === "" ? [] : [{ type: "text", text }]);
