/** Markdown on the page: done blocks are made once and kept in groups, so that a long answer costs no more a frame than a short one. */
import { Component } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Block, BlockSplitter } from "./blocks.js";
import { CodeBlock } from "./code.js";
import { Formula } from "./formula.js";
import { lex } from "./lexer.js";
import { renderTokens } from "./tokens.js";
import { visible } from "./visible.js";

const groupSize = 24;
const groupsAFrame = 6;

interface MarkdownProps {
  readonly text: string;
  /** More of it may come. */
  readonly isGrowing?: boolean;
}

export function Markdown({ text, isGrowing = false }: MarkdownProps) {
  const splitter = useSplitter(text);
  const { done, last } = splitter;
  const count = useGrowing(Math.ceil(done.length / groupSize), splitter);
  const groups = Array.from({ length: count }, (_, i) => i);
  return (
    <div class="markdown">
      {groups.map((group) => (
        <Group key={group} blocks={done} from={group * groupSize} to={Math.min(done.length, (group + 1) * groupSize)} />
      ))}
      {last && <BlockView key="last" block={last} isGrowing={isGrowing} />}
    </div>
  );
}

/** Up to `wanted`, some more with every frame: a long text that is there at once must not hold up the page. */
function useGrowing(wanted: number, text: object): number {
  const shown = useRef({ count: 0, text });
  const [, render] = useState(0);
  if (shown.current.text !== text) shown.current = { count: 0, text };
  shown.current.count = Math.min(wanted, Math.max(shown.current.count, groupsAFrame));
  const { count } = shown.current;
  useEffect(() => {
    if (count >= wanted) return;
    const frame = requestAnimationFrame(() => {
      shown.current.count = count + groupsAFrame;
      render((times) => times + 1);
    });
    return () => cancelAnimationFrame(frame);
  }, [count, wanted]);
  return count;
}

/** A splitter that has taken the text: one that went on is appended, another one begins anew. */
function useSplitter(text: string): BlockSplitter {
  const kept = useRef<{ splitter: BlockSplitter; text: string } | null>(null);
  const before = kept.current;
  if (before && text.length >= before.text.length && text.startsWith(before.text)) {
    before.splitter.append(text.slice(before.text.length));
    before.text = text;
    return before.splitter;
  }
  const splitter = new BlockSplitter();
  splitter.append(text);
  kept.current = { splitter, text };
  return splitter;
}

interface GroupProps {
  readonly blocks: readonly Block[];
  readonly from: number;
  readonly to: number;
}

/** Rendered again only when it has grown, or stands for another text. */
class Group extends Component<GroupProps> {
  override shouldComponentUpdate({ blocks, to }: GroupProps): boolean {
    return to !== this.props.to || blocks !== this.props.blocks;
  }

  override render({ blocks, from, to }: GroupProps) {
    const isFull = to - from === groupSize;
    return (
      <div class={isFull ? "group full" : "group"}>
        {blocks.slice(from, to).map((block, i) => (
          <BlockView key={from + i} block={block} isGrowing={false} />
        ))}
      </div>
    );
  }
}

function BlockView({ block, isGrowing }: { block: Block; isGrowing: boolean }) {
  if (block.kind === "code") return <CodeBlock block={block} isGrowing={isGrowing} />;
  if (block.kind === "math" && !isGrowing) return <Formula text={block.text} display={true} />;
  if (block.kind === "math") return <pre class="plain">{visible(block.text)}</pre>;
  return <TextBlock text={block.text} />;
}

function TextBlock({ text }: { text: string }) {
  return useMemo(() => {
    const tokens = lex(text);
    return tokens ? renderTokens(tokens) : <p class="as-is">{visible(text)}</p>;
  }, [text]) as never;
}
