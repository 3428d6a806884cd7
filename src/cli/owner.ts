/** The parts that the owner's commands share: the service, its configuration file, and a change of it that is kept only where it works. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import type { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { withValue } from "../config/edit.js";
import { formatAddress } from "../config/kinds.js";
import { loadConfig } from "../config/load.js";
import type { Config, OptionKey } from "../config/options.js";
import type { StatusReport } from "../daemon/status-report.js";
import { storing, writeDurably } from "../store/durable-files.js";
import { mayWrite, rerunAsRoot } from "./as-root.js";
import { type Configuration, configurationOf } from "./configuration.js";
import { daemonStatus } from "./running-daemon.js";
import { SystemdService } from "./systemd-service.js";

export interface OwnedService extends Configuration {
  /** The configuration file that is changed. */
  readonly file: string;
  readonly service: SystemdService;
  readonly json: boolean;
}

/** The model may be large and its card slow. */
const readyMs = 300_000;

/**
 * The service and its file, for a command that changes them. A number: the command has been run by sudo, with that exit status.
 * COMMAND_INVALID where no file has the configuration, SERVICE_MISSING where no systemd has the service.
 */
export function ownedService(command: Command): OwnedService | number {
  const configuration = configurationOf(command);
  const { file } = configuration.loaded;
  const service = new SystemdService();
  if (service.state() === null) throw new HearthError("SERVICE_MISSING", "This machine has no service hearthd.");
  if (file === null || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new HearthError("COMMAND_INVALID", "The service has no configuration file that could be changed.", {
      advice: "Name it with --config.",
    });
  }
  const status = rerunAsRoot(mayWrite(file));
  if (status !== null) return status;
  return { ...configuration, file, service, json: command.optsWithGlobals().json === true };
}

/** CONFIG_BAD_VALUE where the environment says otherwise: what the file says would be without effect. */
export function checkChangeable({ loaded, file }: OwnedService, key: OptionKey): void {
  const origin = loaded.origins[key];
  if (!origin.startsWith("environment")) return;
  throw new HearthError("CONFIG_BAD_VALUE", `${key} is set by the ${origin}, which is stronger than ${file}.`, {
    param: key,
    advice: "Remove that variable first.",
  });
}

/** The configuration with a value changed, on disk. Returns the text that the file had before. FILE_WRITE_FAILED, DISK_FULL. */
export async function writeValue(file: string, key: OptionKey, value: string): Promise<string> {
  const before = readFileSync(file, "utf8");
  await replaceFile(file, withValue(before, key, value));
  try {
    loadConfig({ file, env: {}, flags: {} });
  } catch (error) {
    await replaceFile(file, before);
    throw error;
  }
  return before;
}

/** Another text for a file, whose owner and mode stay, as the service has to be able to read it. A link stays one. */
export async function replaceFile(link: string, text: string): Promise<void> {
  const file = realpathSync(link);
  const { mode, uid, gid } = statSync(file);
  await storing(file, () => writeDurably(file, text, mode & 0o777, { uid, gid }));
}

/** Starts the service anew and waits until its model answers. SERVICE_FAILED with the reason. */
export async function restartUntilReady(
  service: SystemdService,
  config: Config,
  isMoved: boolean,
): Promise<StatusReport> {
  service.restart(isMoved);
  let found: StatusReport | null = null;
  await service.until(async () => {
    const status = await daemonStatus(config).catch(() => null);
    const phase = status?.models.find(({ configured }) => configured)?.phase;
    found = status;
    return phase === "ready" || phase === "failed";
  }, readyMs);
  const status = found as StatusReport | null;
  const broken = status?.conditions.find(({ name, healthy }) => !healthy && decisive.includes(name));
  if (!status || broken) throw new HearthError("SERVICE_FAILED", broken?.reason ?? "The service does not answer.");
  return status;
}

/** Conditions without which the service does not do what the configuration asks. */
const decisive = ["model", "configured_model", "engine"];

/** The change is in the file. Where the service does not become ready with it, the file and the service go back to `before`. */
export async function tryChange(owned: OwnedService, before: string): Promise<StatusReport> {
  const { file, service } = owned;
  const config = loadConfig({ file, env: process.env, flags: {} }).config;
  const isMoved = formatAddress(config["server.listen"]) !== formatAddress(owned.config["server.listen"]);
  try {
    return await restartUntilReady(service, config, isMoved);
  } catch (error) {
    await replaceFile(file, before);
    const reason = error instanceof Error ? error.message : String(error);
    try {
      await restartUntilReady(service, owned.config, isMoved);
    } catch (second) {
      const also = second instanceof Error ? second.message : String(second);
      throw new HearthError(
        "SERVICE_FAILED",
        `${reason} The configuration is as it was, and does not work either: ${also}`,
        {
          cause: error,
        },
      );
    }
    throw new HearthError("SERVICE_FAILED", `${reason} The service is back with the configuration that it had.`, {
      cause: error,
      advice: "Nothing has changed; mend what the message names, then try again.",
    });
  }
}
