/** The status page's cards. */
import { useState } from "preact/hooks";
import { Flame } from "../common/flame.js";
import { useChanges } from "../common/hooks.js";
import { Icon } from "../common/icon.js";
import { formatBytes, formatNumber, t } from "../common/texts.js";
import { Doctor } from "./doctor.js";
import type { StatusFeed } from "./feed.js";
import { lineOf, total } from "./metrics.js";
import { Board, BoardMemory, ModelCards, Warnings } from "./owner-cards.js";
import { Pull } from "./pull.js";
import { Rows } from "./rows.js";

export function StatusPage({ feed }: { feed: StatusFeed }) {
  useChanges(feed);
  return (
    <>
      <header class="top">
        <Flame />
        <h1>{t("status")}</h1>
        <span class="quiet">{feed.version === "" ? "" : `hearth ${feed.version}`}</span>
        <a class="text" href="/">
          <Icon name="left" />
          {t("toChat")}
        </a>
      </header>
      <main class="cards">
        <State feed={feed} />
        <Speed feed={feed} />
        {feed.report && <ModelCards report={feed.report} />}
        <Work feed={feed} />
        {feed.report ? <BoardMemory report={feed.report} /> : <Memory feed={feed} />}
        {feed.report && <Board report={feed.report} />}
        <Models feed={feed} />
        {feed.warnings && <Warnings warnings={feed.warnings} />}
        {feed.report && <Doctor />}
      </main>
    </>
  );
}

function State({ feed: { readiness, needsKey, isLimited } }: { feed: StatusFeed }) {
  const state = readiness?.state ?? "notReady";
  const words =
    readiness === null
      ? t("waiting")
      : state === "ready"
        ? t("isReady")
        : state === "unreachable"
          ? t("unreachable")
          : "";
  return (
    <section class="card wide" role="status">
      <p class={`lamp ${state}`}>{words || readiness?.reasons.join(" ")}</p>
      {state === "ready" && readiness?.reasons.map((reason) => <p class="quiet">{reason}</p>)}
      {needsKey && <p class="error">{t("statusKey")}</p>}
      {isLimited && <p class="quiet">{t("statusLimited")}</p>}
    </section>
  );
}

const chart = { width: 600, height: 120 };

function Speed({ feed: { speed } }: { feed: StatusFeed }) {
  const now = speed.at(-1)?.value ?? 0;
  const top = Math.max(10, ...speed.map(({ value }) => value));
  return (
    <section class="card wide">
      <h2>{t("speed")}</h2>
      <p class="large">{t("perSecond", { n: formatNumber(now, 1) })}</p>
      <svg
        viewBox={`0 0 ${chart.width} ${chart.height}`}
        class="chart"
        preserveAspectRatio="none"
        role="img"
        aria-label={t("speedChart")}
      >
        <line x1="0" x2={chart.width} y1={chart.height - 0.5} y2={chart.height - 0.5} />
        <line x1="0" x2={chart.width} y1="0.5" y2="0.5" class="faint" />
        <polyline points={lineOf(speed, { ...chart, top })} />
      </svg>
      <p class="quiet">{t("speedNote", { top: formatNumber(top) })}</p>
    </section>
  );
}

function Work({ feed: { metrics, report } }: { feed: StatusFeed }) {
  const sum = (name: string) => total(metrics, name);
  const prompts = sum("hearth_prompt_tokens_total");
  const cached = sum("hearth_prompt_cached_tokens_total");
  const temperatures = (metrics.get("hearth_temperature_celsius") ?? []).map(({ value }) => value);
  const rows: [string, string][] = [
    [t("running"), formatNumber(sum("hearth_slots_busy"))],
    [t("inQueue"), formatNumber(sum("hearth_queue_length"))],
    [t("clients"), formatNumber(sum("hearth_websockets"))],
    [t("written"), formatNumber(sum("hearth_generated_tokens_total"))],
    [t("read"), formatNumber(prompts)],
    [t("foundAgain"), cached > 0 ? `${formatNumber((cached / (prompts + cached)) * 100)} %` : "-"],
    ...(temperatures.length > 0 && report === null
      ? [[t("boardTemperature"), `${formatNumber(Math.max(...temperatures))} °C`] as [string, string]]
      : []),
  ];
  return (
    <section class="card">
      <h2>{t("work")}</h2>
      <Rows rows={rows} />
    </section>
  );
}

/** This process's memory by kind: what a model's file takes can be had back by the system. */
function Memory({ feed: { metrics } }: { feed: StatusFeed }) {
  const parts = (metrics.get("hearth_memory_pss_bytes") ?? []).filter(({ value }) => value > 0);
  const sum = parts.reduce((bytes, { value }) => bytes + value, 0);
  if (sum === 0) return null; // no such system
  return (
    <section class="card">
      <h2>{t("memory")}</h2>
      <p class="large">{formatBytes(sum)}</p>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" class="bar-chart" role="img" aria-label={t("memory")}>
        {parts.map(({ labels, value }, i) => {
          const before = parts.slice(0, i).reduce((bytes, part) => bytes + part.value, 0);
          return (
            <rect
              key={labels.kind}
              class={`part-${i % 4}`}
              x={(before / sum) * 100}
              width={(value / sum) * 100}
              height="6"
            />
          );
        })}
      </svg>
      <dl>
        {parts.map(({ labels, value }, i) => (
          <div key={labels.kind}>
            <dt class={`key part-${i % 4}`}>{labels.kind === "file" ? t("memoryFile") : t("memoryOwn")}</dt>
            <dd>{formatBytes(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Models({ feed }: { feed: StatusFeed }) {
  const [loading, setLoading] = useState<string | null>(null);
  const load = async (name: string) => {
    setLoading(name);
    await feed.load(name);
    setLoading(null);
  };
  return (
    <section class="card wide">
      <h2>{t("models")}</h2>
      {feed.problem !== null && (
        <p class="error" role="alert">
          {feed.problem}
        </p>
      )}
      <ul class="models">
        {feed.models.map(({ name, parameters, type, bytes, isLoaded }) => (
          <li key={name}>
            <span class="name">{name}</span>
            <span class="quiet">
              {[parameters, type, bytes > 0 ? formatBytes(bytes) : ""].filter((part) => part !== "").join(" · ")}
            </span>
            {isLoaded ? (
              <span class="badge">{t("loaded")}</span>
            ) : (
              <button type="button" disabled={loading !== null} onClick={() => void load(name)}>
                {t(loading === name ? "loadingNow" : "load")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {feed.report && <Pull onDone={() => void feed.read()} />}
    </section>
  );
}
