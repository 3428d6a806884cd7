/** Schemas that a small model has to be held to, by the names that it is asked for. Each has bounds, so that every answer ends. */
const text = { type: "string", maxLength: 30 };
const object = (properties: object, required = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

export const schemas: Readonly<Record<string, object>> = {
  city: object({ name: text, inhabitants: { type: "integer", minimum: 0, maximum: 50_000_000 } }),
  measurement: object({
    value: { type: "number", minimum: -50, maximum: 60 },
    unit: { enum: ["celsius", "fahrenheit"] },
    valid: { type: "boolean" },
  }),
  shopping_list: object({
    items: {
      type: "array",
      minItems: 2,
      maxItems: 4,
      items: object({ what: text, count: { type: "integer", minimum: 1, maximum: 12 } }),
    },
  }),
  reading: object({
    at: { type: "string", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
    note: { anyOf: [text, { type: "null" }] },
  }),
  person: object({ name: text, address: object({ street: text, zip: { type: "string", pattern: "^[0-9]{5}$" } }) }, [
    "name",
  ]),
  answer: { enum: ["yes", "no", "maybe"] },
};
