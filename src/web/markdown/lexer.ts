/** Markdown as a tree of tokens, with formulas. Markup in the text stays text: nothing here makes HTML. */
import { Marked, type Token, type TokenizerAndRendererExtension } from "marked";

export interface MathToken {
  readonly type: "math";
  readonly raw: string;
  readonly text: string;
  readonly display: boolean;
}

/** `$x$`, `$$x$$`, `\(x\)`, `\[x\]`. A dollar that stands for money has a space or a digit in the wrong place. */
const inlineMath: TokenizerAndRendererExtension = {
  name: "math",
  level: "inline",
  start(source: string) {
    const at = source.search(/\$|\\[([]/);
    return at < 0 ? undefined : at;
  },
  tokenizer(source: string) {
    const match =
      /^\$\$([^$]{1,2000}?)\$\$/.exec(source) ??
      /^\\\[([\s\S]{1,2000}?)\\\]/.exec(source) ??
      /^\\\(([^\n]{1,1000}?)\\\)/.exec(source) ??
      /^\$(?=\S)([^$\n]{1,1000}?)(?<=\S)\$(?!\d)/.exec(source);
    if (!match) return undefined;
    const display = match[0].startsWith("$$") || match[0].startsWith("\\[");
    return { type: "math", raw: match[0], text: match[1] ?? "", display };
  },
};

const marked = new Marked({ gfm: true, extensions: [inlineMath] });

/** Marks that Markdown's inline rules look at: with so many of them in one block they take long, and nobody means them. */
const mostMarks = 1500;

/** null where the text is better shown as it is. */
export function lex(text: string): Token[] | null {
  const marks = text.match(/[*_[\]`<>&~$\\|]/g)?.length ?? 0;
  if (marks > mostMarks) return null;
  try {
    return marked.lexer(text);
  } catch {
    return null; // a nesting so deep that the parser gave up
  }
}
