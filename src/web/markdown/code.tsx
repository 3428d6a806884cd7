/** A block of code with its language, colours once it is done, and a button that copies it. */
import { useMemo } from "preact/hooks";
import { CopyButton } from "../common/copy-button.js";
import type { Block } from "./blocks.js";
import { highlight } from "./highlight.js";
import { visible } from "./visible.js";

export function CodeBlock({ block, isGrowing }: { block: Block; isGrowing: boolean }) {
  const { text, language, continues } = block;
  const spans = useMemo(() => (isGrowing ? null : highlight(text, language)), [isGrowing, text, language]);
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
