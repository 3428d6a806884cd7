/** Has the server look what is wrong with its machine, and shows what mends it; for owners alone. */
import { useState } from "preact/hooks";
import { ApiError, ask } from "../common/client.js";
import { CopyButton } from "../common/copy-button.js";
import { type TextName, t } from "../common/texts.js";
import { visible } from "../markdown/visible.js";
import { type DoctorResult, piecesOf } from "./mend.js";
import { Rows } from "./rows.js";

/** Programs and files of the machine may not answer, for which the server waits. */
const limitMs = 150_000;

export function Doctor() {
  const [isLooking, setLooking] = useState(false);
  const [result, setResult] = useState<DoctorResult | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const look = async () => {
    setLooking(true);
    setProblem(null);
    try {
      setResult(await ask<DoctorResult>("POST", "/hearth/v1/doctor", {}, limitMs));
    } catch (error) {
      const isUnreachable = error instanceof ApiError && error.status === 0;
      setProblem(isUnreachable ? t("unreachable") : (error as Error).message);
    }
    setLooking(false);
  };
  return (
    <section class="card wide doctor">
      <h2>{t("doctor")}</h2>
      <div class="doctor-ask">
        <p class="quiet">{t("doctorNote")}</p>
        <button type="button" disabled={isLooking} onClick={() => void look()}>
          {t(isLooking ? "doctorLooking" : "doctorLook")}
        </button>
      </div>
      {problem !== null && (
        <p class="error" role="alert">
          {problem}
        </p>
      )}
      <p class={result === null || isLooking ? "offscreen" : "doctor-sum"} role="status">
        {isLooking ? t("doctorLooking") : result === null ? "" : sumOf(result)}
      </p>
      {result !== null && !isLooking && <Result result={result} />}
    </section>
  );
}

function sumOf({ findings, unseen }: DoctorResult): string {
  if (findings.length > 0) return t(findings.length === 1 ? "doctorFoundOne" : "doctorFound", { n: findings.length });
  return t(unseen.length > 0 ? "doctorFineAsSeen" : "doctorFine");
}

const severities: Readonly<Record<string, TextName>> = { fault: "doctorFault", advice: "doctorAdvice" };

/** The server's words are English in every language of the page. */
function Result({ result: { facts, findings, unseen } }: { result: DoctorResult }) {
  return (
    <>
      {findings.length > 0 && (
        <ul class="findings">
          {findings.map(({ check, severity, found, mend }) => (
            <li key={`${check} ${found}`} class={severity}>
              <span class="badge">{t(severities[severity] ?? "doctorAdvice")}</span>
              <p lang="en">
                <b>{visible(check)}</b>: {visible(found)}
              </p>
              <Words text={mend} />
            </li>
          ))}
        </ul>
      )}
      {unseen.length > 0 && (
        <>
          <h3>{t("doctorUnseen")}</h3>
          <ul class="findings">
            {unseen.map(({ check, why }) => (
              <li key={check}>
                <Words text={why} about={check} />
              </li>
            ))}
          </ul>
        </>
      )}
      <details>
        <summary>{t("doctorSeen")}</summary>
        <div lang="en">
          <Rows rows={facts.map(({ check, text }) => [visible(check), visible(text)])} />
        </div>
      </details>
    </>
  );
}

/** Words, perhaps about a check, with each command on a line of its own to be copied. */
function Words({ text, about }: { text: string; about?: string }) {
  return (
    <div class="mend" lang="en">
      {piecesOf(text).map(({ isCommand, text: piece }, i) =>
        isCommand ? (
          <div class="command" key={piece}>
            <code class="mono">{visible(piece)}</code>
            <CopyButton text={() => piece} name={t("copyCommand", { command: piece })} />
          </div>
        ) : (
          <p class={about === undefined ? "quiet" : ""} key={piece}>
            {about !== undefined && i === 0 && (
              <>
                <b>{visible(about)}</b>:{" "}
              </>
            )}
            {visible(piece)}
          </p>
        ),
      )}
    </div>
  );
}
