/** POST /v1/responses/compact and /v1/responses/input_tokens: a conversation made shorter, and its length. */
import type * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { ownerOf } from "../../net/api-key-auth.js";
import { demandOf } from "../../net/demand.js";
import type { Server } from "../../net/server.js";
import { closedSignal } from "../../net/streamed-answers.js";
import { parseAt } from "../../net/validate.js";
import { askedModel } from "../../service/generation.js";
import type { GenerationRequest, Message, Usage } from "../../service/types.js";
import { compactionItem } from "./compaction.js";
import { toConversation } from "./input.js";
import { newId, toUsage } from "./resource.js";
import { countSchema, createRequired, createSchema, parseCreate } from "./schema.js";
import { messagesBefore } from "./store.js";
import { Turn, type TurnDependencies } from "./turn.js";
import { turnClientOf } from "./turn-client.js";

const compactSchema = createSchema.pick({
  model: true,
  input: true,
  instructions: true,
  previous_response_id: true,
  prompt_cache_key: true,
});
type CompactRequest = z.infer<typeof compactSchema>;

const summaryRequest =
  "Summarize our conversation so far, so that it can be continued from your summary alone: what I asked for, what was found " +
  "out and done, names and numbers that matter, and what is still open. Write only the summary.";
/** A summary that is longer than this is none. */
const maxSummaryTokens = 1024;

export function routeCompact({ app }: Server, dependencies: TurnDependencies): void {
  const { store, clock } = dependencies;

  const compact = {
    api: { summary: "Makes a conversation shorter", body: compactSchema.meta(createRequired) },
  };
  app.post("/v1/responses/compact", { config: compact }, async (request, reply) => {
    const body = parseAt(compactSchema, request.body, "");
    const owner = ownerOf(request.client);
    const before = await messagesBefore(body.previous_response_id, { store, owner, memory: null });
    const messages = toConversation(before, body.input);
    if (messages.length === 0) {
      throw new HearthError("REQUEST_INVALID", "The request has no input.", { param: "input" });
    }
    const from = { signal: closedSignal(reply), demand: demandOf(request.client, request.headers) };
    const { summary, usage } = await summarize(body, messages, from, dependencies);
    const said = messages.filter(({ role }) => role === "user").map(userItem);
    return {
      id: newId("resp"),
      object: "response.compaction",
      created_at: Math.floor(clock.wallTime() / 1000),
      output: [...said, compactionItem(summary)],
      usage: toUsage(usage),
    };
  });

  const count = {
    api: {
      summary: "Tokens of the prompt that a request would have",
      body: countSchema,
    },
  };
  app.post("/v1/responses/input_tokens", { config: count }, async (request, reply) => {
    const body = parseCreate(request.body);
    const turn = new Turn(body, dependencies, turnClientOf(body, request.client, request.headers));
    return { object: "response.input_tokens", input_tokens: await turn.countTokens(closedSignal(reply)) };
  });
}

async function summarize(
  body: CompactRequest,
  conversation: readonly Message[],
  from: Pick<GenerationRequest, "signal" | "demand">,
  { generations }: TurnDependencies,
): Promise<{ summary: string; usage: Usage }> {
  const instructions: Message[] = body.instructions ? [{ role: "system", content: body.instructions }] : [];
  const events = generations.generate({
    model: askedModel(generations, body.model),
    messages: [...instructions, ...conversation, { role: "user", content: summaryRequest }],
    reasoningEffort: "none",
    sampling: { temperature: 0 },
    maxTokens: maxSummaryTokens,
    stop: [],
    // One that has outgrown the context is the one that has to be made shorter.
    truncation: "auto",
    cacheKey: body.prompt_cache_key ?? null,
    generate: true,
    ...from,
  });
  let summary = "";
  for await (const event of events) {
    if (event.type === "text") summary += event.text;
    if (event.type === "done") return { summary: summary.trim(), usage: event.usage };
  }
  throw new HearthError("INTERNAL", "The generation ended without an event.");
}

function userItem({ content }: Message) {
  const part = { type: "input_text" as const, text: content };
  return { id: newId("msg"), type: "message" as const, status: "completed" as const, role: "user", content: [part] };
}
