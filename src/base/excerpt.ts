/** Excerpts are the parts of an input that an error repeats. A client reads its own words, and never a megabyte of them. */

/** Two of them, and a place, stay within the 200 characters that an error may repeat. */
const usualCharacters = 60;

/** The text, or its beginning and its end. */
export function excerpt(text: string, characters = usualCharacters): string {
  if (text.length <= characters) return text;
  const half = (characters - 3) >> 1;
  // No half of a surrogate pair beside the dots.
  return `${text.slice(0, half).replace(/[\ud800-\udbff]$/, "")}...${text.slice(-half).replace(/^[\udc00-\udfff]/, "")}`;
}

/** A value as JSON, or the beginning and the end of it. */
export function quoted(value: unknown, characters = usualCharacters): string {
  // Cut before it is written, too: a text of control characters is six times as long in JSON.
  const short = typeof value === "string" ? excerpt(value, characters) : value;
  return excerpt(JSON.stringify(short) ?? String(value), characters + 2);
}
