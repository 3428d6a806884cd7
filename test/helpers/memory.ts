/** Memory of a daemon over time. V8 keeps what it once had, so that only the lowest points tell of a leak. */
import type { TestDaemon } from "./daemon.js";

const periodMs = 200;

export class MemoryProbe {
  readonly #timer: NodeJS.Timeout;
  #floorBytes = Number.POSITIVE_INFINITY;

  constructor(daemon: TestDaemon) {
    this.#timer = setInterval(async () => {
      try {
        const heap = await daemon.metric("hearth_nodejs_heap_size_used_bytes");
        const outside = await daemon.metric("hearth_nodejs_external_memory_bytes");
        this.#floorBytes = Math.min(this.#floorBytes, heap + outside);
      } catch {
        // The daemon is busy or gone; the test itself finds out which.
      }
    }, periodMs);
  }

  /** The lowest use since the last call: what was live after some garbage collection. */
  takeFloorMiB(): number {
    const floor = this.#floorBytes / 1024 / 1024;
    this.#floorBytes = Number.POSITIVE_INFINITY;
    return floor;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
