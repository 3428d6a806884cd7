/** Breaks lines between words in a text that is typed out piece by piece: a word that turns out too long for its line moves to the next. Pure. */
import { textWidth } from "./text-width.js";

export class WordTyper {
  #column = 0;
  #word = "";

  /** The characters for a terminal of so many columns that show a piece of safe text. */
  type(text: string, columns: number): string {
    let typed = "";
    for (const character of text) typed += this.#typeOne(character, columns);
    return typed;
  }

  /** The next piece begins a line. */
  reset(): void {
    this.#column = 0;
    this.#word = "";
  }

  #typeOne(character: string, columns: number): string {
    if (character === "\n") {
      this.reset();
      return character;
    }
    const width = character === "\t" ? 8 - (this.#column % 8) : textWidth(character);
    const isSpace = character === " " || character === "\t";
    // Scripts with wide letters have no spaces: they break anywhere.
    const word = isSpace || width === 2 ? "" : this.#word + character;
    if (this.#column + width <= columns) {
      this.#word = word;
      this.#column += width;
      return character;
    }
    return this.#nextLine(character, word, isSpace);
  }

  /** The character does not fit. */
  #nextLine(character: string, word: string, isSpace: boolean): string {
    const before = isSpace ? "" : this.#word;
    const moved = textWidth(before);
    this.#word = word;
    if (isSpace) {
      this.reset(); // the end of the line is space enough
      return "\n";
    }
    if (moved === 0 || moved >= this.#column) {
      this.#word = "";
      this.#column = textWidth(character);
      return `\n${character}`;
    }
    const from = this.#column - moved;
    this.#column = textWidth(word);
    return `\x1b[${from + 1}G\x1b[K\n${word}`;
  }
}
