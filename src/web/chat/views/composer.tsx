/** The composer: Enter sends a message, Shift+Enter begins a line. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useChanges } from "../../common/hooks.js";
import { Icon } from "../../common/icon.js";
import { tabMemory } from "../../common/preferences.js";
import type { AnswerRun } from "../../common/run.js";
import { t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";

const tallestPx = 240;
/** Longer drafts are not kept over a reload. */
const longestDraft = 100_000;

export function Composer({ app, run }: { app: ChatApp; run: AnswerRun | null }) {
  const draftName = `draft.${app.chat.revision === 0 ? "new" : app.chat.id}`;
  const [text, setText] = useState(() => tabMemory.get(draftName) ?? "");
  const area = useRef<HTMLTextAreaElement>(null);
  useChanges(run);
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, tallestPx)}px`;
  }, [text]);
  useEffect(() => {
    // On a touch screen a focus would bring up the keyboard, and hide the chat that somebody wants to read.
    if (matchMedia("(hover: hover)").matches) area.current?.focus();
  }, []);
  const write = (value: string) => {
    setText(value);
    if (value.length <= longestDraft) tabMemory.set(draftName, value || null);
  };
  const isBusy = run !== null;
  const canSend = text.trim() !== "" && !isBusy;
  const send = () => {
    if (!canSend) return;
    write("");
    app.send(text);
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={area}
        id="message"
        rows={1}
        dir="auto"
        aria-label={t("message")}
        placeholder={t("messagePlaceholder")}
        value={text}
        onInput={({ currentTarget }) => write(currentTarget.value)}
        onKeyDown={(event) => {
          // A word that an input method still puts together is no message yet.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {isBusy ? (
        <button type="button" class="round" onClick={() => app.stop()} aria-label={t("stop")} title={t("stop")}>
          <Icon name="stop" />
        </button>
      ) : (
        <button type="submit" class="round" disabled={!canSend} aria-label={t("send")} title={t("send")}>
          <Icon name="send" />
        </button>
      )}
    </form>
  );
}
