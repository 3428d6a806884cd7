/** A terminal's screen in memory, for tests: takes what a program writes, and tells what a person would see. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const sequence = /^\x1b(?:\[([?>]?)([\d;]*)([ -/]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78cDEHM]|[()][\w])/;

export class Screen {
  #columns: number;
  #rows: number;
  #cells: string[][] = [];
  #x = 0;
  #y = 0;
  #pending = "";
  /** The lines that went out at the top. */
  readonly scrolled: string[] = [];
  hasCursor = true;
  /** Sequences that this screen does not know. */
  readonly strange: string[] = [];

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#cells = Array.from({ length: rows }, () => []);
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    this.#cells.length = Math.min(this.#cells.length, rows);
    while (this.#cells.length < rows) this.#cells.push([]);
    this.#x = Math.min(this.#x, columns - 1);
    this.#y = Math.min(this.#y, rows - 1);
  }

  get lines(): string[] {
    return this.#cells.map((row) =>
      Array.from(row, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
  }

  /** All rows without those that are empty at the end, and before them those that scrolled away. */
  get text(): string {
    return [...this.scrolled, ...this.lines].join("\n").trimEnd();
  }

  write(text: string): void {
    let rest = this.#pending + text;
    this.#pending = "";
    while (rest !== "") {
      if (rest.startsWith("\x1b")) {
        const found = sequence.exec(rest);
        if (!found) {
          if (rest.length < 40) this.#pending = rest;
          else this.strange.push(JSON.stringify(rest.slice(0, 40)));
          if (rest.length < 40) return;
          rest = rest.slice(1);
          continue;
        }
        this.#control(found);
        rest = rest.slice(found[0].length);
        continue;
      }
      const [character = ""] = rest;
      this.#put(character);
      rest = rest.slice(character.length);
    }
  }

  #put(character: string): void {
    if (character === "\r") this.#x = 0;
    else if (character === "\n") this.#down();
    else if (character === "\b") this.#x = Math.max(0, this.#x - 1);
    else if (character === "\x07") return;
    else if (character < " " || character === "\x7f") this.strange.push(JSON.stringify(character));
    else {
      const width =
        /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u.test(
          character,
        )
          ? 2
          : 1;
      if (this.#x + width > this.#columns) {
        this.#x = 0;
        this.#down();
      }
      const row = this.#cells[this.#y];
      if (!row) return;
      row[this.#x] = character;
      if (width === 2) row[this.#x + 1] = "";
      this.#x += width;
    }
  }

  #down(): void {
    if (this.#y < this.#rows - 1) {
      this.#y++;
      return;
    }
    const [gone = []] = this.#cells.splice(0, 1);
    this.scrolled.push(
      Array.from(gone, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    this.#cells.push([]);
  }

  #control([all, mark = "", numbers = "", , letter = ""]: RegExpExecArray): void {
    const values = numbers.split(";").map(Number);
    const [first = 0, second = 0] = values;
    const count = Math.max(1, first);
    if (mark === "?") {
      if (first === 25) this.hasCursor = letter === "h";
      if (first === 1049) this.#cells = Array.from({ length: this.#rows }, () => []);
      return;
    }
    if (letter === "A") this.#y = Math.max(0, this.#y - count);
    else if (letter === "B") this.#y = Math.min(this.#rows - 1, this.#y + count);
    else if (letter === "C") this.#x = Math.min(this.#columns - 1, this.#x + count);
    else if (letter === "D") this.#x = Math.max(0, Math.min(this.#x, this.#columns - 1) - count);
    else if (letter === "G") this.#x = count - 1;
    else if (letter === "H") [this.#y, this.#x] = [count - 1, Math.max(1, second) - 1];
    else if (letter === "J") this.#eraseDown(first);
    else if (letter === "K") this.#eraseRow(first);
    else if (letter !== "m") this.strange.push(JSON.stringify(all));
  }

  #eraseDown(how: number): void {
    const from = how === 2 ? 0 : this.#y + 1;
    for (let y = from; y < this.#rows; y++) this.#cells[y] = [];
    if (how === 0) this.#eraseRow(0);
  }

  #eraseRow(how: number): void {
    const row = this.#cells[this.#y] ?? [];
    if (how === 2) row.length = 0;
    else if (how === 0) row.length = Math.min(row.length, this.#x);
    else for (let x = 0; x <= this.#x; x++) row[x] = " ";
  }
}
