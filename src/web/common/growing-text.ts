/** Text that comes in pieces. Whoever follows it pays for what is new, however long the whole has become. Pure. */
export class GrowingText {
  readonly #pieces: string[] = [];

  constructor(text = "") {
    this.append(text);
  }

  append(piece: string): void {
    if (piece !== "") this.#pieces.push(piece);
  }

  /** The number of pieces so far, from which since() reads on later. */
  get count(): number {
    return this.#pieces.length;
  }

  /** All that came after the first `count` pieces. */
  since(count: number): string {
    return this.#pieces.slice(count).join("");
  }

  /** The last `length` code units, and the beginning of the piece that they begin in. */
  end(length: number): string {
    let first = this.#pieces.length;
    for (let left = length; first > 0 && left > 0; left -= this.#pieces[first]?.length ?? 0) first--;
    return this.since(first);
  }

  toString(): string {
    return this.since(0);
  }

  toJSON(): string {
    return this.toString();
  }
}

/** Whole, or on its way. */
export type Text = string | GrowingText;

/** At least the last `length` code units; all where there are fewer. */
export function endOf(text: Text, length: number): string {
  return typeof text === "string" ? text.slice(-length) : text.end(length);
}
