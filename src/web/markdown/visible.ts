/** Text of strangers as it may be shown: what is invisible and could mislead is made visible. Pure. */

/** Control characters but tab and line ends; marks that turn the direction of what follows; tags and other invisible ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}\ufff9-\ufffb]/gu;

/** `\u0007` becomes ␇, and a mark without a picture of its own its number: ⟨U+202E⟩. */
export function visible(text: string): string {
  return text.replace(hidden, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
