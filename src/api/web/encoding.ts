/** Which encoding of a file a client takes (RFC 9110, 12.5.3). Pure. */

export type Encoding = "br" | "gzip";

/** The first of `available` that the header allows; null for the plain file, which everybody takes. */
export function chooseEncoding(header: string | undefined, available: readonly Encoding[]): Encoding | null {
  const accepted = new Map((header ?? "").split(",").map(parseItem));
  return available.find((encoding) => (accepted.get(encoding) ?? accepted.get("*") ?? 0) > 0) ?? null;
}

/** `br;q=0.5` -> ["br", 0.5]. */
function parseItem(item: string): [string, number] {
  const [name = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  return [name, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
}
