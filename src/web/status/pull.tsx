/** Gets a model by its name, with the bytes that have come; for owners alone. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, askLines } from "../common/client.js";
import { formatBytes, t } from "../common/texts.js";

interface Progress {
  readonly completed: number;
  /** 0: not known yet. */
  readonly total: number;
}

export function Pull({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [progress, setProgress] = useState<Progress | null>(null);
  const [said, setSaid] = useState<{ readonly text: string; readonly isError: boolean } | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const pull = async () => {
    const controller = new AbortController();
    running.current = controller;
    setSaid(null);
    setProgress({ completed: 0, total: 0 });
    try {
      const onLine = ({ completed, total }: Readonly<Record<string, unknown>>) => {
        if (typeof completed === "number" && typeof total === "number") setProgress({ completed, total });
      };
      await askLines("/api/pull", { model: name.trim() }, onLine, controller.signal);
      setSaid({ text: t("pulled", { name: name.trim() }), isError: false });
      setName("");
      onDone();
    } catch (error) {
      const isUnreachable = error instanceof ApiError && error.status === 0;
      if (!controller.signal.aborted) {
        setSaid({ text: isUnreachable ? t("unreachable") : (error as Error).message, isError: true });
      }
    }
    running.current = null;
    setProgress(null);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (name.trim() !== "" && progress === null) void pull();
  };
  return (
    <form class="pull" onSubmit={submit}>
      <label>
        {t("pullName")}
        <input
          value={name}
          placeholder="qwen3:0.6b"
          maxLength={512}
          spellcheck={false}
          autoCapitalize="none"
          disabled={progress !== null}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      {progress === null ? (
        <button type="submit" disabled={name.trim() === ""}>
          {t("pull")}
        </button>
      ) : (
        <button type="button" onClick={() => running.current?.abort()}>
          {t("cancel")}
        </button>
      )}
      {progress !== null && (
        <p class="pull-progress quiet">
          <progress
            {...(progress.total > 0 && { max: progress.total, value: progress.completed })}
            aria-label={t("pull")}
          />
          {progress.total > 0 &&
            t("pullProgress", { got: formatBytes(progress.completed), total: formatBytes(progress.total) })}
        </p>
      )}
      {said !== null && (
        <p class={said.isError ? "error" : "quiet"} role={said.isError ? "alert" : "status"}>
          {said.text}
        </p>
      )}
    </form>
  );
}
