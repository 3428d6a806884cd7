/** The events of one sequence on their way to one reader. Leaving the loop early cancels the sequence. */
import { AsyncQueue } from "../base/async-queue.js";
import type { SequenceEvent } from "./types.js";

export class SequenceStream extends AsyncQueue<SequenceEvent> {
  /** Progress that nobody has taken yet is replaced by newer progress of its kind. */
  override push(event: SequenceEvent): void {
    if (this.newest?.type === event.type && event.type !== "token") this.replaceNewest(event);
    else super.push(event);
    if (event.type === "end") this.end();
  }
}
