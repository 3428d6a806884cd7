/** GGUF files that are split into parts: `name-00001-of-00003.gguf`, as llama.cpp's tools and Hugging Face name them. Pure. */

const mostParts = 1000;

export interface Split {
  /** Without the part's number. */
  readonly stem: string;
  /** The names of all parts, in order. */
  readonly names: readonly string[];
}

/** All parts' file names for the name of one part, or null when it is none. */
export function splitParts(name: string): Split | null {
  const match = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/i.exec(name);
  if (!match) return null;
  const [, stem = "", part, of = "", ending] = match;
  const count = Number(of);
  if (count < 1 || count > mostParts || Number(part) < 1 || Number(part) > count) return null;
  const names = Array.from({ length: count }, (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${of}${ending}`);
  return { stem, names };
}
