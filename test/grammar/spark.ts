/** Spark in this process, for tests of what a grammar lets a model say. */
import path from "node:path";
import type { TestContext } from "node:test";
import { answerGrammar } from "../../src/chat/grammar/answer.js";
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import type { Engine, Grammar, Model, SamplerOptions } from "../../src/engine/contract.js";
import { stepAlone } from "../../src/engine/step-alone.js";
import { greedy } from "../helpers/scheduler.js";
import { root } from "../helpers/shared.js";

const sparkFile = path.join(root, "models", "spark", "spark-q8_0.gguf");

export const loadSpark = (): Promise<Model> => loadEngineModule().loadModel(sparkFile, { vocabularyOnly: false });

/** The grammar of JSON that matches, as a request with `strict` gets it. */
export function schemaGrammar(schema: unknown, strict = true): string {
  const shape = {
    tools: [],
    family: null,
    several: true,
    begun: null,
    reasoning: null,
    inReasoning: false,
    specialTokens: [],
  };
  return answerGrammar({ ...shape, format: { type: "json_schema", schema, strict } }) ?? "";
}

export interface Answer {
  readonly text: string;
  /** The model ended it; else its tokens ran out. */
  readonly finished: boolean;
}

export class Speaker {
  readonly #model: Model;
  readonly #engine: Engine;
  readonly #prompt: Int32Array;

  private constructor(model: Model, engine: Engine, prompt: Int32Array) {
    this.#model = model;
    this.#engine = engine;
    this.#prompt = prompt;
  }

  static async open(t: TestContext, model: Model, prompt: string): Promise<Speaker> {
    const engine = await loadEngineModule().createEngine(model, {
      threads: 1,
      decodeThreads: 0,
      maxSequences: 1,
      contextTokens: 2048,
      kvTokens: 0,
      maxBatchTokens: 256,
      isa: "",
    });
    t.after(() => engine.close());
    const tokens = await new Tokenizer(model).encode(prompt, { addSpecial: true, parseSpecial: true });
    return new Speaker(model, engine, tokens);
  }

  /** One answer within the grammar. Throws when no token leads on. */
  async say(
    grammar: Grammar,
    seed: number,
    maxTokens: number,
    sampling: Partial<SamplerOptions> = {},
  ): Promise<Answer> {
    const sampler = { ...greedy, temperature: 1.5, ...sampling, seed, grammar, grammarFrom: this.#prompt.length };
    const sequence = this.#engine.openSequence(sampler);
    const answer: number[] = [];
    try {
      let tokens = this.#prompt;
      for (;;) {
        const { tokens: drawn, stopped } = await stepAlone(this.#engine, { sequence, tokens, sample: true });
        const [token] = drawn;
        if (token === undefined) throw new Error(`${stopped} after ${JSON.stringify(this.#text(answer, false))}`);
        const finished = this.#model.info.tokenizer.endOfGeneration.includes(token);
        if (finished || answer.length >= maxTokens) return { text: this.#text(answer, finished), finished };
        answer.push(token);
        tokens = Int32Array.of(token);
      }
    } finally {
      this.#engine.closeSequence(sequence);
    }
  }

  /** An answer that was cut may end within a character. */
  #text(tokens: readonly number[], whole: boolean): string {
    return new TextDecoder("utf-8", { fatal: whole }).decode(this.#model.decode(Int32Array.from(tokens), false));
  }
}
