/**
 * Limits for lists and objects of a request, checked before a schema sees it: schemas look at each entry, and make an error of
 * each, before they count. Knows nothing of which fields there are.
 */
import { HearthError } from "../base/errors.js";
import { excerpt } from "../base/excerpt.js";

/** No schema allows more, but for a request's own list of tokens. */
const maxEntries = 4096;
/** Fields of any form, which other code counts and bounds: JSON schemas, and arguments of calls. */
const freeForm: ReadonlySet<string> = new Set(["schema", "parameters", "format", "arguments"]);

/** REQUEST_INVALID where a list or an object anywhere in the request is too long. */
export function checkSizes(request: unknown): void {
  const waiting: (readonly [field: string, value: unknown, depth: number])[] = [["", request, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [field, value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    const keys = Array.isArray(value) ? value : Object.keys(value);
    if (keys.length > maxEntries && !(depth === 1 && isTokens(value))) {
      const message = `${excerpt(field) || "The request"}: has more than ${maxEntries} entries.`;
      throw new HearthError("REQUEST_INVALID", message, { param: excerpt(field) });
    }
    if (keys.length > maxEntries) continue;
    for (const [key, entry] of Object.entries(value)) {
      if (typeof entry !== "object" || freeForm.has(key)) continue;
      waiting.push([depth === 0 ? key : field, entry, depth + 1]);
    }
  }
}

function isTokens(value: object): boolean {
  return Array.isArray(value) && value.every((token) => Number.isInteger(token) && token >= 0 && token < 2 ** 31);
}
