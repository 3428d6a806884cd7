/** Asks for the key that the server wants. */
import { useState } from "preact/hooks";
import { Dialog } from "../../common/dialog.js";
import { isKey } from "../../common/key.js";
import { t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";

export function KeyDialog({ app }: { app: ChatApp }) {
  const [key, setKey] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (isKey(key.trim())) app.setKey(key.trim());
  };
  return (
    <Dialog title={t("keyTitle")}>
      <form onSubmit={submit}>
        <p>{t("keyText")}</p>
        {app.problem === "keyRefused" && (
          <p class="error" role="alert">
            {t("keyRefused")}
          </p>
        )}
        <label>
          {t("keyLabel")}
          <input
            type="password"
            autoComplete="current-password"
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={!isKey(key.trim())}>
          {t("keyUse")}
        </button>
      </form>
    </Dialog>
  );
}
