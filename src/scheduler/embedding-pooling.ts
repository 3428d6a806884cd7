/** MeanPooling averages hidden states, which come in pieces, for an embedding. It sums in float64 and in order, so that the pieces do not matter. */
export class MeanPooling {
  #sum = new Float64Array(0);
  #rows = 0;

  /** `hidden`: [rows, width], row-major. */
  add(hidden: Float32Array, rows: number): void {
    const width = hidden.length / rows;
    if (this.#rows === 0) this.#sum = new Float64Array(width);
    for (const [i, value] of hidden.entries()) this.#sum[i % width] = (this.#sum[i % width] ?? 0) + value;
    this.#rows += rows;
  }

  /** Forgets the sum, because the prompt is read again. */
  reset(): void {
    this.#rows = 0;
  }

  get mean(): Float32Array {
    return Float32Array.from(this.#sum, (value) => value / this.#rows);
  }
}
