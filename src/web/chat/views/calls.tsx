/** Calls of tools: what the model asks for, and where the user gives the results. */
import { useMemo, useState } from "preact/hooks";
import type { CallPart } from "../../common/answer.js";
import { endOf, type Text } from "../../common/growing-text.js";
import { Icon } from "../../common/icon.js";
import { t } from "../../common/texts.js";
import { visible } from "../../markdown/visible.js";
import { parseJson } from "../request.js";
import { LongText } from "./long-text.js";

/** A call that is being written shows its end: it would be laid out whole with each word. */
const shownEnd = 2000;

export function CallView({ call: { name, arguments: written, isWhole } }: { call: CallPart<Text> }) {
  const text = useMemo(() => (isWhole ? readable(`${written}`) : null), [written, isWhole]);
  return (
    <details class="call" open>
      <summary>
        <Icon name="tool" />
        {t("call", { name: visible(name) })}
      </summary>
      <pre>
        <LongText text={text ?? endOf(written, shownEnd)} />
      </pre>
    </details>
  );
}

/** JSON with a line for each of its values; other text as it is. */
function readable(text: string): string {
  const value = parseJson(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
}

interface CallResultsProps {
  readonly calls: readonly CallPart[];
  readonly onSend: (results: readonly { readonly callId: string; readonly output: string }[]) => void;
}

export function CallResults({ calls, onSend }: CallResultsProps) {
  const [outputs, setOutputs] = useState<Readonly<Record<string, string>>>({});
  const submit = (event: Event) => {
    event.preventDefault();
    onSend(calls.map(({ callId }) => ({ callId, output: outputs[callId] ?? "" })));
  };
  return (
    <form class="call-results" onSubmit={submit}>
      {calls.map(({ callId, name }) => (
        <label key={callId}>
          {t("callResult", { name: visible(name) })}
          <textarea
            rows={2}
            value={outputs[callId] ?? ""}
            onInput={({ currentTarget }) => setOutputs({ ...outputs, [callId]: currentTarget.value })}
          />
        </label>
      ))}
      <button type="submit" class="primary">
        {t("sendResults")}
      </button>
    </form>
  );
}
