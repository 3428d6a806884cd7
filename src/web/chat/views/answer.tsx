/** An answer, on its way or done: reasoning folded, calls shown, text as Markdown, and figures below. */
import { useEffect, useState } from "preact/hooks";
import { type Answer, type AnswerPart, secondsToRead, tokensPerSecond } from "../../common/answer.js";
import { useChanges } from "../../common/hooks.js";
import { Icon } from "../../common/icon.js";
import type { AnswerRun } from "../../common/run.js";
import { formatNumber, formatSeconds, t } from "../../common/texts.js";
import { Markdown } from "../../markdown/markdown.js";
import { visible } from "../../markdown/visible.js";
import { type AssistantNode, type Figures, isDone } from "../tree.js";
import { CallView } from "./calls.js";

export function LiveAnswer({ run }: { run: AnswerRun }) {
  useChanges(run);
  const { answer } = run;
  const last = answer.parts.length - 1;
  return (
    <>
      {answer.parts.map((part, i) => (
        <Part key={i} part={part} isGrowing={i === last} />
      ))}
      <Progress run={run} />
    </>
  );
}

interface DoneAnswerProps {
  readonly node: AssistantNode;
  /** The parts so far of an answer that another device asked for. */
  readonly soFar: readonly AnswerPart[];
}

export function DoneAnswer({ node, soFar }: DoneAnswerProps) {
  if (!isDone(node)) {
    return (
      <>
        {soFar.map((part, i) => (
          <Part key={i} part={part} isGrowing={i === soFar.length - 1} />
        ))}
        <p class="state">
          <Spinner />
          {t("elsewhere")}
        </p>
      </>
    );
  }
  const { status, error, reason } = node;
  return (
    <>
      {node.parts.map((part, i) => (
        <Part key={i} part={part} isGrowing={false} />
      ))}
      {status === "cancelled" && <p class="note">{t("cancelled")}</p>}
      {status === "incomplete" && reason === "max_output_tokens" && <p class="note">{t("incomplete")}</p>}
      {status === "failed" && (
        <p class="note error">{error === "lost" ? t("lost") : t("failed", { reason: visible(error ?? "") })}</p>
      )}
      <FiguresLine model={node.model} figures={node.figures} />
    </>
  );
}

function Part({ part, isGrowing }: { part: AnswerPart; isGrowing: boolean }) {
  if (part.kind === "call") return <CallView call={part} />;
  if (part.kind === "text") return <Markdown text={part.text} isGrowing={isGrowing} />;
  return <Reasoning text={part.text} isGrowing={isGrowing} />;
}

/** Folded: its text is made only when somebody opens it. */
function Reasoning({ text, isGrowing }: { text: string; isGrowing: boolean }) {
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

function Progress({ run }: { run: AnswerRun }) {
  const { answer, trouble, isStopping } = run;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const progress = answer.status === "reading" && trouble === null ? answer.progress : null;
  return (
    <div class="progress">
      <p class={trouble === null ? "state" : "state trouble"}>
        <Spinner />
        {isStopping ? t("stopping") : stateOf(answer, trouble, Math.max(now, answer.askedAt))}
      </p>
      {progress && <progress max={progress.total} value={progress.read} aria-label={t("waiting")} />}
    </div>
  );
}

function stateOf(answer: Answer, trouble: AnswerRun["trouble"], now: number): string {
  if (trouble === "connection") return t("troubleConnection");
  if (trouble === "busy") return t("troubleBusy");
  if (trouble === "loading") return t("troubleLoading");
  if (answer.status === "queued") return t("queued", { n: formatNumber((answer.position ?? 0) + 1) });
  if (answer.status === "reading" && answer.progress) {
    const { read, total } = answer.progress;
    const left = secondsToRead(answer.progress, now);
    const counts = { read: formatNumber(read), total: formatNumber(total) };
    return left === null ? t("reading", counts) : t("readingLeft", { ...counts, time: formatSeconds(left) });
  }
  if (answer.status !== "writing") return t("waiting");
  const speed = tokensPerSecond(answer);
  if (speed === null || answer.firstAt === null) return t("writing");
  const first = formatSeconds((answer.firstAt - answer.askedAt) / 1000);
  return t("figures", { tokens: formatNumber(answer.deltas), speed: formatNumber(speed, 1), first });
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

function Spinner() {
  return <span class="spinner" aria-hidden="true" />;
}
