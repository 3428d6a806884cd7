/** A block of code with its language, colours once it is done, and a button that copies it. */
import { useEffect, useState } from "preact/hooks";
import { CopyButton } from "../common/copy-button.js";
import type { Block } from "./blocks.js";
import { type CodeSpan, highlight } from "./highlight.js";
import { visible } from "./visible.js";

export function CodeBlock({ block, isGrowing }: { block: Block; isGrowing: boolean }) {
  const { text, language, continues } = block;
  const [spans, setSpans] = useState<CodeSpan[] | null>(null);
  // Colours come after the text, a block at a time: long code must not hold up the page.
  useEffect(() => {
    setSpans(null);
    if (isGrowing || language === "") return;
    const timer = setTimeout(() => setSpans(highlight(text, language)));
    return () => clearTimeout(timer);
  }, [isGrowing, text, language]);
  return (
    <div class={continues ? "code continues" : "code"}>
      {!continues && (
        <div class="code-head">
          <span>{visible(language)}</span>
          <CopyButton text={() => text} />
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard */}
      <pre tabIndex={0} dir="ltr">
        <code>
          {spans
            ? spans.map(({ text: part, scope }) =>
                scope === "" ? visible(part) : <span class={`hl-${scope}`}>{visible(part)}</span>,
              )
            : visible(text)}
        </code>
      </pre>
    </div>
  );
}
