/**
 * Limits of a template: steps, text and lists that it makes, time. Counted in every loop and before every allocation that
 * a template can make long, so that no single operation is large. Knows nothing of what is counted.
 */
import { LimitError } from "./errors.js";

export interface BudgetLimits {
  /** Statements, expressions and the elements that filters walk over. */
  readonly steps: number;
  /** For what takes long in few steps. */
  readonly timeoutMs: number;
  /** The limit for the output and for every text and list on the way to it. */
  readonly outputChars: number;
  /** The limit for all texts and lists together, those that are gone included. */
  readonly allocatedChars: number;
}

/** Between two looks at the clock or the heap. */
const stepsPerLook = 2048;
const charsPerLook = 2 * 1024 * 1024;

export class Budget {
  readonly #limits: BudgetLimits;
  readonly #deadline: number;
  readonly #checkMemory: () => void;
  #steps = 0;
  #nextLook = stepsPerLook;
  #allocated = 0;
  #nextMemoryLook = charsPerLook;

  /** `checkMemory` may throw a LimitError; it is called every few megabytes. */
  constructor(limits: BudgetLimits, checkMemory: () => void = () => {}) {
    this.#limits = limits;
    this.#deadline = performance.now() + limits.timeoutMs;
    this.#checkMemory = checkMemory;
  }

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.#limits.steps) throw new LimitError(`took more than ${this.#limits.steps} steps`);
    if (this.#steps < this.#nextLook) return;
    this.#nextLook = this.#steps + stepsPerLook;
    this.#checkMemory();
    this.#checkTime();
  }

  /** Before a text of that many characters is made. */
  text(chars: number): void {
    const { outputChars } = this.#limits;
    if (!(chars <= outputChars)) throw new LimitError(`made a text of more than ${outputChars} characters`);
    if (chars > 256) this.#allocate(chars);
  }

  /** Before two texts are joined to one of that many characters, which costs little: neither is copied at once. */
  joinedText(chars: number): void {
    const { outputChars } = this.#limits;
    if (chars > outputChars) throw new LimitError(`made a text of more than ${outputChars} characters`);
    if (chars > 1024) this.#allocate(chars / 16);
  }

  /** Before a list of that many elements is made. */
  list(length: number): void {
    const { outputChars } = this.#limits;
    if (!(length <= outputChars / 8)) {
      throw new LimitError(`made a list of more than ${Math.floor(outputChars / 8)} elements`);
    }
    if (length > 32) this.#allocate(length * 8);
  }

  #allocate(chars: number): void {
    this.#allocated += chars;
    const { allocatedChars } = this.#limits;
    if (this.#allocated > allocatedChars) throw new LimitError(`used more than ${allocatedChars} characters of memory`);
    if (this.#allocated < this.#nextMemoryLook) return;
    this.#nextMemoryLook = this.#allocated + charsPerLook;
    this.#checkMemory();
    this.#checkTime();
  }

  #checkTime(): void {
    if (performance.now() > this.#deadline) throw new LimitError(`did not end within ${this.#limits.timeoutMs} ms`);
  }
}

const unlimited = { steps: Infinity, timeoutMs: Infinity, outputChars: Infinity, allocatedChars: Infinity };
let current = new Budget(unlimited);

/** The budget of the template that runs now. Templates run one after the other on a thread, and never wait for anything. */
export const budget = (): Budget => current;

export function withBudget<T>(own: Budget, body: () => T): T {
  const outer = current;
  current = own;
  try {
    return body();
  } finally {
    current = outer;
  }
}
