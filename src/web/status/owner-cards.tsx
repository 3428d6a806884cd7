/** The cards that are for the owner: the models in memory, the board, and who asks. */
import { formatBytes, formatDay, formatNumber, formatSeconds, type TextName, t } from "../common/texts.js";
import { visible } from "../markdown/visible.js";
import { isSlowed, type LoggedWarning, memoryParts, type ReportedModel, type StatusReport } from "./report.js";
import { type Row, Rows } from "./rows.js";

export function ModelCards({ report: { models } }: { report: StatusReport }) {
  return (
    <>
      {models.map((model) => (
        <section class="card" key={model.name}>
          <h2>{t("model")}</h2>
          <p class="large">{visible(model.name)}</p>
          <Rows rows={modelRows(model)} />
        </section>
      ))}
    </>
  );
}

function modelRows(model: ReportedModel): Row[] {
  const { architecture, weightType, contextTokens, isa, threads, tokensPerSecond, phase, memoryBytes, residency } =
    model;
  const kind = [architecture, weightType].filter((part) => part !== null).join(" · ");
  return [
    ...(kind === "" ? [] : [[t("architecture"), visible(kind)] as const]),
    ...(phase === "ready" ? [] : [[t("state"), visible(phase)] as const]),
    [t("answerSpeed"), tokensPerSecond === null ? "-" : t("perSecond", { n: formatNumber(tokensPerSecond, 1) })],
    ...(memoryBytes > 0 ? [[t("modelMemory"), formatBytes(memoryBytes)] as const] : []),
    ...(residency === null ? [] : [[t("weightsKept"), formatBytes(residency.keptBytes)] as const]),
    ...(residency === null ? [] : [[t("weightsStreamed"), formatBytes(residency.streamedBytes)] as const]),
    ...(contextTokens === null ? [] : [[t("context"), t("tokens", { n: formatNumber(contextTokens) })] as const]),
    ...(isa === null ? [] : [[t("kernels"), t("kernelsOn", { isa, n: threads ?? 1 })] as const]),
  ];
}

/** The memory of the whole board. */
export function BoardMemory({ report }: { report: StatusReport }) {
  const parts = memoryParts(report);
  const all = report.memory.totalBytes;
  const rows = [
    ["memoryDaemon", parts.daemon],
    ["memoryOthers", parts.others],
    ["memoryFree", parts.free],
  ] as const;
  return (
    <section class="card">
      <h2>{t("memory")}</h2>
      <p class="large">{t("memoryFreeOf", { free: formatBytes(parts.free), total: formatBytes(all) })}</p>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" class="bar-chart" role="img" aria-label={t("memory")}>
        {rows.slice(0, -1).map(([name, bytes], i) => {
          const before = rows.slice(0, i).reduce((sum, [, each]) => sum + each, 0);
          return (
            <rect key={name} class={`part-${i}`} x={(before / all) * 100} width={(bytes / all) * 100} height="6" />
          );
        })}
      </svg>
      <dl>
        {rows.map(([name, bytes], i) => (
          <div key={name}>
            <dt class={`key part-${i < 2 ? i : "free"}`}>{t(name)}</dt>
            <dd>{formatBytes(bytes)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const restraintTexts: Readonly<Record<string, TextName>> = {
  heat: "restraintHeat",
  power: "restraintPower",
  others: "restraintOthers",
  "quiet hours": "restraintQuiet",
};

/** A later version of the server may name others. */
function restraintName(name: string): string {
  const text = restraintTexts[name];
  return text === undefined ? visible(name) : t(text);
}

export function Board({ report }: { report: StatusReport }) {
  const { board, pace, clients, uptimeSeconds } = report;
  const { celsius, throttle } = pace.heat;
  const { threads, cores, workShare } = pace;
  const percent = formatNumber(workShare * 100);
  const someCores = workShare > 0.99 ? t("someCores", { threads, cores }) : t("someTime", { threads, cores, percent });
  const speed = isSlowed(report) ? someCores : t("allCores", { n: cores });
  const rows: Row[] = [
    ...(celsius === null ? [] : [[t("boardTemperature"), `${formatNumber(celsius)} °C`] as const]),
    [t("pace"), speed],
    ...(pace.restraints.length === 0 ? [] : [[t("because"), pace.restraints.map(restraintName).join(", ")] as const]),
    ...(throttle && throttle.now.length > 0 ? [[t("firmware"), throttle.now.join(", ")] as const] : []),
    ["Linux", visible(board.kernel)],
    [t("uptime"), formatSeconds(uptimeSeconds)],
  ];
  return (
    <section class="card">
      <h2>{t("board")}</h2>
      <p class="large">{visible(board.name ?? t("boardUnknown", { n: board.cores }))}</p>
      <Rows rows={rows} />
      {clients.length > 0 && (
        <>
          <h2>{t("whoAsked")}</h2>
          <Rows rows={clients.slice(0, 5).map(({ name, answers }) => [visible(name), t("answers", { n: answers })])} />
        </>
      )}
    </section>
  );
}

/** The newest of them; the log has all. The server's words are English in every language of the page. */
export function Warnings({ warnings }: { warnings: readonly LoggedWarning[] }) {
  const rows = warnings.slice(0, 5).map(({ logged_at: at, text, times }): Row => {
    const shown = visible(text);
    return [formatDay(at), times === 1 ? shown : t("warningTimes", { text: shown, n: times })];
  });
  return (
    <section class="card wide warnings">
      <h2>{t("warnings")}</h2>
      {rows.length === 0 ? <p class="quiet">{t("noWarnings")}</p> : <Rows rows={rows} />}
    </section>
  );
}
