/**
 * Orders to a chat template, as data that goes to another thread and back: a template is opened once when its model loads, and
 * rendered for every conversation. Does the work itself, wherever it is called (template-worker.ts, and tests).
 */
import { getHeapStatistics } from "node:v8";
import { HearthError } from "../base/errors.js";
import { type AnswerFormat, detectFormat, toolFormatNamed } from "./answers/formats.js";
import { Budget } from "./jinja/budget.js";
import { LimitError } from "./jinja/errors.js";
import { ChatTemplate, type TemplateLimits, TemplateRefusal, templateLimits } from "./template.js";
import { probeTemplate, type TemplateTraits } from "./template-traits.js";

/** A template's source and how it runs. */
export interface TemplateSource {
  readonly source: string;
  /** Milliseconds since 1970: the time for templates that write the date. */
  readonly now: number;
  readonly limits?: TemplateLimits;
}

export interface OpenOrder extends TemplateSource {
  readonly kind: "open";
  /** BOS and EOS as templates know them. */
  readonly tokens: Readonly<Record<string, string>>;
  /** The texts of the vocabulary's special tokens. */
  readonly specialTexts: readonly string[];
}

export interface RenderOrder extends TemplateSource {
  readonly kind: "render";
  /** JSON's values; see jinja/convert.ts for what a float is. */
  readonly variables: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;
}

export type TemplateOrder = OpenOrder | RenderOrder;

/** An answer's format without its functions. */
interface FormatNames extends Omit<AnswerFormat, "tools"> {
  readonly tools: string;
}

export interface Opened {
  readonly traits: TemplateTraits;
  readonly format: FormatNames;
  /** The special tokens whose text stands in the template. */
  readonly written: readonly string[];
}

export type TemplateAnswer =
  | { readonly text: string }
  | { readonly opened: Opened }
  | {
      readonly failure: string;
      /** The template's own words where it refused the messages. */
      readonly refusal: string | null;
    };

/** Templates of the models that are loaded; parsing again costs little. */
const keptTemplates = 4;
const parsed: ChatTemplate[] = [];
let now = 0;

/** Never throws. */
export function execute(order: TemplateOrder): TemplateAnswer {
  now = order.now;
  try {
    if (order.kind === "open") return { opened: open(order) };
    return { text: templateOf(order).render(order.variables, new Budget(order.limits ?? templateLimits, checkHeap)) };
  } catch (error) {
    const refusal = error instanceof TemplateRefusal ? error.reason : null;
    return { failure: error instanceof Error ? error.message : String(error), refusal };
  }
}

function templateOf({ source, limits = templateLimits }: TemplateSource): ChatTemplate {
  const known = parsed.find((template) => template.source === source);
  if (known) return known;
  const template = new ChatTemplate(source, {
    limits,
    now: () => new Date(now),
    budget: new Budget(limits, checkHeap),
  });
  parsed.unshift(template);
  parsed.length = Math.min(parsed.length, keptTemplates);
  return template;
}

function open({ source, tokens, specialTexts, limits = templateLimits }: OpenOrder): Opened {
  // One budget for all of it: a model whose template takes long is not loaded.
  const budget = new Budget(limits, checkHeap);
  const template = new ChatTemplate(source, { limits, now: () => new Date(now), budget });
  const format = detectFormat(source, specialTexts);
  const written = specialTexts.filter((text) => {
    budget.step(1 + Math.ceil(source.length / 1024));
    return source.includes(text);
  });
  return {
    traits: probeTemplate(template, tokens, budget),
    format: { ...format, tools: format.tools.name },
    written,
  };
}

/** The format that the names stand for. */
export function formatOf({ tools, ...rest }: FormatNames): AnswerFormat {
  return { ...rest, tools: toolFormatNamed(tools) };
}

/** The share of this thread's heap that may be in use: the rest is room for the largest single text. */
const heapShare = 0.7;

/** On the daemon's thread for templates; elsewhere there is no limit that would mean anything. */
function checkHeap(): void {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  if (limit <= maxHeapBytes && used > limit * heapShare) throw new LimitError("needs too much memory");
}

/** Heaps up to that size are limited on purpose. */
const maxHeapBytes = 512 * 1024 * 1024;

/** The failure as an error: CHAT_TEMPLATE_FAILED. */
export function failureOf({ failure, refusal }: { failure: string; refusal: string | null }): HearthError {
  if (refusal === null) return new HearthError("CHAT_TEMPLATE_FAILED", failure);
  return new TemplateRefusal(failure, refusal);
}
