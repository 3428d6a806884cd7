/**
 * Standard output and error of a command: what was written is out before the process ends, and what cannot be written is an
 * error. Knows nothing of commands.
 */
import { HearthError } from "../base/errors.js";
import { isFull, isSystemError, reasonOf } from "../base/files.js";

/** Notes failures, which a stream that nobody listens to would throw as a bug. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #name: string;
  #failure: unknown = null;

  constructor(stream: NodeJS.WriteStream, name: string) {
    this.#stream = stream;
    this.#name = name;
    stream.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  /**
   * Resolves when the operating system has all that was written: into a pipe Node writes what fits and the rest later. DISK_FULL
   * or FILE_WRITE_FAILED where it refused; a reader that went away, as `head` does, is no failure.
   */
  async flush(): Promise<void> {
    // The callback of an empty write comes after all writes before it.
    if (!this.#failure && !this.#stream.destroyed) {
      await new Promise<void>((resolve) => {
        this.#stream.write("", () => resolve());
        this.#stream.once("close", resolve);
      });
    }
    const failure = this.#failure;
    if (failure === null || (isSystemError(failure) && failure.code === "EPIPE")) return;
    const full = isSystemError(failure) && isFull(failure.code);
    const message = `${this.#name}: ${reasonOf(failure)}.`;
    throw new HearthError(full ? "DISK_FULL" : "FILE_WRITE_FAILED", message, { cause: failure });
  }
}
