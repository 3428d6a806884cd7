/** Asks the server now and then whether it can answer, while somebody looks; more often while it cannot. */
import { Observable } from "../common/observable.js";
import { type Readiness, readiness } from "../common/server.js";

const healthySeconds = 30;
const unhealthySeconds = 4;

export class HealthWatch extends Observable {
  #readiness: Readiness = { state: "ready", reasons: [] };
  readonly #onHealthy: () => void;

  /** `onHealthy` hears of each time that the server said it can. */
  constructor(onHealthy: () => void) {
    super();
    this.#onHealthy = onHealthy;
  }

  get readiness(): Readiness {
    return this.#readiness;
  }

  /** For as long as the page is there. */
  async start(): Promise<void> {
    for (;;) {
      if (document.visibilityState === "visible") await this.#look();
      const seconds = this.#readiness.state === "ready" ? healthySeconds : unhealthySeconds;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }

  async #look(): Promise<void> {
    const before = this.#readiness;
    this.#readiness = await readiness();
    const { state, reasons } = this.#readiness;
    if (state !== before.state || reasons.join() !== before.reasons.join()) this.changed();
    if (state === "ready") this.#onHealthy();
  }
}
