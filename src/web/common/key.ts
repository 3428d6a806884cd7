/** The API key of this browser: typed in, or brought by a link in its fragment, which no browser sends to a server. */
import { preferences } from "./preferences.js";

/** Takes a key out of the page's address, so that it does not stay in the history, and keeps it. */
export function takeKeyFromAddress(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const key = fragment.get("key");
  if (key === null) return;
  fragment.delete("key");
  const rest = fragment.toString();
  history.replaceState(null, "", `${location.pathname}${location.search}${rest === "" ? "" : `#${rest}`}`);
  if (isKey(key)) preferences.set("key", key);
}

/** Whether a text may stand in a header and in the name of a subprotocol. */
export function isKey(text: string): boolean {
  return /^[\w.~+-]{1,256}$/.test(text);
}

export function storedKey(): string | null {
  const key = preferences.get("key");
  return key !== null && isKey(key) ? key : null;
}
