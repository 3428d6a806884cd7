/** The configuration of a command: one file for all of them, and the state folder that goes with it. */
import { lstatSync, type Stats, statSync } from "node:fs";
import type { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { isDenied, isMissing, reasonOf, shownPath } from "../base/files.js";
import { type LoadedConfig, loadConfig } from "../config/load.js";
import type { Config } from "../config/options.js";
import { stateFolder } from "../daemon/state-folder.js";

/** The service's configuration: what `hearth` says on a machine is about its service, where there is one. */
export const systemConfig = "/etc/hearth/hearth.toml";
/** StateDirectory of the service. systemd says so to the service alone. */
const systemState = "/var/lib/hearth";

export const configFlag = [
  "--config <file>",
  `TOML file with options; else HEARTH_CONFIG, else ${systemConfig}`,
] as const;

export interface Configuration {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  /** Folder of what survives a restart. */
  readonly state: string;
  /** They are the service's, without anybody having said so: commands say what they wrote to. */
  readonly isOfService: boolean;
}

/** Options of the outermost command, which all commands read. */
export interface GlobalOptions {
  readonly json?: true;
  readonly config?: string;
  /** In place of /etc/hearth/hearth.toml. */
  readonly systemConfig?: string;
}

/** `flags`: values of options of the configuration, by flag name. CONFIG_ codes. */
export function configurationOf(
  command: Command,
  flags: Readonly<Record<string, string | undefined>> = {},
): Configuration {
  const { config: named, systemConfig: system = systemConfig } = command.optsWithGlobals<GlobalOptions>();
  const file = configFile(named, process.env.HEARTH_CONFIG, system);
  const loaded = loadConfig({ file, env: process.env, flags });
  const env = file === system ? { STATE_DIRECTORY: systemState, ...process.env } : process.env;
  const state = stateFolder(loaded.config, env);
  checkStateFolder(state);
  return { loaded, config: loaded.config, state, isOfService: file === system };
}

/** CONFIG_BAD_VALUE where the state folder can never be one. It need not be there yet, or be this user's to look at. */
function checkStateFolder(folder: string): void {
  const wrong = (why: string, cause?: unknown) =>
    new HearthError("CONFIG_BAD_VALUE", `state.path: ${shownPath(folder)}: ${why}.`, { param: "state.path", cause });
  let found: Stats | undefined;
  try {
    found = statSync(folder, { throwIfNoEntry: false });
    if (!found && lstatSync(folder, { throwIfNoEntry: false })) throw wrong("it is a link to nothing");
  } catch (error) {
    if (isDenied(error)) return;
    throw error instanceof HearthError ? error : wrong(reasonOf(error), error);
  }
  if (found && !found.isDirectory()) throw wrong("it is no folder");
}

/** The file of --config, of HEARTH_CONFIG, or the service's where it exists; undefined: none. */
export function configFile(flag: string | undefined, variable: string | undefined, system: string): string | undefined {
  if (flag !== undefined) return flag;
  if (variable !== undefined && variable !== "") return variable;
  try {
    statSync(system);
    return system;
  } catch (error) {
    // One that may not be looked at is there, and reading it says what is wrong.
    return isMissing(error) ? undefined : system;
  }
}
