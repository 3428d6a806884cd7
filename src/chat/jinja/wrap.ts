/** textwrap.wrap(): one paragraph as lines of at most a width, broken between words and behind hyphens. */
import { budget } from "./budget.js";
import { valueError } from "./errors.js";
import { spaceClass, stripEnd, textLength, textSlice } from "./text.js";

export interface WrapOptions {
  readonly width: number;
  readonly breakLongWords: boolean;
  readonly breakOnHyphens: boolean;
}

const ascii = "\\t\\n\\x0b\\x0c\\r ";
const runs = new RegExp(`[${ascii}]+|[^${ascii}]+`, "g");
/** Behind a hyphen between letters, and around dashes between words. */
const breaks =
  /(?<=[\p{L}_]-)(?=[\p{L}\p{N}_]+?[\p{L}_])|(?<=[\p{L}\p{N}_!"'&.,?])(?=-{2,}[\p{L}\p{N}_])|(?<=-{2,})(?=[\p{L}\p{N}_])/u;
/** Longer words have no meaning that a break could spoil. */
const longestWord = 4096;

function chunksOf(text: string, breakOnHyphens: boolean): string[] {
  const words = text.match(runs) ?? [];
  if (!breakOnHyphens) return words;
  return words.flatMap((word) => (word.includes("-") && word.length <= longestWord ? word.split(breaks) : [word]));
}

const isBlank = (chunk: string): boolean => new RegExp(`^[${spaceClass}]*$`).test(chunk);

export function wrapText(text: string, options: WrapOptions): string[] {
  const { width } = options;
  if (width <= 0) throw valueError(`invalid width ${width} (must be > 0)`);
  budget().text(text.length);
  const chunks = chunksOf(text, options.breakOnHyphens).reverse();
  const lines: string[] = [];
  while (chunks.length > 0) {
    budget().step();
    if (lines.length > 0 && isBlank(chunks.at(-1) ?? "")) chunks.pop();
    const line = takeLine(chunks, options);
    if (line.length > 0 && isBlank(line.at(-1) ?? "")) line.pop();
    if (line.length > 0) lines.push(line.join(""));
  }
  return lines.map((line) => stripEnd(line, ""));
}

/** Takes as many chunks as fit off the end of `chunks`. */
function takeLine(chunks: string[], { width, breakLongWords, breakOnHyphens }: WrapOptions): string[] {
  const line: string[] = [];
  let length = 0;
  for (let next = chunks.at(-1); next !== undefined; next = chunks.at(-1)) {
    budget().step();
    const size = textLength(next);
    if (length + size <= width) {
      line.push(next);
      length += size;
      chunks.pop();
      continue;
    }
    if (size <= width) break;
    if (breakLongWords) {
      const room = width - length;
      const end = breakOnHyphens && size > room ? hyphenBefore(next, room) : room;
      line.push(textSlice(next, 0, end));
      chunks[chunks.length - 1] = textSlice(next, end, size);
    } else if (line.length === 0) {
      line.push(next);
      chunks.pop();
    }
    break;
  }
  return line;
}

/** Behind the last hyphen that fits, if anything but hyphens stands before it. */
function hyphenBefore(word: string, room: number): number {
  const head = textSlice(word, 0, room);
  const at = head.lastIndexOf("-");
  return at > 0 && /[^-]/.test(head.slice(0, at)) ? textLength(head.slice(0, at + 1)) : room;
}
