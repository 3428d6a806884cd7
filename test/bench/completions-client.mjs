/**
 * The client of the server bench: streams completions of OpenAI's protocol and notes when each piece came. It is one for all
 * servers, and does not know which one it asks. Prompts are token ids, so that no tokenizer makes them of different length.
 */

/** Ids from here on are words in all vocabularies, and no control tokens. */
const firstId = 1000;
const ids = 20_000;

/** `length` token ids that no other seed has, so that nothing of them was read before. */
export function promptOf(seed, length) {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  return Array.from({ length }, () => {
    state ^= state << 13; // xorshift, 32 bits (Marsaglia 2003)
    state ^= state >>> 17;
    state ^= state << 5;
    return firstId + ((state >>> 0) % ids);
  });
}

/** A copy of the prompt with another end, as a question that follows known instructions. */
export function withOtherEnd(prompt, seed, length) {
  return [...prompt.slice(0, -length), ...promptOf(seed, length)];
}

/** Asks for `tokens` tokens. `firstMs`: to the first piece of text; `gapsMs`: between two; `tokens`: as the server counts them. */
export async function complete(url, prompt, tokens) {
  const startedAt = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      model: "default",
      prompt,
      max_tokens: tokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
  const times = [];
  let count = 0;
  for await (const event of eventsOf(response)) {
    if (event.error) throw new Error(JSON.stringify(event.error));
    if (event.choices?.[0]?.text) times.push(performance.now());
    count = event.usage?.completion_tokens ?? count;
  }
  const [first = performance.now()] = times;
  const gapsMs = times.slice(1).map((at, i) => at - times[i]);
  return { firstMs: first - startedAt, gapsMs, tokens: count, endedAt: performance.now() };
}

async function* eventsOf(response) {
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: {")) yield JSON.parse(line.slice("data: ".length));
  }
}

/** So many clients at once, each with its prompts one after the other. All times of the requests, and tokens a second of all. */
export async function ask(url, promptsOfClients, tokens) {
  const startedAt = performance.now();
  const ofClients = await Promise.all(
    promptsOfClients.map(async (prompts) => {
      const answers = [];
      for (const prompt of prompts) answers.push(await complete(url, prompt, tokens));
      return answers;
    }),
  );
  const answers = ofClients.flat();
  const seconds = (Math.max(...answers.map(({ endedAt }) => endedAt)) - startedAt) / 1000;
  return {
    tokensPerSecond: answers.reduce((sum, answer) => sum + answer.tokens, 0) / seconds,
    firstMs: answers.map(({ firstMs }) => firstMs),
    gapsMs: answers.flatMap(({ gapsMs }) => gapsMs),
  };
}
