/** Code in colours: highlight.js with the languages that models write most, as a tree and not as HTML. */
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const languages = {
  ...{ bash, c, cpp, css, diff, go, ini, java, javascript, json, python, rust, sql, typescript, xml, yaml },
};
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

export interface CodeSpan {
  readonly text: string;
  /** `keyword`, `string`, ...; empty for plain text. */
  readonly scope: string;
}

/** Longer code stays without colours: its rules take too long. */
const longest = 20_000;

interface EmittedNode {
  readonly scope?: string;
  readonly children: readonly (EmittedNode | string)[];
}

/** The spans of the code, which together are its text; null for a language that is not known. */
export function highlight(code: string, language: string): CodeSpan[] | null {
  if (code.length > longest || !hljs.getLanguage(language)) return null;
  const { _emitter: emitter } = hljs.highlight(code, { language, ignoreIllegals: true });
  const root = (emitter as unknown as { rootNode?: EmittedNode; root?: EmittedNode }).rootNode;
  return root ? [...spansOf(root, "")] : null;
}

function* spansOf(node: EmittedNode, outer: string): Generator<CodeSpan> {
  const scope = node.scope?.split(".")[0] ?? outer;
  for (const child of node.children) {
    if (typeof child === "string") yield { text: child, scope };
    else yield* spansOf(child, scope);
  }
}
