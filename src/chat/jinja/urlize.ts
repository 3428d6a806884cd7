/** Addresses in a text as links, as Jinja2's urlize finds them. */

export interface LinkOptions {
  /** Characters of an address that are shown; null for all. */
  readonly limit: number | null;
  readonly rel: string;
  readonly target: string | null;
  /** Beside http, https and mailto. */
  readonly schemes: readonly string[];
}

const web = new RegExp(
  "^(?:(?:https?://|www\\.)(?:[\\p{L}\\p{N}_%-]+\\.)*(?:[a-z]{2,63}|xn--[\\p{L}\\p{N}_%]{2,59})" +
    "|(?:[\\p{L}\\p{N}_%-]{2,63}\\.)+(?:com|net|int|edu|gov|org|info|mil)" +
    "|https?://(?:\\d{1,3}(?:\\.\\d{1,3}){3}|\\[(?:[\\da-f]{0,4}:){2}(?:[\\da-f]{0,4}:?){1,6}\\]))" +
    "(?::\\d{1,5})?(?:[/?#]\\S*)?$",
  "iu",
);
const mail = /^\S+@[\p{L}\p{N}_][\p{L}\p{N}_.-]*\.[\p{L}\p{N}_]+$/u;
/** No address is longer. Keeps the expressions from taking long. */
const longestAddress = 2048;

/** `html`: escaped already. */
export function urlize(html: string, options: LinkOptions): string {
  return html
    .split(/(\s+)/)
    .map((word) => (word.length <= longestAddress ? linkedWord(word, options) : word))
    .join("");
}

function linkedWord(word: string, options: LinkOptions): string {
  const head = /^(?:[(<]|&lt;)+/.exec(word)?.[0] ?? "";
  let middle = word.slice(head.length);
  let tail = /(?:[)>.,\n]|&gt;)+$/.exec(middle)?.[0] ?? "";
  middle = middle.slice(0, middle.length - tail.length);
  // Brackets that the address itself has opened belong to it.
  for (const [open, close] of [
    ["(", ")"],
    ["<", ">"],
    ["&lt;", "&gt;"],
  ] as const) {
    const opened = count(middle, open);
    if (opened <= count(middle, close)) continue;
    for (let i = Math.min(opened, count(tail, close)); i > 0; i--) {
      const end = tail.indexOf(close) + close.length;
      middle += tail.slice(0, end);
      tail = tail.slice(end);
    }
  }
  return head + link(middle, options) + tail;
}

const count = (text: string, part: string): number => text.split(part).length - 1;

const escapeAttribute = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/"/g, "&#34;").replace(/</g, "&lt;");

function link(text: string, { limit, rel, target, schemes }: LinkOptions): string {
  const attributes =
    (rel === "" ? "" : ` rel="${escapeAttribute(rel)}"`) + (target ? ` target="${escapeAttribute(target)}"` : "");
  const shown = limit !== null && text.length > limit ? `${text.slice(0, limit)}...` : text;
  if (web.test(text)) {
    const address = /^https?:\/\//.test(text) ? text : `https://${text}`;
    return `<a href="${address}"${attributes}>${shown}</a>`;
  }
  if (text.startsWith("mailto:") && mail.test(text.slice(7))) return `<a href="${text}">${text.slice(7)}</a>`;
  const isMail = text.includes("@") && !text.startsWith("www.") && !text.startsWith("@") && !text.includes(":");
  if (isMail && mail.test(text)) return `<a href="mailto:${text}">${text}</a>`;
  const scheme = schemes.find((each) => text !== each && text.startsWith(each));
  return scheme === undefined ? text : `<a href="${text}"${attributes}>${text}</a>`;
}
