/** How a chat is asked, and how the page looks and keeps. */
import { useState } from "preact/hooks";
import { Dialog } from "../../common/dialog.js";
import { preferences } from "../../common/preferences.js";
import { applyLanguage, isLanguage, languages, t } from "../../common/texts.js";
import { chooseTheme, chosenTheme, type Theme } from "../../common/theme.js";
import type { ChatApp } from "../app.js";
import { isObject, parseJson } from "../request.js";
import { toFile } from "../transfer.js";
import type { ChatSettings } from "../tree.js";
import { download } from "./sidebar.js";

interface SettingsProps {
  readonly app: ChatApp;
  readonly settings: ChatSettings;
  readonly onClose: () => void;
}

export function SettingsDialog({ app, settings, onClose }: SettingsProps) {
  const change = (changed: Partial<ChatSettings>) => app.setSettings({ ...app.chat.content.settings, ...changed });
  const isSchemaBad = settings.schema.trim() !== "" && !isObject(parseJson(settings.schema));
  const isToolsBad = settings.tools.trim() !== "" && !Array.isArray(parseJson(settings.tools));
  return (
    <Dialog title={t("settings")} onClose={onClose}>
      <div class="settings">
        <label>
          {t("instructions")}
          <textarea
            rows={4}
            dir="auto"
            placeholder={t("instructionsHint")}
            value={settings.instructions}
            onInput={({ currentTarget }) => change({ instructions: currentTarget.value })}
          />
        </label>
        <fieldset>
          <legend>{t("sampling")}</legend>
          <div class="fields">
            <NumberField
              label={t("temperature")}
              value={settings.temperature}
              bounds={[0, 2, 0.1]}
              onChange={(temperature) => change({ temperature })}
            />
            <NumberField
              label={t("topP")}
              value={settings.topP}
              bounds={[0, 1, 0.05]}
              onChange={(topP) => change({ topP })}
            />
            <NumberField
              label={t("maxTokens")}
              value={settings.maxTokens}
              bounds={[1, 1_000_000, 1]}
              onChange={(maxTokens) => change({ maxTokens })}
            />
            <NumberField
              label={t("seed")}
              value={settings.seed}
              bounds={[0, 4_294_967_295, 1]}
              onChange={(seed) => change({ seed })}
            />
            <label>
              {t("reasoning")}
              <select
                value={settings.effort ?? ""}
                onChange={({ currentTarget }) => change({ effort: currentTarget.value || null })}
              >
                <option value="">{t("reasoningAuto")}</option>
                <option value="none">{t("reasoningNone")}</option>
                <option value="low">{t("reasoningLow")}</option>
                <option value="high">{t("reasoningHigh")}</option>
              </select>
            </label>
          </div>
        </fieldset>
        <details>
          <summary>{t("structured")}</summary>
          <JsonField
            label={t("schema")}
            value={settings.schema}
            problem={isSchemaBad ? t("schemaBad") : null}
            onChange={(schema) => change({ schema })}
          />
          <JsonField
            label={t("tools")}
            value={settings.tools}
            problem={isToolsBad ? t("toolsBad") : null}
            onChange={(tools) => change({ tools })}
          />
        </details>
        <OfThisDevice app={app} />
        <button type="button" onClick={() => download(toFile([app.chat]))}>
          {t("exportOne")}
        </button>
      </div>
    </Dialog>
  );
}

function OfThisDevice({ app }: { app: ChatApp }) {
  const [theme, setTheme] = useState(chosenTheme());
  const language = document.documentElement.lang;
  return (
    <>
      <fieldset>
        <legend>{t("keep")}</legend>
        {(["server", "browser"] as const).map((place) => (
          <label class="choice" key={place}>
            <input type="radio" name="keep" checked={app.place === place} onChange={() => app.keepIn(place)} />
            {t(place === "server" ? "keepServer" : "keepBrowser")}
          </label>
        ))}
        <p class="quiet">{t("keepNote")}</p>
      </fieldset>
      <fieldset>
        <legend>{t("appearance")}</legend>
        <div class="fields">
          <label>
            {t("theme")}
            <select
              value={theme}
              onChange={({ currentTarget }) => {
                const chosen = currentTarget.value as Theme;
                setTheme(chosen);
                chooseTheme(chosen);
              }}
            >
              <option value="system">{t("themeSystem")}</option>
              <option value="light">{t("themeLight")}</option>
              <option value="dark">{t("themeDark")}</option>
            </select>
          </label>
          <label>
            {t("language")}
            <select
              value={language}
              onChange={({ currentTarget }) => {
                if (!isLanguage(currentTarget.value)) return;
                preferences.set("language", currentTarget.value);
                applyLanguage();
                app.redraw();
              }}
            >
              {Object.entries(languages).map(([name, label]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        </div>
      </fieldset>
    </>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: number | null;
  /** The least, the most and the step. */
  readonly bounds: readonly [number, number, number];
  readonly onChange: (value: number | null) => void;
}

function NumberField({ label, value, bounds: [min, max, step], onChange }: NumberFieldProps) {
  return (
    <label>
      {label}
      <input
        type="number"
        inputMode="decimal"
        {...{ min, max, step }}
        placeholder={t("byServer")}
        value={value ?? ""}
        onChange={({ currentTarget: { valueAsNumber } }) =>
          onChange(Number.isNaN(valueAsNumber) ? null : Math.min(max, Math.max(min, valueAsNumber)))
        }
      />
    </label>
  );
}

interface JsonFieldProps {
  readonly label: string;
  readonly value: string;
  readonly problem: string | null;
  readonly onChange: (value: string) => void;
}

function JsonField({ label, value, problem, onChange }: JsonFieldProps) {
  return (
    <label>
      {label}
      <textarea
        rows={5}
        class="mono"
        spellcheck={false}
        value={value}
        aria-invalid={problem !== null}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      {problem !== null && <span class="error">{problem}</span>}
    </label>
  );
}
