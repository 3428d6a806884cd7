/**
 * Names of tools as a chat template writes them. Some leave out the namespace that clients put before a name
 * (`intent__HassTurnOn`): the model then reads and writes the last part, and the client gets back the name that it gave.
 */
import type { Tool } from "./messages.js";

const separator = "__";

/** A name without its namespaces; the name itself where nothing would be left. */
const lastPart = (name: string): string => name.slice(name.lastIndexOf(separator) + separator.length) || name;

export class ToolNames {
  /** The tools under the names that the model is told. */
  readonly tools: readonly Tool[];
  readonly #written: ReadonlyMap<string, string>;
  readonly #given: ReadonlyMap<string, string>;

  /** `withNamespaces`: the template writes names as they are. It does so anyway where two would be alike. */
  constructor(tools: readonly Tool[], withNamespaces: boolean) {
    const isOnlyOne = (name: string) => tools.filter((tool) => lastPart(tool.name) === lastPart(name)).length === 1;
    const written = tools
      .filter(({ name }) => !withNamespaces && name.includes(separator) && isOnlyOne(name))
      .map(({ name }) => [name, lastPart(name)] as const);
    this.#written = new Map(written);
    this.#given = new Map(written.map(([given, short]) => [short, given]));
    this.tools = tools.map((tool) => ({ ...tool, name: this.written(tool.name) }));
  }

  /** The client's name as the model knows it. */
  written(name: string): string {
    return this.#written.get(name) ?? name;
  }

  /** The model's name as the client knows it. */
  given(name: string): string {
    return this.#given.get(name) ?? name;
  }
}
