/**
 * Decides what part of its full power the processor may take so that it stays just below a temperature: a PI controller in its
 * incremental form, which looks a few seconds ahead because the chip warms within seconds and its surroundings within minutes. Pure:
 * no clock, no sensors.
 */

export interface HeatObservation {
  readonly celsius: number;
  /** The board slows down at this temperature. */
  readonly limitCelsius: number;
  /** Since the last observation. */
  readonly elapsedMs: number;
  /** The firmware says that it throttles at this moment. */
  readonly isThrottled: boolean;
}

/** Aimed at below the limit: sensors have steps of half a degree, and the clock falls at the limit itself. */
const marginCelsius = 1.5;
/** The parts of full power for each degree: of a change of the temperature, and of a difference in each second. */
const proportional = 0.08;
const integral = 0.008;
/** How far ahead the present rise is followed. */
const aheadSeconds = 8;
/** The time over which the rise is averaged. */
const riseSeconds = 3;
/** One long gap between observations counts as this. */
const longestGapMs = 10_000;
/** The least that a throttling firmware leaves us, relative to what we took. */
const throttledFactor = 0.9;
/** Some work always goes on: a board in a hot cupboard is slow, not dead. */
export const leastShare = 0.08;

export class HeatControl {
  #share = 1;
  #celsius: number | null = null;
  #risePerSecond = 0;
  #error: number | null = null;

  /** The part of full power, up to 1. */
  get share(): number {
    return this.#share;
  }

  /** Without a temperature there is nothing to hold. */
  reset(): void {
    this.#share = 1;
    this.#celsius = null;
    this.#risePerSecond = 0;
    this.#error = null;
  }

  observe({ celsius, limitCelsius, elapsedMs, isThrottled }: HeatObservation): number {
    const seconds = Math.min(Math.max(elapsedMs, 1), longestGapMs) / 1000;
    const risen = this.#celsius === null ? 0 : (celsius - this.#celsius) / seconds;
    this.#risePerSecond += (risen - this.#risePerSecond) * Math.min(1, seconds / riseSeconds);
    this.#celsius = celsius;
    const expected = celsius + aheadSeconds * Math.max(0, this.#risePerSecond);
    const error = limitCelsius - marginCelsius - expected;
    const change = proportional * (error - (this.#error ?? error)) + integral * error * seconds;
    this.#error = error;
    this.#share = Math.min(1, Math.max(leastShare, this.#share + change));
    if (isThrottled || celsius >= limitCelsius) this.#share = Math.max(leastShare, this.#share * throttledFactor);
    return this.#share;
  }
}
