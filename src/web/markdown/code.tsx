/** A block of code with its language, colours once it is done, and a button that copies it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { CopyButton } from "../common/copy-button.js";
import { whenNear } from "../common/near.js";
import type { Block } from "./blocks.js";
import { type CodeSpan, highlight } from "./highlight.js";
import { visible } from "./visible.js";

export function CodeBlock({ block, isGrowing }: { block: Block; isGrowing: boolean }) {
  const { text, language, continues, isCut } = block;
  const [spans, setSpans] = useState<CodeSpan[] | null>(null);
  const place = useRef<HTMLPreElement>(null);
  // Colours are many elements: code has them once somebody comes near it, a block at a time.
  useEffect(() => {
    setSpans(null);
    if (isGrowing || language === "" || !place.current) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = whenNear(place.current, () => {
      timer = setTimeout(() => setSpans(highlight(text, language)));
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [isGrowing, text, language]);
  return (
    <div class={`code${continues ? " continues" : ""}${isCut ? " cut" : ""}`}>
      {!continues && (
        <div class="code-head">
          <span>{visible(language)}</span>
          <CopyButton text={() => text} />
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard */}
      <pre ref={place} tabIndex={0} dir="ltr">
        <code key={spans ? "coloured" : "plain"}>
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
