/**
 * The gain of speculation where an answer repeats its prompt, and its cost where it does not; with and without it in turn, on the
 * equal requests, whose answers have to be equal.
 *
 * Random weights do not summarize, so a grammar makes the model say what its prompt says: the same work for the engine as an
 * answer of its own, since every token is drawn and every draft checked. The text has no letters that a synthetic vocabulary
 * joins to words, so that there is one way to tokenize it. The other text is what the model draws at temperature 1.
 */
import { median, metric, respond, startDaemon } from "./daemon.mjs";

const rooms = ["KITCHEN", "BATH", "HALL", "CELLAR", "GARAGE", "ATTIC", "PORCH", "STUDY"];
const deviceList = rooms.map((room, i) => `LIGHT.${room}=${i % 2 ? "ON" : "OFF"}@${17 * i}%`).join(";");
const quoted = (text) => ({ type: "grammar", syntax: "gbnf", definition: `root ::= ${JSON.stringify(text)}` });

const cases = {
  /** A summary: the prompt's lines again. */
  summary: { input: `${deviceList}\n`, text: { format: quoted(deviceList) }, temperature: 0 },
  /** Calls of tools: names of devices from the prompt, with what is no copy around them. */
  calls: {
    input: `${deviceList}\n`,
    text: { format: quoted(rooms.map((room) => `{"DO":"TURN_OFF","ID":"LIGHT.${room}"}`).join("\n")) },
    temperature: 0,
  },
  other: { input: `${deviceList}\n`, temperature: 1, seed: 7, max_output_tokens: 96 },
};

async function timed(daemon, request) {
  const began = performance.now();
  const answer = await respond(daemon, { max_output_tokens: 1024, ...request });
  const tokens = answer.usage.output_tokens;
  return {
    text: answer.output_text ?? JSON.stringify(answer.output.map(({ content }) => content)),
    tokens,
    ms: performance.now() - began,
  };
}

/** For each case the gain (the time without by the time with) and whether the answers were equal. */
export async function measureSpeculation(model, { rounds = 3 } = {}) {
  const env = { HEARTH_AUTO_TUNE: "false" };
  const drafting = await startDaemon(model, env);
  const plain = await startDaemon(model, { ...env, HEARTH_SPECULATION: "false" });
  try {
    const results = {};
    for (const [name, request] of Object.entries(cases)) {
      // The first answers read the prompt; the later ones find it in the KV cache.
      for (const daemon of [drafting, plain]) await timed(daemon, request);
      const pairs = [];
      for (let round = 0; round < rounds; round++) {
        pairs.push({ with: await timed(drafting, request), without: await timed(plain, request) });
      }
      results[name] = {
        gain: median(pairs.map((pair) => pair.without.ms / pair.with.ms)),
        equal: pairs.every((pair) => pair.with.text === pair.without.text),
        tokens: pairs[0].with.tokens,
      };
    }
    const [drafted, right] = ["hearth_draft_tokens_total", "hearth_draft_tokens_accepted_total"];
    return { ...results, drafted: await metric(drafting, drafted), right: await metric(drafting, right) };
  } finally {
    await drafting.stop();
    await plain.stop();
  }
}
