/** `hearth models list`. */
import { Command } from "commander";
import { embeddedModel } from "../daemon/model-file.js";
import type { EngineModule } from "../engine/contract.js";
import { describeModel } from "../store/model-description.js";
import type { StoredModel } from "../store/model-store.js";
import { describeFailure } from "./exit-status.js";
import { openStore, print } from "./models-store.js";
import { formatBytes, formatTable, printable } from "./terminal.js";

export interface ListedModel {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly bytes: number;
  readonly type: string;
  readonly architecture: string;
  readonly parameters: number;
  /** ISO 8601; null for the model that comes with hearth. */
  readonly addedAt: string | null;
  readonly source: string | null;
}

export function listCommand(): Command {
  return new Command("list").description("the models that can be served").action(async (_options, command: Command) => {
    const { store, engineModule, flags } = openStore(command);
    const { models, damaged } = store.scan();
    const listed = [...models.map(describeStored), ...(await embedded(engineModule))];
    print(flags.json === true, listed, table(listed));
    for (const error of damaged) process.stderr.write(`${describeFailure(error, flags.json === true)}\n`);
  });
}

export function describeStored({ name, aliases, bytes, description, addedAt, source }: StoredModel): ListedModel {
  const { type, architecture, parameters } = description;
  return { name, aliases, bytes, type, architecture, parameters, addedAt, source };
}

/** None where the checkout lacks its file. */
async function embedded(engineModule: EngineModule): Promise<readonly ListedModel[]> {
  try {
    const { fileBytes } = await engineModule.describeFile(embeddedModel.path);
    const { type, architecture, parameters } = await describeModel(engineModule, [embeddedModel.path]);
    const { name } = embeddedModel;
    return [{ name, aliases: [], bytes: fileBytes, type, architecture, parameters, addedAt: null, source: null }];
  } catch {
    return [];
  }
}

function table(models: readonly ListedModel[]): string {
  const rows = models.map(({ name, aliases, bytes, type, architecture, addedAt }) => [
    [name, ...aliases].join(", "),
    formatBytes(bytes),
    printable(type),
    printable(architecture),
    addedAt === null ? "with hearth" : addedAt.slice(0, 16).replace("T", " "),
  ]);
  return formatTable([["NAME", "SIZE", "TYPE", "ARCHITECTURE", "ADDED (UTC)"], ...rows]);
}
