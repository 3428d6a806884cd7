/** Checks that every client of npm has to pass. Knows no client. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export { check, Skip } from "./check.mjs";

/** Without a slash at the end. */
export const url = process.env.HEARTH_URL;
export const model = process.env.HEARTH_MODEL;
export const unknownModel = "no-such-model";
export const scenario = JSON.parse(readFileSync(new URL("scenario.json", import.meta.url), "utf8"));
/** Enough for a sentence of a small model, or an object of the scenario. */
export const maxTokens = 100;

export function assertText(text) {
  assert.equal(typeof text, "string");
  assert.ok(text.trim().length > 0, "the answer is empty");
}

/** `args`: parsed. */
export function assertOrderedCall(name, args) {
  assert.equal(name, scenario.tool.name);
  assert.match(String(args.name), /kitchen/i);
}

/** `value`: parsed. */
export function assertCity(value) {
  assert.deepEqual(Object.keys(value), ["city", "inhabitants"]);
  assert.equal(typeof value.city, "string");
  assert.ok(Number.isInteger(value.inhabitants));
}

export function assertEmbeddings(vectors) {
  assert.equal(vectors.length, scenario.texts.length);
  for (const vector of vectors) {
    assert.equal(vector.length, vectors[0].length);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-3, "an embedding's length is not 1");
  }
}

/** Whether the client's error for an unknown model carries hearth's own sentence, which names the model. */
export async function assertUnknownModel(ask) {
  await assert.rejects(ask, (error) => {
    const text = [error.message, error.responseBody, error.cause?.message, error.lastError?.message].join(" ");
    assert.match(text, new RegExp(unknownModel), `the error does not name the model: ${text}`);
    return true;
  });
}
