/** The thread behind TemplateThread: renders what it is sent, one conversation after the other. */
import { parentPort } from "node:worker_threads";
import { ChatTemplate, type TemplateLimits } from "./template.js";

export interface RenderOrder {
  readonly id: number;
  readonly source: string;
  readonly limits: TemplateLimits;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly variables: Readonly<Record<string, unknown>>;
}

export type RenderAnswer =
  | { readonly id: number; readonly text: string }
  | { readonly id: number; readonly failure: string };

let parsed: ChatTemplate | null = null; // one model's, mostly
let now = 0;

function render({ source, limits, variables }: RenderOrder): string {
  if (parsed?.source !== source) parsed = new ChatTemplate(source, limits, () => new Date(now));
  return parsed.render(variables);
}

parentPort?.on("message", (order: RenderOrder) => {
  const { id } = order;
  now = order.now;
  let answer: RenderAnswer;
  try {
    answer = { id, text: render(order) };
  } catch (error) {
    answer = { id, failure: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
