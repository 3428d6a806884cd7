/** Text as somebody wrote it. A long one is in pieces, of which a browser lays out what is in sight. */
import { useMemo } from "preact/hooks";
import { visible } from "../../markdown/visible.js";

const longestPiece = 4000;
/** A piece ends with a line, or within one that is longer: behind a character rather than a half of it. */
const piece = /[\s\S]{0,3999}\n|[\s\S]{1,4000}(?![\udc00-\udfff])|[\s\S]{1,4000}/g;

export function LongText({ text }: { text: string }) {
  const pieces = useMemo(() => (text.length > longestPiece ? (text.match(piece) ?? []) : [text]).map(visible), [text]);
  if (pieces.length === 1) return <>{pieces}</>;
  return (
    <>
      {pieces.map((text, i) => (
        <span key={i} class="piece">
          {text}
        </span>
      ))}
    </>
  );
}
