/** Markdown on the page: done blocks are made once and kept in groups, so that a long answer costs no more a frame than a short one. */
import { useRef } from "preact/hooks";
import type { Text } from "../common/growing-text.js";
import { BlockView } from "./block-view.js";
import { GroupView } from "./group-view.js";
import { BlockGroups } from "./groups.js";

/** A screen is filled by so many groups. */
const urgentGroups = 3;

interface MarkdownProps {
  readonly text: Text;
  /** More of it may come. */
  readonly isGrowing?: boolean;
}

export function Markdown({ text, isGrowing = false }: MarkdownProps) {
  const kept = useRef<BlockGroups | null>(null);
  kept.current ??= new BlockGroups();
  const groups = kept.current;
  groups.follow(text);
  const { all, last, count } = groups;
  return (
    <div class="markdown">
      {all.map((group, i) => (
        <GroupView key={i} group={group} count={group.blocks.length} isUrgent={i >= all.length - urgentGroups} />
      ))}
      {last && <BlockView key={`block ${count}`} block={last} isGrowing={isGrowing} />}
    </div>
  );
}
