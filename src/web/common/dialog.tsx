/** A modal dialog of the browser's own, which keeps the focus within and closes with Escape. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon.js";
import { t } from "./texts.js";

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Without it the dialog stays until what it asks for is there. */
  readonly onClose?: () => void;
}

export function Dialog({ title, children, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <header>
        <h2 id="dialog-title">{title}</h2>
        {onClose && (
          <button type="button" class="icon" onClick={onClose} aria-label={t("close")} title={t("close")}>
            <Icon name="close" />
          </button>
        )}
      </header>
      {children}
    </dialog>
  );
}
