/** Text of strangers, such as models, as a terminal may get it: nothing in it can move the cursor, change a colour or turn the writing. Pure. */

/**
 * Control characters but tab and line end; marks and overrides of the direction of writing; other separators, invisible tags and halves of
 * characters. Joiners stay: scripts and emoji are written with them.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

/** A control character becomes its picture (␛), another one its number (⟨U+202E⟩); the CR of a line end is left out. */
export function safeText(text: string): string {
  return text.replace(hidden, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0x0d) return "";
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "␡";
    if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** JSON in which nothing can act on a terminal either. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(hidden, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** safeText() in one line. */
export function safeLine(text: string): string {
  return safeText(text).replace(/[\t\n]+/g, " ");
}
