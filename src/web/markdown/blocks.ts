/**
 * Splits Markdown that is still being written into blocks. A block that is done never changes, so that it is read and laid out once;
 * only the end of the text is looked at again. No block is longer than a bound, whatever a model writes. Pure.
 */

export interface Block {
  readonly kind: "text" | "code" | "math";
  /** The text within the fences. */
  readonly text: string;
  /** The language of code; empty where it has none. */
  readonly language: string;
  /** Goes on with the code or formula of the block before. */
  readonly continues: boolean;
  /** The block after it goes on with it. */
  readonly isCut: boolean;
}

/** Longer than any paragraph that people read, and short enough to be laid out within a frame. */
const longestBlock = 8000;
/** Code has many more elements, for its colours. */
const longestCode = 4000;

interface Fence {
  readonly kind: "code" | "math";
  readonly language: string;
  /** A line that ends it. */
  readonly end: RegExp;
  /** The spaces before the opening fence, which the lines within have too. */
  readonly indent: number;
  continues: boolean;
}

export class BlockSplitter {
  readonly #done: Block[] = [];
  /** The text that is in no block yet. */
  #open = "";
  /** The part of it whose lines were looked at. */
  #scanned = 0;
  #fence: Fence | null = null;
  #wasBlank = false;

  /** Blocks that will not change any more. The list only grows. */
  get done(): readonly Block[] {
    return this.#done;
  }

  /** The block at the end, as it is now; null where there is none. */
  get last(): Block | null {
    if (this.#fence) return this.#fenced(this.#open);
    return this.#open.trim() === "" ? null : textBlock(this.#open);
  }

  get #longest(): number {
    return this.#fence ? longestCode : longestBlock;
  }

  append(text: string): void {
    this.#open += text;
    for (let end = this.#open.indexOf("\n", this.#scanned); end >= 0; end = this.#open.indexOf("\n", this.#scanned)) {
      this.#takeLine(this.#open.slice(this.#scanned, end).replace(/\r$/, ""), end + 1);
    }
    while (this.#open.length > this.#longest) this.#cut(wholeCharacters(this.#open, this.#longest));
  }

  /** `next`: where the line after it begins. */
  #takeLine(line: string, next: number): void {
    const start = this.#scanned;
    this.#scanned = next;
    if (this.#fence) {
      if (this.#fence.end.test(line)) this.#closeFence(start, next);
      else if (next > this.#longest) this.#cut(next);
      return;
    }
    const fence = fenceOf(line);
    if (fence) {
      this.#cut(start);
      this.#drop(next - start);
      this.#fence = fence;
      this.#wasBlank = false;
      return;
    }
    const isBlank = line.trim() === "";
    // A line at the margin after an empty one begins something new; one that is indented may belong to a list.
    if (this.#wasBlank && !isBlank && !/^[ \t]/.test(line)) this.#cut(start);
    else if (next > this.#longest) this.#cut(next);
    this.#wasBlank = isBlank;
  }

  #closeFence(start: number, next: number): void {
    this.#done.push(this.#fenced(this.#open.slice(0, start).replace(/\n$/, "")));
    this.#drop(next);
    this.#fence = null;
  }

  /** Makes a block of the first `length` characters. */
  #cut(length: number): void {
    const text = this.#open.slice(0, length);
    if (this.#fence) {
      this.#done.push(this.#fenced(text.replace(/\n$/, ""), true));
      this.#fence.continues = true;
    } else if (text.trim() !== "") {
      this.#done.push(textBlock(text));
    }
    this.#drop(length);
  }

  #drop(length: number): void {
    this.#open = this.#open.slice(length);
    this.#scanned = Math.max(0, this.#scanned - length);
  }

  #fenced(text: string, isCut = false): Block {
    const { kind = "code", language = "", continues = false, indent = 0 } = this.#fence ?? {};
    const lines = indent === 0 ? text : text.replace(new RegExp(`^ {1,${indent}}`, "gm"), "");
    return { kind, text: lines, language, continues, isCut };
  }
}

/** All blocks of a text that is done. */
export function splitBlocks(text: string): Block[] {
  const splitter = new BlockSplitter();
  splitter.append(text);
  return splitter.last ? [...splitter.done, splitter.last] : [...splitter.done];
}

function textBlock(text: string): Block {
  return { kind: "text", text, language: "", continues: false, isCut: false };
}

function fenceOf(line: string): Fence | null {
  const code = /^( {0,3})(`{3,}|~{3,})[ \t]*([^`\s]*)[^`]*$/.exec(line);
  if (code) {
    const [, spaces = "", mark = "", language = ""] = code;
    const end = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}[ \\t]*$`);
    return { kind: "code", language: language.toLowerCase(), end, indent: spaces.length, continues: false };
  }
  const math = /^ {0,3}(\$\$|\\\[)[ \t]*$/.exec(line);
  if (!math) return null;
  const end = math[1] === "$$" ? /^ {0,3}\$\$[ \t]*$/ : /^ {0,3}\\\][ \t]*$/;
  return { kind: "math", language: "", end, indent: 0, continues: false };
}

/** At most `length`, without cutting a character of two code units. */
function wholeCharacters(text: string, length: number): number {
  const unit = text.charCodeAt(length - 1);
  return unit >= 0xd800 && unit < 0xdc00 ? length - 1 : length;
}
