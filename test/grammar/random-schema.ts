/** Random JSON Schemas of all that is enforced, and bounded, so that a weak model comes to an end. */
import type { Random } from "../helpers/random.js";

type Json = Record<string, unknown>;

const names = ["name", "area", "brightness", "on", "é", 'a "quoted" key', "x-1", "items", "domain"] as const;
const words = ["on", "off", "kitchen", "München", 'say "hi"', "a\\b", "line\nend"] as const;
const formats = ["date", "time", "date-time", "duration", "uuid", "email", "hostname", "ipv4", "ipv6", "uri"] as const;
const patterns = [
  "^[a-z]{2,6}$",
  "^(on|off|\\d+%)$",
  "^#[0-9a-fA-F]{6}$",
  "^\\w+ \\w+$",
  "a.c",
  "^[^x]{1,4}\\.$",
  "^\\s?[\\u00e0-\\u00ff]+$",
] as const;

export class RandomSchemas {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A document with definitions, of which one is recursive. */
  document(): Json {
    return {
      ...this.#object(0),
      $defs: {
        tree: {
          type: "object",
          properties: {
            value: this.#scalar(),
            children: { type: "array", items: { $ref: "#/$defs/tree" }, maxItems: 1 },
          },
          required: ["value"],
          additionalProperties: false,
        },
        leaf: this.#scalar(),
      },
    };
  }

  #schema(depth: number): unknown {
    const kind = this.#random.below(depth >= 3 ? 6 : 14);
    if (kind < 6) return this.#scalar();
    if (kind < 8) return this.#object(depth + 1);
    if (kind < 10) return this.#array(depth + 1);
    if (kind === 10) return { anyOf: [this.#schema(depth + 1), this.#schema(depth + 1)] };
    if (kind === 11) return { oneOf: [{ type: "null" }, this.#object(depth + 1)] };
    if (kind === 12) return { $ref: this.#random.pick(["#/$defs/tree", "#/$defs/leaf"]) };
    return this.#allOf(depth + 1);
  }

  #scalar(): Json {
    switch (this.#random.below(13)) {
      case 0:
        return { type: "boolean" };
      case 1:
        return { type: ["null", "integer"] };
      case 2:
        return { enum: [this.#random.pick(words), this.#random.below(9), null, { a: [true] }] };
      case 3:
        return { const: this.#random.pick(words) };
      case 4:
        return { type: "integer", ...this.#bounds(() => this.#random.below(2000) - 1000) };
      case 5:
        return { type: "number", ...this.#bounds(() => (this.#random.below(200_000) - 100_000) / 1000) };
      case 6:
        return { type: "string", format: this.#random.pick(formats) };
      case 7:
        return { type: "string", pattern: this.#random.pick(patterns), maxLength: 12 };
      case 8:
        return { type: "number", exclusiveMinimum: this.#random.below(9) / 8 };
      case 9: {
        const [minimum, multipleOf] = [this.#random.below(2000) - 1000, 1 + this.#random.below(99)];
        return { type: "integer", multipleOf, minimum, maximum: minimum + multipleOf + this.#random.below(500) };
      }
      case 10:
        return {
          type: "number",
          multipleOf: this.#random.pick([0.5, 0.25, 1.5]),
          minimum: -3,
          maximum: this.#random.below(90),
        };
      default:
        return this.#text();
    }
  }

  #text(): Json {
    const minLength = this.#random.below(4);
    return { type: "string", minLength, maxLength: minLength + this.#random.below(30) };
  }

  #bounds(value: () => number): Json {
    const [low, high] = [value(), value()].sort((a, b) => a - b) as [number, number];
    switch (this.#random.below(4)) {
      case 0:
        return { minimum: low, maximum: high };
      case 1:
        return { minimum: low };
      case 2:
        return { maximum: high };
      default:
        return { exclusiveMinimum: low, maximum: high + 1 };
    }
  }

  #array(depth: number): Json {
    const minItems = this.#random.below(3);
    const maxItems = minItems + this.#random.below(3);
    const kind = this.#random.below(5);
    if (kind === 1) {
      const items = { enum: words.slice(0, 1 + this.#random.below(words.length)) };
      return { type: "array", items, uniqueItems: true, minItems: this.#random.below(2), maxItems };
    }
    if (kind > 1) return { type: "array", items: this.#schema(depth), minItems, maxItems };
    const prefixItems = [this.#schema(depth), this.#schema(depth)];
    return {
      type: "array",
      prefixItems,
      items: this.#random.pick<unknown>([false, { type: "boolean" }]),
      minItems: 1,
      maxItems: 4,
    };
  }

  #object(depth: number): Json {
    if (this.#random.below(8) === 0) return { type: "object", additionalProperties: this.#scalar(), maxProperties: 2 };
    const properties: Json = {};
    for (let i = this.#random.below(5); i >= 0; i--) properties[this.#random.pick(names)] = this.#schema(depth);
    const required = Object.keys(properties).filter(() => this.#random.below(2) === 0);
    const additional = this.#random.below(4);
    return { type: "object", properties, required, ...(additional < 3 ? { additionalProperties: false } : {}) };
  }

  #allOf(depth: number): Json {
    const [a, b] = [this.#random.pick(names), this.#random.pick(names)];
    return {
      allOf: [
        { type: "object", properties: { [a]: this.#schema(depth) }, required: [a] },
        { type: "object", properties: { [b]: {} }, required: [b] },
      ],
    };
  }
}
