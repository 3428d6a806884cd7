/** A button that copies a text and says so for a moment. */
import { useState } from "preact/hooks";
import { Icon } from "./icon.js";
import { t } from "./texts.js";

const shownMs = 1500;

/** `name`: what is copied, for those who do not see where the button stands. */
export function CopyButton({ text, name = t("copy") }: { text: () => string; name?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text()))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), shownMs);
  };
  return (
    <button type="button" class="icon" onClick={copy} aria-label={isCopied ? t("copied") : name} title={t("copy")}>
      <Icon name={isCopied ? "check" : "copy"} />
    </button>
  );
}

/** False where the browser does not let it. Pages that came over plain HTTP from another machine have no clipboard but the old way. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}
