/** The chats: to find, open, rename, delete, export and import. */
import { useRef, useState } from "preact/hooks";
import { Dialog } from "../../common/dialog.js";
import { Flame } from "../../common/flame.js";
import { Icon } from "../../common/icon.js";
import { formatDay, t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";
import type { ChatSummary } from "../chat.js";
import { fromFile, toFile } from "../transfer.js";

interface SidebarProps {
  readonly app: ChatApp;
  /** On a narrow screen, where it covers the chat. */
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function Sidebar({ app, isOpen, onClose }: SidebarProps) {
  const [renamed, setRenamed] = useState<ChatSummary | null>(null);
  const [deleted, setDeleted] = useState<ChatSummary | null>(null);
  const open = (id: string) => {
    void app.open(id);
    onClose();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: the button in the sidebar does it by keyboard */}
      {isOpen && <div class="shade" onClick={onClose} />}
      <nav class={isOpen ? "sidebar open" : "sidebar"} aria-label={t("chats")}>
        <div class="brand">
          <Flame />
          <span>hearth</span>
          <button
            type="button"
            class="icon narrow-only"
            onClick={onClose}
            aria-label={t("hideChats")}
            title={t("hideChats")}
          >
            <Icon name="close" />
          </button>
        </div>
        <button
          type="button"
          class="new"
          onClick={() => {
            app.newChat();
            onClose();
          }}
        >
          <Icon name="plus" />
          {t("newChat")}
        </button>
        <label class="search">
          <Icon name="search" />
          <input
            id="search"
            type="search"
            aria-label={t("searchChats")}
            placeholder={t("searchChats")}
            value={app.search}
            onInput={({ currentTarget }) => app.find(currentTarget.value)}
          />
        </label>
        <ul class="chats">
          {app.chats.map((chat) => (
            <li key={chat.id} class={chat.id === app.chat.id ? "current" : undefined}>
              <button
                type="button"
                class="open"
                aria-current={chat.id === app.chat.id ? "page" : undefined}
                onClick={() => open(chat.id)}
              >
                <span dir="auto">{chat.title || t("untitled")}</span>
                <time>{formatDay(chat.updatedAt)}</time>
              </button>
              <span class="chat-actions">
                <button
                  type="button"
                  class="icon"
                  onClick={() => setRenamed(chat)}
                  aria-label={`${t("rename")}: ${chat.title}`}
                  title={t("rename")}
                >
                  <Icon name="edit" />
                </button>
                <button
                  type="button"
                  class="icon"
                  onClick={() => setDeleted(chat)}
                  aria-label={`${t("delete")}: ${chat.title}`}
                  title={t("delete")}
                >
                  <Icon name="trash" />
                </button>
              </span>
            </li>
          ))}
        </ul>
        {app.chats.length === 0 && <p class="quiet">{t(app.search === "" ? "noChats" : "nothingFound")}</p>}
        <Transfer app={app} />
      </nav>
      {renamed && <RenameDialog app={app} chat={renamed} onClose={() => setRenamed(null)} />}
      {deleted && <DeleteDialog app={app} chat={deleted} onClose={() => setDeleted(null)} />}
    </>
  );
}

function Transfer({ app }: { app: ChatApp }) {
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined) => {
    const chats = file && fromFile(await file.text());
    if (chats) await app.importAll(chats);
    else if (file) app.report("importBad");
    if (input.current) input.current.value = "";
  };
  return (
    <div class="transfer">
      <button type="button" class="text" onClick={() => void app.exportAll().then((chats) => download(toFile(chats)))}>
        <Icon name="export" />
        {t("export")}
      </button>
      <button type="button" class="text" onClick={() => input.current?.click()}>
        <Icon name="import" />
        {t("import")}
      </button>
      <a class="text" href="/status">
        <Icon name="status" />
        {t("status")}
      </a>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label={t("import")}
        onChange={({ currentTarget }) => void read(currentTarget.files?.[0])}
      />
    </div>
  );
}

/** Hands a file to the browser. */
export function download(text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `hearth-chats-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

interface ChatDialogProps {
  readonly app: ChatApp;
  readonly chat: ChatSummary;
  readonly onClose: () => void;
}

function RenameDialog({ app, chat, onClose }: ChatDialogProps) {
  const [title, setTitle] = useState(chat.title);
  const submit = (event: Event) => {
    event.preventDefault();
    void app.rename(chat.id, title);
    onClose();
  };
  return (
    <Dialog title={t("rename")} onClose={onClose}>
      <form onSubmit={submit}>
        <label>
          {t("renameTo")}
          <input value={title} maxLength={200} onInput={({ currentTarget }) => setTitle(currentTarget.value)} />
        </label>
        <button type="submit" class="primary">
          {t("save")}
        </button>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ app, chat, onClose }: ChatDialogProps) {
  return (
    <Dialog title={t("delete")} onClose={onClose}>
      <p dir="auto">{t("deleteSure", { title: chat.title || t("untitled") })}</p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          {t("cancel")}
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            void app.remove(chat.id);
            onClose();
          }}
        >
          {t("delete")}
        </button>
      </div>
    </Dialog>
  );
}
