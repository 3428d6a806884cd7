/** A terminal as a kiosk's face: draws the rows that changed, each frame in one write, with no cursor. Knows nothing of where texts come from. */
import { type Ink, type KioskView, layOut, type Row } from "./kiosk-layout.js";

export interface Screen {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

export interface ScreenOptions {
  /** Colours are wanted, and the terminal has them. */
  readonly hasColours: boolean;
  /** The console of Linux, which goes dark by itself after some minutes. */
  readonly isLinuxConsole: boolean;
}

/** A serial line tells no size. */
const usualColumns = 80;
const usualRows = 24;

const csi = "\x1b[";
const reset = `${csi}0m`;
/** Dark on light by day, light on dark by night. */
const inks: Record<"day" | "night", Record<Ink, string>> = {
  day: { text: "0;30;47", clock: "0;31;47", quiet: "0;34;47", mark: "0;30;41" },
  night: { text: "0;37;40", clock: "0;1;33;40", quiet: "0;36;40", mark: "0;30;43" },
};
const withoutColour: Record<Ink, string> = { text: "0", clock: "0;1", quiet: "0", mark: "0;7" };

export class KioskScreen {
  readonly #out: Screen;
  readonly #options: ScreenOptions;
  #shown: string[] = [];
  #size = "";

  constructor(out: Screen, options: ScreenOptions) {
    this.#out = out;
    this.#options = options;
  }

  start(): void {
    // The other screen, where there is one; no cursor; no screen saver.
    const awake = this.#options.isLinuxConsole ? `${csi}9;0]${csi}14;0]` : "";
    this.#out.write(`${csi}?1049h${csi}?25l${awake}${reset}${csi}2J`);
    this.#shown = [];
  }

  /** Gives the terminal back as it was. */
  stop(): void {
    this.#out.write(`${reset}${csi}2J${csi}H${csi}?25h${csi}?1049l`);
  }

  /** `isWhole`: draws every row, for others may have written on the screen. */
  show(view: KioskView, isNight: boolean, isWhole = false): void {
    const columns = this.#out.columns || usualColumns;
    const rows = this.#out.rows || usualRows;
    const size = `${columns}x${rows}`;
    if (size !== this.#size || isWhole) this.#shown = [];
    this.#size = size;
    const ink = this.#options.hasColours ? inks[isNight ? "night" : "day"] : withoutColour;
    const lines = layOut(view, columns, rows).map((row) => painted(row, ink));
    const changed = lines.flatMap((line, i) => (line === this.#shown[i] ? [] : [`${csi}${i + 1};1H${line}`]));
    this.#shown = lines;
    if (changed.length > 0) this.#out.write(changed.join("") + reset);
  }
}

/** The end of the row is erased behind its text and in its colour: erasing it first would flicker. */
function painted(row: Row, ink: Record<Ink, string>): string {
  const spans = row.map((span) => `${csi}${ink[span.ink]}m${span.text}`).join("");
  return `${spans}${csi}${ink.text}m${csi}K`;
}
