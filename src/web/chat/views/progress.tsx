/** How far an answer on its way is. Lies over the end of the messages, so that it moves nothing and nothing moves it. */
import { useEffect, useState } from "preact/hooks";
import { type Answer, secondsToRead, tokensPerSecond } from "../../common/answer.js";
import { useChanges } from "../../common/hooks.js";
import type { AnswerRun } from "../../common/run.js";
import { formatNumber, formatSeconds, t } from "../../common/texts.js";

/** `run`: the answer on its way; null where another device asked for it. */
export function Progress({ run }: { run: AnswerRun | null }) {
  return (
    <div class="progress-place">
      <div class="progress">{run ? <OwnProgress run={run} /> : <State text={t("elsewhere")} />}</div>
    </div>
  );
}

function OwnProgress({ run }: { run: AnswerRun }) {
  useChanges(run);
  const { answer, trouble, isStopping } = run;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const progress = answer.status === "reading" && trouble === null ? answer.progress : null;
  return (
    <>
      <State
        text={isStopping ? t("stopping") : stateOf(answer, trouble, Math.max(now, answer.askedAt))}
        isTrouble={trouble !== null}
      />
      {progress && <progress max={progress.total} value={progress.read} aria-label={t("waiting")} />}
    </>
  );
}

function State({ text, isTrouble = false }: { text: string; isTrouble?: boolean }) {
  return (
    <p class={isTrouble ? "state trouble" : "state"}>
      <span class="spinner" aria-hidden="true" />
      {text}
    </p>
  );
}

function stateOf(answer: Answer, trouble: AnswerRun["trouble"], now: number): string {
  if (trouble === "connection") return t("troubleConnection");
  if (trouble === "busy") return t("troubleBusy");
  if (trouble === "loading") return t("troubleLoading");
  if (answer.status === "queued") return t("queued", { n: formatNumber(answer.position ?? 1) });
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
