/** The messages of the branch that is shown, scrolled along while an answer grows unless somebody reads further up. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../common/icon.js";
import { t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";
import { isDone } from "../tree.js";
import { Message } from "./message.js";
import { Progress } from "./progress.js";

/** So near the end counts as at the end. */
const nearPx = 48;

export function Messages({ app }: { app: ChatApp }) {
  const { path } = app;
  const run = app.currentRun;
  const newest = path.at(-1);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const isFollowing = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);

  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  const follow = () => {
    if (isFollowing.current) toEnd();
  };
  // A message that was just sent is shown whatever was read before.
  const { leaf } = app.chat.content;
  useLayoutEffect(() => {
    isFollowing.current = true;
    toEnd();
  }, [leaf]);
  // Pieces that are laid out later than they come, such as formulas, make it longer too.
  useEffect(() => {
    if (!list.current) return;
    const observer = new ResizeObserver(follow);
    observer.observe(list.current);
    return () => observer.disconnect();
  }, []);
  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx;
    isFollowing.current = atEnd;
    setAtEnd(atEnd);
  };

  return (
    <div class="scroller-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard */}
      <section class="scroller" ref={scroller} onScroll={onScroll} tabIndex={0} aria-label={t("chats")}>
        <ol class="messages" ref={list}>
          {path.map((node) => (
            <Message key={node.id} app={app} node={node} run={app.runOf(node.id)} onGrown={follow} />
          ))}
        </ol>
        {path.length === 0 && (
          <div class="welcome">
            <p class="large">{t("welcome")}</p>
            <p class="quiet">{t("welcomeNote")}</p>
          </div>
        )}
      </section>
      {(run || (newest && !isDone(newest))) && <Progress run={run} />}
      {!isAtEnd && (
        <button
          type="button"
          class="icon to-end"
          onClick={() => {
            isFollowing.current = true;
            toEnd();
          }}
          aria-label={t("toEnd")}
          title={t("toEnd")}
        >
          <Icon name="down" />
        </button>
      )}
      <Announcer isBusy={run !== null} />
    </div>
  );
}

/** Tells a screen reader that an answer is done; words that come one by one would chatter. */
function Announcer({ isBusy }: { isBusy: boolean }) {
  const wasBusy = useRef(false);
  const [text, setText] = useState("");
  useEffect(() => {
    if (wasBusy.current && !isBusy) setText(t("answerDone"));
    if (isBusy) setText("");
    wasBusy.current = isBusy;
  }, [isBusy]);
  return (
    <p class="offscreen" role="status" aria-live="polite">
      {text}
    </p>
  );
}
