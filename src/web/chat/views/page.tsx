/** The whole page: the chats at the side, the one that is open, and what has to be said above both. */
import { useEffect, useState } from "preact/hooks";
import { useChanges } from "../../common/hooks.js";
import { Icon } from "../../common/icon.js";
import { formatBytes, t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { KeyDialog } from "./key-dialog.js";
import { Messages } from "./messages.js";
import { SettingsDialog } from "./settings.js";
import { Sidebar } from "./sidebar.js";

export function Page({ app }: { app: ChatApp }) {
  const run = app.currentRun;
  useChanges(app);
  const [isSideOpen, setSideOpen] = useState(false);
  const [isSettingsOpen, setSettingsOpen] = useState(false);
  useShortcuts(app, () => setSideOpen(true));
  const { title, content, id } = app.chat;
  useEffect(() => {
    document.title = title === "" ? "hearth" : `${title} - hearth`;
  }, [title]);

  return (
    <div class="page">
      <Sidebar app={app} isOpen={isSideOpen} onClose={() => setSideOpen(false)} />
      <main class="chat">
        <header class="bar">
          <button
            type="button"
            class="icon narrow-only"
            onClick={() => setSideOpen(true)}
            aria-label={t("showChats")}
            title={t("showChats")}
          >
            <Icon name="menu" />
          </button>
          <h1 dir="auto">{title === "" ? t("newChat") : title}</h1>
          {app.hasUnsaved && <span class="quiet">{t("notSaved")}</span>}
          <ModelChoice app={app} />
          <button
            type="button"
            class="icon"
            onClick={() => setSettingsOpen(true)}
            aria-label={t("settings")}
            title={t("settings")}
          >
            <Icon name="settings" />
          </button>
        </header>
        <Banner app={app} />
        <Messages key={id} app={app} />
        <Composer key={`composer ${id}`} app={app} run={run} />
      </main>
      {isSettingsOpen && (
        <SettingsDialog app={app} settings={content.settings} onClose={() => setSettingsOpen(false)} />
      )}
      {app.needsKey && <KeyDialog app={app} />}
    </div>
  );
}

/** The models with their sizes; nothing to choose where there is one alone. */
function ModelChoice({ app }: { app: ChatApp }) {
  const { settings } = app.chat.content;
  const { models } = app;
  const isKnown = settings.model === null || models.some(({ name }) => name === settings.model);
  return (
    <select
      class="model"
      aria-label={t("model")}
      value={settings.model ?? ""}
      onChange={({ currentTarget }) => app.setSettings({ ...settings, model: currentTarget.value || null })}
    >
      <option value="">{t("defaultModel")}</option>
      {!isKnown && <option value={settings.model ?? ""}>{settings.model}</option>}
      {models.map(({ name, bytes, parameters, type, isLoaded }) => (
        <option key={name} value={name}>
          {[name, parameters, type, bytes > 0 ? formatBytes(bytes) : "", isLoaded ? t("loaded") : ""]
            .filter((part) => part !== "")
            .join(" · ")}
        </option>
      ))}
    </select>
  );
}

/** Escape stops the answer, Ctrl+K searches, Ctrl+Shift+O begins a chat. */
function useShortcuts(app: ChatApp, showChats: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isCommand = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) app.stop();
      else if (isCommand && key === "k") {
        showChats();
        requestAnimationFrame(() => document.getElementById("search")?.focus());
      } else if (isCommand && event.shiftKey && key === "o") app.newChat();
      else return;
      if (event.key !== "Escape") event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
