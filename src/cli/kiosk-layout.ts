/** Places a kiosk's texts on the rows of a terminal. Pure: knows no terminal, no time and no colours, only what they are for. */
import { safeText } from "./safe-text.js";
import { textWidth, wrapText } from "./text-width.js";

export interface KioskView {
  readonly time: string;
  readonly date: string;
  /** The text that is shown; of a longer one than there is room for, the end. */
  readonly text: string;
  /** More of it comes. */
  readonly isWriting: boolean;
  /** Trouble; empty: none. */
  readonly notice: string;
  /** The clock is all there is to see. */
  readonly isClock: boolean;
  /** The picture's place, in columns and rows from its middle: no pixel shows the same for long. */
  readonly drift: { readonly x: number; readonly y: number };
}

export type Ink = "text" | "clock" | "quiet" | "mark";

export interface Span {
  readonly text: string;
  readonly ink: Ink;
}

/** A row from the left; what is behind its spans is empty. */
export type Row = readonly Span[];

/** Longer lines are hard to read. */
const widest = 64;
const empty: Row = [];

/** Exactly `rows` rows of at most `columns` columns. */
export function layOut(view: KioskView, columns: number, rows: number): Row[] {
  const margin = columns >= 30 ? Math.max(3, Math.round(columns * 0.07)) : columns >= 16 ? 1 : 0;
  const width = Math.max(2, Math.min(widest, columns - 2 * margin));
  const left = Math.min(Math.max(0, Math.floor((columns - width) / 2) + Math.sign(view.drift.x)), columns - width);
  const indent: Span = { text: " ".repeat(Math.max(0, left)), ink: "text" };
  const place = (row: Row): Row => (row.length === 0 ? empty : [indent, ...clipped(row, width)]);
  const notice = view.notice === "" ? [] : wrapText(safeText(view.notice), width).slice(0, Math.max(1, rows - 2));
  const foot = notice.length === 0 ? 0 : notice.length + (rows > 8 ? 2 : 0);
  const clock = view.isClock ? largeClock(view, width, rows - foot) : smallClock(view, width, rows);
  const space = rows >= 10 ? 2 : clock.length > 0 && rows >= 4 ? 1 : 0;
  // The top stays where it is while text is typed out below it.
  const highest = view.isClock
    ? Math.floor((rows - foot - clock.length) / 2)
    : rows >= 10
      ? Math.round(rows * 0.12)
      : 0;
  const top = Math.max(0, highest + (highest > 1 ? Math.sign(view.drift.y) : 0));
  const room = Math.max(0, rows - top - clock.length - space - foot);
  const body = room === 0 ? [] : bodyRows(view, width).slice(-room);
  const page: Row[] = [...Array<Row>(top).fill(empty), ...clock];
  if (body.length > 0) page.push(...Array<Row>(space).fill(empty), ...body);
  while (page.length < rows - foot) page.push(empty);
  page.length = Math.min(page.length, rows);
  page.splice(rows - foot, foot, ...notice.map((text): Row => [{ text, ink: "quiet" }]));
  while (page.length < rows) page.push(empty);
  return page.slice(0, rows).map(place);
}

/** A terminal may be narrower than the time is. */
function clipped(row: Row, width: number): Row {
  const shown: Span[] = [];
  let left = width;
  for (const span of row) {
    if (left <= 0) break;
    const text = wrapText(span.text, left)[0] ?? "";
    shown.push(textWidth(span.text) <= left ? span : { ...span, text });
    left -= textWidth(span.text);
  }
  return shown;
}

function bodyRows({ text, isWriting }: KioskView, width: number): Row[] {
  if (text === "") return [];
  const lines = wrapText(safeText(text), width);
  return lines.map((line, i): Row => {
    const isEnd = isWriting && i === lines.length - 1 && textWidth(line) < width;
    const span: Span = { text: line, ink: "text" };
    return isEnd ? [span, { text: " ", ink: "mark" }] : line === "" ? empty : [span];
  });
}

function smallClock({ time, date, text }: KioskView, width: number, rows: number): Row[] {
  if (rows < 3 && text !== "") return [];
  const gap = "  ";
  const shortDate = wrapText(date, width)[0] ?? "";
  if (textWidth(time + gap + date) <= width) {
    return [
      [
        { text: time, ink: "clock" },
        { text: gap + date, ink: "quiet" },
      ],
    ];
  }
  const both: Row[] = [[{ text: time, ink: "clock" }], [{ text: shortDate, ink: "quiet" }]];
  return rows >= 6 ? both : both.slice(0, 1);
}

/** Digits three cells wide and five high; a cell is two columns, as high as it is wide. */
const digits: Readonly<Record<string, string>> = {
  "0": "### #.# #.# #.# ###",
  "1": "..# ..# ..# ..# ..#",
  "2": "### ..# ### #.. ###",
  "3": "### ..# ### ..# ###",
  "4": "#.# #.# ### ..# ..#",
  "5": "### #.. ### ..# ###",
  "6": "### #.. ### #.# ###",
  "7": "### ..# ..# ..# ..#",
  "8": "### #.# ### #.# ###",
  "9": "### #.# ### ..# ###",
  ":": ". # . # .",
};
const digitRows = 5;

function largeClock(view: KioskView, width: number, rows: number): Row[] {
  // `06:30 PM`: the letters stand behind the digits as they are.
  const [, figures = "", letters = ""] = /^([\d:]+)(.*)$/u.exec(view.time) ?? [];
  const lines = Array.from({ length: digitRows }, (_, row) =>
    [...figures].map((figure) => cellsOf(figure, row)).join("  "),
  );
  const isRoom = figures !== "" && rows >= digitRows + 2 && textWidth((lines[0] ?? "") + letters) <= width;
  if (!isRoom) return smallClock({ ...view, text: "" }, width, rows);
  const large = lines.map((text, i): Row => [{ text: i === digitRows - 1 ? text + letters : text, ink: "clock" }]);
  return [...large, empty, ...wrapText(view.date, width).map((text): Row => [{ text, ink: "quiet" }])];
}

function cellsOf(figure: string, row: number): string {
  const cells = digits[figure]?.split(" ")[row] ?? "";
  return [...cells].map((cell) => (cell === "#" ? "██" : "  ")).join("");
}
