/** An answer, on its way or done: reasoning folded, calls shown, text as Markdown, and figures below at its end. */
import { useLayoutEffect, useState } from "preact/hooks";
import type { AnswerPart, ShownPart } from "../../common/answer.js";
import type { Text } from "../../common/growing-text.js";
import { useChanges } from "../../common/hooks.js";
import { Icon } from "../../common/icon.js";
import type { AnswerRun } from "../../common/run.js";
import { formatNumber, formatSeconds, t } from "../../common/texts.js";
import { Markdown } from "../../markdown/markdown.js";
import { visible } from "../../markdown/visible.js";
import { type AssistantNode, type Figures, isDone } from "../tree.js";
import { CallView } from "./calls.js";

interface AnswerViewProps {
  readonly node: AssistantNode;
  /** The answer on its way that this page asked for. */
  readonly run: AnswerRun | null;
  /** The parts so far of an answer that another device asked for. */
  readonly soFar: readonly AnswerPart[];
  /** Called when more of it is on the page, before anybody sees it. */
  readonly onGrown: () => void;
}

/** From its first word to its figures the same elements, so that nothing moves or is made anew when the answer ends. */
export function AnswerView({ node, run, soFar, onGrown }: AnswerViewProps) {
  useChanges(run);
  useLayoutEffect(onGrown);
  const isGrowing = run !== null || !isDone(node);
  const parts: readonly ShownPart[] = run ? run.answer.parts : isGrowing ? soFar : node.parts;
  return (
    <>
      {parts.map((part, i) => (
        <Part key={i} part={part} isGrowing={isGrowing && i === parts.length - 1} />
      ))}
      {!isGrowing && <End node={node} />}
    </>
  );
}

function End({ node: { status, reason, error, model, figures } }: { node: AssistantNode }) {
  return (
    <>
      {status === "cancelled" && <p class="note">{t("cancelled")}</p>}
      {status === "incomplete" && reason === "max_output_tokens" && <p class="note">{t("incomplete")}</p>}
      {status === "failed" && (
        <p class="note error">{error === "lost" ? t("lost") : t("failed", { reason: visible(error ?? "") })}</p>
      )}
      <FiguresLine model={model} figures={figures} />
    </>
  );
}

function Part({ part, isGrowing }: { part: ShownPart; isGrowing: boolean }) {
  if (part.kind === "call") return <CallView call={part} />;
  if (part.kind === "text") return <Markdown text={part.text} isGrowing={isGrowing} />;
  return <Reasoning text={part.text} isGrowing={isGrowing} />;
}

/** Folded: its text is made only when somebody opens it. */
function Reasoning({ text, isGrowing }: { text: Text; isGrowing: boolean }) {
  const [isOpen, setOpen] = useState(false);
  if (text === "" && !isGrowing) return null;
  return (
    <details class="reasoning" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Icon name="thought" />
        {t(isGrowing ? "thinking" : "thoughts")}
      </summary>
      {isOpen && <Markdown text={text} isGrowing={isGrowing} />}
    </details>
  );
}

function FiguresLine({ model, figures }: { model: string | null; figures: Figures }) {
  const { inputTokens, cachedTokens, outputTokens, firstMs, tokensPerSecond: speed } = figures;
  if (outputTokens === null) return null;
  const tokens = formatNumber(outputTokens);
  const hint =
    inputTokens === null
      ? undefined
      : t("figuresCached", { cached: formatNumber(cachedTokens ?? 0), input: formatNumber(inputTokens) });
  return (
    <p class="figures" title={hint}>
      {model !== null && (
        <span>
          <bdi>{visible(model)}</bdi>
        </span>
      )}
      <span>
        {speed === null || firstMs === null
          ? t("figuresShort", { tokens })
          : t("figures", { tokens, speed: formatNumber(speed, 1), first: formatSeconds(firstMs / 1000) })}
      </span>
    </p>
  );
}
