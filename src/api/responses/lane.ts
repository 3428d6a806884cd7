/** The turns of one stream on a socket, one after the other. What a turn is and how it runs is the socket's. */
import type { Ask } from "./frames.js";
import type { LiveStream } from "./live-stream.js";

export interface WaitingTurn {
  readonly ask: Ask;
  readonly characters: number;
}

export class Lane {
  /** The name that its events carry; null for the turns without one. */
  readonly streamId: string | null;
  readonly turns: WaitingTurn[] = [];
  /** Ends the running turn: as one that the client does not want any more, or as one that it may come back for. */
  leave: ((byClient: boolean) => void) | null = null;
  /** The stream that is being sent. */
  stream: LiveStream | null = null;
  #working = false;

  constructor(streamId: string | null) {
    this.streamId = streamId;
  }

  /** Runs the turns that wait, and those that come meanwhile. `run` must not reject. */
  async work(run: (ask: Ask) => Promise<void>): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let turn = this.turns[0]; turn; turn = this.turns[0]) {
      await run(turn.ask);
      this.turns.shift();
    }
    this.#working = false;
  }

  /** An event with the lane's name. */
  named(json: string): string {
    return this.streamId === null ? json : `${json.slice(0, -1)},"stream_id":${JSON.stringify(this.streamId)}}`;
  }
}
