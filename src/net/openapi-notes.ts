/** Notes on fields for the OpenAPI document: what a JSON schema cannot say, and what it would say wrongly. Data alone. */

/**
 * For a field, or an alternative of one, whose right values only the server knows, or the rest of the request: ids of tokens
 * and of stored responses, names of tools, grammars. It may be sent, and the document names it in words.
 */
export const inWords = { "x-in-words": true } as const;

/** For an object of which the document describes these forms, and whose others are refused by name. */
export function oneOfForms(...forms: readonly Readonly<Record<string, object>>[]): { oneOf: object[] } {
  return {
    oneOf: forms.map((properties) => ({ type: "object", properties, required: Object.keys(properties) })),
  };
}
