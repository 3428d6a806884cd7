/** Requests of the Responses API, damaged in form or in bytes, the same each time for the same seed. */
import type { Random } from "./random.js";
import type { Event } from "./server.js";

const valid: Event = {
  type: "response.create",
  model: "default",
  input: [{ role: "user", content: [{ type: "input_text", text: "Hello" }] }],
  instructions: "Be kind.",
  temperature: 0.5,
  top_p: 0.9,
  top_k: 40,
  max_output_tokens: 3,
  metadata: { a: "b" },
  store: true,
  include: ["hearth.token_ids"],
  stop: ["x"],
  seed: 1,
  text: { format: { type: "text" } },
  previous_response_id: null,
  prompt_cache_key: "key",
  generate: true,
};

const oddities: readonly [unknown, ...unknown[]] = [
  null,
  true,
  0,
  -1,
  1e308,
  -0.5,
  2 ** 53,
  "",
  "default",
  "\u0000",
  "\ud800",
  "\uffff\u202e🔥",
  "x".repeat(3000),
  [],
  [[]],
  {},
  { type: "message" },
  { type: "input_text", text: 5 },
  { role: "user", content: "Hi" },
  { toString: null, constructor: { prototype: {} } },
  Array.from({ length: 300 }, () => "a"),
];

/** Replaces, removes or adds something somewhere in a copy of `value`. */
function mutate(random: Random, value: unknown): unknown {
  if (random.below(4) === 0 || typeof value !== "object" || value === null) return random.pick(oddities);
  if (Array.isArray(value)) {
    const copy = [...value];
    const at = random.below(copy.length + 1);
    copy[at] = mutate(random, copy[at]);
    return copy;
  }
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const [key, inner] = entries[at] ?? [
    random.pick(["tools", "stream", "__proto__", "conversation", "reasoning", "é"]),
    null,
  ];
  if (random.below(8) === 0) return Object.fromEntries(entries.filter(([name]) => name !== key));
  return { ...value, [key]: mutate(random, inner) };
}

/** JSON with some bytes changed, cut or doubled. */
function damage(random: Random, text: string): string {
  const at = random.below(text.length);
  const kind = random.below(4);
  if (kind === 0) return text.slice(0, at);
  if (kind === 1) return text.slice(at);
  if (kind === 2) return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
  return text.slice(0, at) + text.slice(Math.max(0, at - 20));
}

/** Text of a `response.create` with something wrong in most cases. */
export function damagedRequest(random: Random): string {
  return damagedBody(random, valid);
}

/** A damaged body of any other request. */
export function damagedBody(random: Random, whole: Event): string {
  let body: unknown = whole;
  for (let i = random.below(3); i >= 0; i--) body = mutate(random, body);
  const text = JSON.stringify(body) ?? "";
  return random.below(3) === 0 && text.length > 0 ? damage(random, text) : text;
}
