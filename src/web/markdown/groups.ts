/**
 * Follows a text that is shown again and again while it grows, as blocks in groups. A group that is full never changes; what is new goes
 * into the last one. Pure.
 */
import { GrowingText, type Text } from "../common/growing-text.js";
import { type Block, BlockSplitter } from "./blocks.js";

/** Some screens high at most, and laid out within a frame. */
const mostBlocks = 24;
const mostCharacters = 8000;

export interface BlockGroup {
  /** The list only grows. */
  readonly blocks: readonly Block[];
  /** No block will come any more. */
  readonly isFull: boolean;
}

class OpenGroup implements BlockGroup {
  readonly blocks: Block[] = [];
  #characters = 0;

  get isFull(): boolean {
    return this.blocks.length >= mostBlocks || this.#characters >= mostCharacters;
  }

  add(block: Block): void {
    this.blocks.push(block);
    this.#characters += block.text.length;
  }
}

export class BlockGroups {
  #splitter = new BlockSplitter();
  #groups: OpenGroup[] = [];
  #grouped = 0;
  #source: Text = "";
  /** The pieces of a growing source that the splitter has. */
  #taken = 0;

  /** The blocks that are done. A text that does not go on with the one before has another list. */
  get all(): readonly BlockGroup[] {
    return this.#groups;
  }

  /** The number of blocks that are done. */
  get count(): number {
    return this.#grouped;
  }

  /** The block that is being written; null where there is none. */
  get last(): Block | null {
    return this.#splitter.last;
  }

  /** Takes what is new in a text: the one that was followed before, one that goes on with it, or quite another one. */
  follow(source: Text): void {
    if (this.#source instanceof GrowingText) this.#takeNew(this.#source);
    if (source === this.#source) return;
    const [before, text] = [`${this.#source}`, `${source}`];
    if (text.startsWith(before)) {
      this.#append(ownCopy(text.slice(before.length)));
    } else {
      this.#splitter = new BlockSplitter();
      this.#groups = [];
      this.#grouped = 0;
      this.#append(text);
    }
    this.#source = source;
    this.#taken = source instanceof GrowingText ? source.count : 0;
  }

  #takeNew(source: GrowingText): void {
    if (source.count === this.#taken) return;
    this.#append(source.since(this.#taken));
    this.#taken = source.count;
  }

  #append(text: string): void {
    this.#splitter.append(text);
    const { done } = this.#splitter;
    for (; this.#grouped < done.length; this.#grouped++) {
      let group = this.#groups.at(-1);
      if (!group || group.isFull) {
        group = new OpenGroup();
        this.#groups.push(group);
      }
      group.add(done[this.#grouped] as Block);
    }
  }
}

/** Engines keep a whole text for a slice of it, and here each slice may be of another, longer one. */
function ownCopy(slice: string): string {
  return ` ${slice}`.slice(1);
}
