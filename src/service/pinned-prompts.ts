/** Reads prompts that the owner of the machine wants kept, before anybody asks. */
import { HearthError } from "../base/errors.js";
import { greedySampler } from "../engine/greedy.js";
import { commonPrefix } from "../scheduler/slot-placement.js";
import type { SequenceUsage } from "../scheduler/types.js";
import type { ServingModel } from "./serving-model.js";
import type { Message, Tool } from "./types.js";

export interface PinnedPrompt {
  /** The messages before the user's first one. */
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
}

/** Reads what all conversations that begin so have in common. Throws what building a prompt and the scheduler throw. */
export async function readPinned(
  { prompts, promptLimit, scheduler }: ServingModel,
  { messages, tools }: PinnedPrompt,
  signal: AbortSignal,
): Promise<SequenceUsage> {
  promptLimit.check(messages);
  // Two questions show where the template puts them, and what it writes before: some refuse to render without one.
  const build = async (content: string) =>
    (await prompts.build([...messages, { role: "user", content }], { tools })).tokens;
  const [one, other] = [await build("1"), await build("a")];
  const prompt = one.subarray(0, commonPrefix(one, other, one.length));
  const stream = scheduler.submit({
    prompt,
    sampler: greedySampler,
    maxTokens: 0,
    stopTokens: new Set(),
    cacheKey: null,
    pinned: true,
    signal,
  });
  for await (const event of stream) {
    if (event.type === "end") return event.usage;
  }
  throw new HearthError("INTERNAL", "A prompt was read and did not end.");
}
