/** How many columns of a terminal a text takes, and where its lines break. Pure. */

/** Marks that stand over, under or between other characters, and take no column. */
const narrowest = /[\p{Mn}\p{Me}\p{Cf}]/u;
const emoji = /\p{Emoji_Presentation}/u;
/** First and last of the ranges that take two columns: East Asian wide and full-width characters. */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** 0, 1 or 2. */
function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return code < 0x20 ? 0 : 1;
  if (narrowest.test(character)) return 0;
  return wide.some(([first, last]) => code >= first && code <= last) || emoji.test(character) ? 2 : 1;
}

export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

const tabColumns = 4;

/** Lines of at most `columns` (2 or more), broken between words; a word that is longer than a line is broken within. */
export function wrapText(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line.replaceAll("\t", " ".repeat(tabColumns)), columns));
}

function wrapLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let current = "";
  let width = 0;
  const flush = () => {
    lines.push(current.trimEnd());
    current = "";
    width = 0;
  };
  // Words of scripts without spaces break before any of their wide characters.
  for (const word of line.match(/ +|[^ ]+/gu) ?? []) {
    const wordWidth = textWidth(word);
    if (word.startsWith(" ")) {
      // A space at the end of a line is the break itself.
      if (width + wordWidth > columns) flush();
      else if (width > 0 || lines.length === 0) {
        current += word;
        width += wordWidth;
      }
      continue;
    }
    if (width > 0 && width + wordWidth > columns && !(isWide(word) && width < columns)) flush();
    for (const character of word) {
      const taken = columnsOf(character);
      if (width + taken > columns) flush();
      current += character;
      width += taken;
    }
  }
  flush();
  return lines;
}

function isWide(word: string): boolean {
  return textWidth(word) > [...word].length;
}
