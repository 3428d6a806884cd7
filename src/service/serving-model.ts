/** A model that answers requests: its weights, its engine and scheduler, and how it is asked. */
import type { PromptBuilder } from "../chat/prompt.js";
import type { Engine, Model } from "../engine/contract.js";
import type { Scheduler } from "../scheduler/scheduler.js";
import type { Overflow } from "./conversation-truncation.js";
import type { GrammarCache } from "./grammar-cache.js";
import type { ModelDefaults } from "./model-defaults.js";
import type { PromptLimit } from "./prompt-limit.js";

export interface ServingModel {
  readonly model: Model;
  readonly engine: Engine;
  readonly scheduler: Scheduler;
  readonly prompts: PromptBuilder;
  readonly promptLimit: PromptLimit;
  readonly overflow: Overflow;
  /** An answer ends with so many calls that are the same, and is words after so many rounds of them; 0: never. */
  readonly callRepeats: number;
  readonly grammars: GrammarCache;
  readonly defaults: ModelDefaults;
}
