/** One block of an answer as elements. */
import { Component } from "preact";
import type { Block } from "./blocks.js";
import { CodeBlock } from "./code.js";
import { Formula } from "./formula.js";
import { lex } from "./lexer.js";
import { renderTokens } from "./tokens.js";
import { visible } from "./visible.js";

interface BlockProps {
  readonly block: Block;
  /** More of it may come. */
  readonly isGrowing: boolean;
}

/**
 * Rendered again only for another block. Elements that are kept by other means, such as useMemo(), would keep those around them as they
 * were at that time, and with them all that the page showed then.
 */
export class BlockView extends Component<BlockProps> {
  override shouldComponentUpdate({ block, isGrowing }: BlockProps): boolean {
    return block !== this.props.block || isGrowing !== this.props.isGrowing;
  }

  override render({ block, isGrowing }: BlockProps) {
    const { kind, text } = block;
    if (kind === "code") return <CodeBlock block={block} isGrowing={isGrowing} />;
    if (kind === "math" && !isGrowing) return <Formula text={text} display={true} />;
    if (kind === "math") return <pre class="plain">{visible(text)}</pre>;
    const tokens = lex(text);
    return tokens ? renderTokens(tokens) : <p class="as-is">{visible(text)}</p>;
  }
}
