/** Tokens of Markdown as elements. Text stays text, whatever stands in it; pictures become links, so that nothing is loaded. */
import type { Token, Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { decodeEntities } from "./entities.js";
import { Formula } from "./formula.js";
import type { MathToken } from "./lexer.js";
import { safeAddress } from "./links.js";
import { visible } from "./visible.js";

/** Deeper lists and quotations are shown as text. */
const deepest = 24;

export function renderTokens(tokens: readonly Token[] | undefined, depth = 0): ComponentChildren {
  return (tokens ?? []).map((token) => render(token, depth + 1));
}

function render(token: Token, depth: number): ComponentChildren {
  if (depth > deepest) return visible(token.raw);
  const inner = (tokens: readonly Token[] | undefined) => renderTokens(tokens, depth);
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading": {
      // The page has headings of its own above these.
      const level = Math.min(6, token.depth + 2);
      const Heading = `h${level}` as "h3";
      return <Heading class={`level-${token.depth}`}>{inner(token.tokens)}</Heading>;
    }
    case "paragraph":
      return <p dir="auto">{inner(token.tokens)}</p>;
    case "text":
      return token.tokens ? inner(token.tokens) : visible(decodeEntities(token.text));
    case "escape":
      return visible(token.text);
    case "strong":
      return <strong>{inner(token.tokens)}</strong>;
    case "em":
      return <em>{inner(token.tokens)}</em>;
    case "del":
      return <del>{inner(token.tokens)}</del>;
    case "codespan":
      return <code>{visible(decodeEntities(token.text))}</code>;
    case "br":
      return <br />;
    case "hr":
      return <hr />;
    case "code":
      return (
        <pre class="plain">
          <code>{visible(token.text)}</code>
        </pre>
      );
    case "blockquote":
      return <blockquote dir="auto">{inner(token.tokens)}</blockquote>;
    case "list":
      return list(token as Tokens.List, depth);
    case "table":
      return table(token as Tokens.Table, depth);
    case "link":
      return link(token.href, inner(token.tokens));
    case "image":
      return link(token.href, visible(token.text || token.href));
    case "math": {
      const { text, display } = token as unknown as MathToken;
      return <Formula text={text} display={display} />;
    }
    default: // HTML, and what a later version of the library finds
      return visible(token.raw);
  }
}

function link(href: string, children: ComponentChildren): ComponentChildren {
  const address = safeAddress(decodeEntities(href));
  if (address === null) return children;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow" title={visible(address)}>
      {children}
    </a>
  );
}

function list({ ordered, start, items }: Tokens.List, depth: number): ComponentChildren {
  const children = items.map(({ tokens, task, checked }) => (
    <li dir="auto" class={task ? "task" : undefined}>
      {task && <span class="box">{checked ? "☑" : "☐"} </span>}
      {renderTokens(
        tokens.filter(({ type }) => type !== "checkbox"),
        depth,
      )}
    </li>
  ));
  return ordered ? <ol start={typeof start === "number" ? start : 1}>{children}</ol> : <ul>{children}</ul>;
}

function table({ header, rows, align }: Tokens.Table, depth: number): ComponentChildren {
  const side = (column: number) => (align[column] ? `align-${align[column]}` : undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled with the keyboard
    <section class="table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {header.map((cell, column) => (
              <th class={side(column)}>{renderTokens(cell.tokens, depth)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.map((cell, column) => (
                <td class={side(column)}>{renderTokens(cell.tokens, depth)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
