/** One message: what was asked, what was answered, or the results of calls. */
import { useState } from "preact/hooks";
import { CopyButton } from "../../common/copy-button.js";
import { Icon } from "../../common/icon.js";
import type { AnswerRun } from "../../common/run.js";
import { t } from "../../common/texts.js";
import type { ChatApp } from "../app.js";
import { type ChatNode, openCalls, siblingsOf, type ToolNode, textOf, type UserNode } from "../tree.js";
import { AnswerView } from "./answer.js";
import { CallResults } from "./calls.js";
import { LongText } from "./long-text.js";

interface MessageProps {
  readonly app: ChatApp;
  readonly node: ChatNode;
  /** The answer on its way; null where the message is done. */
  readonly run: AnswerRun | null;
  /** Called when more of an answer is on the page, before anybody sees it. */
  readonly onGrown: () => void;
}

export function Message({ app, node, run, onGrown }: MessageProps) {
  if (node.role === "user") return <Question app={app} node={node} />;
  if (node.role === "tool") return <Results app={app} node={node} />;
  const calls = run ? [] : openCalls(node);
  const isLast = app.chat.content.leaf === node.id;
  return (
    <li class="message answer">
      <h2 class="offscreen">{t("answer")}</h2>
      <AnswerView node={node} run={run} soFar={app.partsSoFar(node.id)} onGrown={onGrown} />
      {!run && (
        <div class="actions">
          <Branches app={app} node={node} />
          <CopyButton text={() => textOf(node)} />
          <button type="button" class="icon" onClick={() => app.retry(node)} aria-label={t("retry")} title={t("retry")}>
            <Icon name="retry" />
          </button>
        </div>
      )}
      {isLast && calls.length > 0 && <CallResults calls={calls} onSend={(results) => app.sendResults(results)} />}
    </li>
  );
}

function Question({ app, node }: { app: ChatApp; node: UserNode }) {
  const [draft, setDraft] = useState<string | null>(null);
  if (draft !== null) {
    const submit = (event: Event) => {
      event.preventDefault();
      if (draft.trim() === "") return;
      setDraft(null);
      app.edit(node, draft);
    };
    return (
      <li class="message question editing">
        <form onSubmit={submit}>
          <textarea
            aria-label={t("message")}
            rows={Math.min(12, draft.split("\n").length + 1)}
            value={draft}
            onInput={({ currentTarget }) => setDraft(currentTarget.value)}
          />
          <div class="buttons">
            <button type="button" onClick={() => setDraft(null)}>
              {t("cancel")}
            </button>
            <button type="submit" class="primary">
              {t("send")}
            </button>
          </div>
        </form>
      </li>
    );
  }
  return (
    <li class="message question">
      <h2 class="offscreen">{t("you")}</h2>
      <div class="bubble" dir="auto">
        <LongText text={node.text} />
      </div>
      <div class="actions">
        <Branches app={app} node={node} />
        <CopyButton text={() => node.text} />
        <button type="button" class="icon" onClick={() => setDraft(node.text)} aria-label={t("edit")} title={t("edit")}>
          <Icon name="edit" />
        </button>
      </div>
    </li>
  );
}

function Results({ node, app }: { app: ChatApp; node: ToolNode }) {
  const calls = app.path.flatMap((other) => (other.role === "assistant" ? other.parts : []));
  const nameOf = (id: string) => calls.find((part) => part.kind === "call" && part.callId === id);
  return (
    <li class="message results">
      {node.results.map(({ callId, output }) => {
        const call = nameOf(callId);
        return (
          <details class="call" key={callId}>
            <summary>
              <Icon name="tool" />
              {t("callResult", { name: call?.kind === "call" ? call.name : callId })}
            </summary>
            <pre>
              <LongText text={output} />
            </pre>
          </details>
        );
      })}
    </li>
  );
}

/** ‹ 2 / 3 › where a message was edited or answered again. */
function Branches({ app, node }: { app: ChatApp; node: ChatNode }) {
  const siblings = siblingsOf(app.chat.content.nodes, node);
  if (siblings.length < 2) return null;
  const at = siblings.findIndex(({ id }) => id === node.id);
  const step = (by: number) => {
    const sibling = siblings[at + by];
    if (sibling) app.showBranch(sibling);
  };
  return (
    <span class="branches">
      <button
        type="button"
        class="icon"
        disabled={at === 0}
        onClick={() => step(-1)}
        aria-label={t("previousBranch")}
        title={t("previousBranch")}
      >
        <Icon name="left" />
      </button>
      <span title={t("branch", { n: at + 1, total: siblings.length })}>
        {at + 1}/{siblings.length}
      </span>
      <button
        type="button"
        class="icon"
        disabled={at === siblings.length - 1}
        onClick={() => step(1)}
        aria-label={t("nextBranch")}
        title={t("nextBranch")}
      >
        <Icon name="right" />
      </button>
    </span>
  );
}
