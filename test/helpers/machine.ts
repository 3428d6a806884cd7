/** A machine of files that a test writes: /proc and /sys in memory, whose texts may be computed when they are read. */
import { MachineFiles } from "../../src/machine/files.js";

export type MachineText = string | (() => string);

export class SimulatedFiles extends MachineFiles {
  readonly texts: Map<string, MachineText>;

  constructor(texts: Readonly<Record<string, MachineText>> = {}) {
    super("/nowhere");
    this.texts = new Map(Object.entries(texts));
  }

  override async text(file: string): Promise<string | null> {
    const found = this.texts.get(file);
    return found === undefined ? null : (typeof found === "string" ? found : found()).trim();
  }

  override async integer(file: string): Promise<number | null> {
    const text = await this.text(file);
    return text === null || text === "" ? null : Number(text);
  }

  override async bytes(): Promise<null> {
    return null;
  }

  override async names(folder: string): Promise<readonly string[]> {
    const prefix = folder === "/" ? "/" : `${folder}/`;
    const below = [...this.texts.keys()].filter((file) => file.startsWith(prefix));
    return [...new Set(below.map((file) => file.slice(prefix.length).split("/")[0] ?? ""))].sort();
  }
}
