/** Finds the folder of what survives a restart. */
import { homedir } from "node:os";
import path from "node:path";
import type { Config } from "../config/options.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of what survives a restart: configured, the service's own (systemd.exec(5)), or the user's (XDG). */
export function stateFolder(config: Config, env: Environment): string {
  if (config["state.path"] !== "") return path.resolve(config["state.path"]);
  const [ofService] = (env.STATE_DIRECTORY ?? "").split(":");
  if (ofService) return ofService;
  // The specification has relative paths ignored.
  const ofUser = env.XDG_DATA_HOME && path.isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : null;
  return path.join(ofUser ?? path.join(homedir(), ".local", "share"), "hearth");
}
