/** The request that has a branch of a chat answered. Pure. */
import { type ChatContent, inputFor, pathTo } from "./tree.js";

export interface RequestOptions {
  /** The server may keep the response for when this page was away. */
  readonly keeps: boolean;
  /** How long the response goes on while the page is away, in milliseconds. */
  readonly awayMs: number;
}

/** `leaf`: the message to be answered. Schemas and tools that are no JSON are left out; the settings show that they are wrong. */
export function requestFor({ nodes, settings }: ChatContent, leaf: string, { keeps, awayMs }: RequestOptions): object {
  const { model, instructions, temperature, topP, maxTokens, seed, effort } = settings;
  const schema = parseJson(settings.schema);
  const tools = parseJson(settings.tools);
  return {
    model: model ?? "default",
    input: inputFor(pathTo(nodes, leaf)),
    store: keeps,
    include: ["hearth.progress"],
    max_away_ms: awayMs,
    ...(instructions !== "" && { instructions }),
    ...(temperature !== null && { temperature }),
    ...(topP !== null && { top_p: topP }),
    ...(maxTokens !== null && { max_output_tokens: maxTokens }),
    ...(seed !== null && { seed }),
    ...(effort !== null && { reasoning: { effort } }),
    ...(isObject(schema) && { text: { format: { type: "json_schema", name: "answer", schema } } }),
    ...(Array.isArray(tools) && { tools }),
  };
}

/** undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return text.trim() === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
