/** Says what is wrong with the server or with what was just done, above the messages. */
import { Icon } from "../../common/icon.js";
import { isTextName, t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";

export function Banner({ app }: { app: ChatApp }) {
  const { readiness, problem, needsKey } = app;
  const state =
    readiness.state === "unreachable"
      ? t("unreachable")
      : readiness.state === "notReady"
        ? t("notReady", { reason: readiness.reasons.join(" ") })
        : null;
  return (
    <div class="banners" role="status">
      {state !== null && <p class="banner">{state}</p>}
      {problem !== null && !needsKey && (
        <p class="banner problem">
          <span class="banner-text">{isTextName(problem) ? t(problem) : problem}</span>
          <button
            type="button"
            class="icon"
            onClick={() => app.report(null)}
            aria-label={t("dismiss")}
            title={t("dismiss")}
          >
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}
