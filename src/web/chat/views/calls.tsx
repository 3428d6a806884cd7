/** Calls of tools: what the model asks for, and where the user gives the results. */
import { useState } from "preact/hooks";
import type { CallPart } from "../../common/answer.js";
import { Icon } from "../../common/icon.js";
import { t } from "../../common/texts.js";
import { visible } from "../../markdown/visible.js";
import { parseJson } from "../request.js";

export function CallView({ call }: { call: CallPart }) {
  const value = call.isWhole ? parseJson(call.arguments) : undefined;
  return (
    <details class="call" open>
      <summary>
        <Icon name="tool" />
        {t("call", { name: visible(call.name) })}
      </summary>
      <pre>{visible(value === undefined ? call.arguments : JSON.stringify(value, null, 2))}</pre>
    </details>
  );
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
