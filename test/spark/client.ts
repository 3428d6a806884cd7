/** Asks a daemon as a client of OpenAI's API does, greedily. */
import * as z from "zod";
import type { Message, Tool } from "../../src/chat/messages.js";

const mostAnswerTokens = 320;

export interface Call {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly text: string;
  /** Null where one broke off, or the daemon refused the request; then the text says why. */
  readonly calls: readonly Call[] | null;
}

const completion = z.object({
  choices: z.tuple([
    z.object({
      message: z.object({
        content: z.string().nullable(),
        tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })).nullish(),
      }),
    }),
  ]),
});
const refusal = z.object({ error: z.object({ message: z.string() }) });
const objectOfArguments = z.record(z.string(), z.unknown());

/** Throws where the daemon fails; a request that it refuses (one that does not fit, say) has an answer without calls. */
export async function ask(url: string, messages: readonly Message[], tools: readonly Tool[]): Promise<Answer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "default",
      temperature: 0,
      max_tokens: mostAnswerTokens,
      messages: chatMessages(messages),
      ...(tools.length > 0 && { tools: tools.map((tool) => ({ type: "function", function: tool })) }),
    }),
  });
  const body: unknown = await response.json();
  if (response.status >= 500) throw new Error(`The daemon answered ${response.status}: ${JSON.stringify(body)}`);
  if (!response.ok) return { text: refusal.parse(body).error.message, calls: null };
  const { message } = completion.parse(body).choices[0];
  return { text: message.content ?? "", calls: readCalls((message.tool_calls ?? []).map((call) => call.function)) };
}

function readCalls(written: readonly { name: string; arguments: string }[]): Call[] | null {
  try {
    return written.map(({ name, arguments: text }) => ({ name, arguments: objectOfArguments.parse(JSON.parse(text)) }));
  } catch {
    return null; // the longest answer ended within the call
  }
}

/** In the words of the chat API. Results follow the calls that they belong to, in their order. */
function chatMessages(messages: readonly Message[]): unknown[] {
  let open: string[] = [];
  let calls = 0;
  return messages.map(({ role, content, toolCalls }) => {
    if (role === "tool") return { role, content, tool_call_id: open.shift() };
    const called = (toolCalls ?? []).map(({ name, arguments: args }) => ({
      id: `call_${calls++}`,
      type: "function",
      function: { name, arguments: args },
    }));
    open = called.map(({ id }) => id);
    return { role, content, ...(called.length > 0 && { tool_calls: called }) };
  });
}
