/** The parts that the owner's commands share: the service, its configuration file, and a change of it that is kept only where it works. */
import { statSync } from "node:fs";
import type { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { formatAddress } from "../config/kinds.js";
import { loadConfig } from "../config/load.js";
import type { Config, OptionKey } from "../config/options.js";
import { onStopSignals } from "../daemon/signals.js";
import type { StatusReport } from "../daemon/status-report.js";
import { loadEngineModule } from "../engine/binding.js";
import { mayWrite, rerunAsRoot } from "./as-root.js";
import { type Configuration, configurationOf } from "./configuration.js";
import { ConfigurationChange, whileNobodyElseChanges } from "./configuration-change.js";
import { exitStatus } from "./exit-status.js";
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
export async function ownedService(command: Command): Promise<OwnedService | number> {
  const configuration = configurationOf(command);
  const { file } = configuration.loaded;
  const service = new SystemdService();
  if ((await service.state()) === null)
    throw new HearthError("SERVICE_MISSING", "This machine has no service hearthd.");
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

/**
 * Changes one value of the configuration and starts the service anew with it. Where it does not become ready, or a signal stops this
 * command, the file and the service go back to what they were. Returns the state of the service with the change.
 */
export function tryValue(owned: OwnedService, command: Command, key: OptionKey, value: string): Promise<StatusReport> {
  return whileNobodyElseChanges(owned.file, loadEngineModule(), async () => {
    // Another command may have changed it since this one has read it.
    const now = { ...owned, ...configurationOf(command) };
    return tryChange(now, await ConfigurationChange.make(owned.file, key, value));
  });
}

async function tryChange(owned: OwnedService, change: ConfigurationChange): Promise<StatusReport> {
  const { file, service } = owned;
  const stopped = new AbortController();
  const removeHandlers = onStopSignals(
    {
      first: (name) => stopped.abort(new HearthError("STOPPED", `Stopped by ${name}.`)),
      second: () => {
        change.takeBack();
        process.stderr.write(
          "hearth: the configuration is as it was; the service may still run with the other one until `sudo systemctl restart hearthd`\n",
        );
        process.exit(exitStatus.unclean);
      },
    },
    ["SIGTERM", "SIGINT", "SIGHUP"],
  );
  let isMoved = false;
  try {
    const { config } = loadConfig({ file, env: process.env, flags: {} });
    isMoved = formatAddress(config["server.listen"]) !== formatAddress(owned.config["server.listen"]);
    await service.restart(isMoved, stopped.signal);
    const status = await untilReady(service, config, stopped.signal);
    stopped.signal.throwIfAborted();
    change.keep();
    return status;
  } catch (error) {
    change.takeBack();
    throw await goBack(owned, isMoved, error, stopped.signal.aborted);
  } finally {
    removeHandlers();
  }
}

/** The file is as it was: so is the service after this. Returns what there is to say about `error`. */
async function goBack(
  { service, config }: OwnedService,
  isMoved: boolean,
  error: unknown,
  isStopped: boolean,
): Promise<HearthError> {
  const reason = error instanceof Error ? error.message : String(error);
  try {
    await service.restart(isMoved);
    // Whoever stops a command does not want to wait for a model.
    if (!isStopped) await untilReady(service, config);
  } catch (second) {
    const also = second instanceof Error ? second.message : String(second);
    const message = `${reason} The configuration is as it was, and does not work either: ${also}`;
    return new HearthError("SERVICE_FAILED", message, { cause: error });
  }
  if (isStopped) {
    return new HearthError(
      "STOPPED",
      `${reason} The configuration is as it was, and the service has been started with it.`,
      {
        cause: error,
        advice: "Nothing has changed; `hearth status` tells when its model is ready.",
      },
    );
  }
  return new HearthError("SERVICE_FAILED", `${reason} The service is back with the configuration that it had.`, {
    cause: error,
    advice: "Nothing has changed; mend what the message names, then try again.",
  });
}

/** Waits until the service's model answers, and returns its state. SERVICE_FAILED with the reason; the signal's own. */
export async function untilReady(
  service: SystemdService,
  config: Config,
  signal = new AbortController().signal,
): Promise<StatusReport> {
  let found: StatusReport | null = null;
  await service.until(
    async () => {
      found = await daemonStatus(config).catch(() => null);
      const phase = found?.models.find(({ configured }) => configured)?.phase;
      return phase === "ready" || phase === "failed";
    },
    readyMs,
    signal,
  );
  const status = found as StatusReport | null;
  const broken = status?.conditions.find(({ name, healthy }) => !healthy && decisive.includes(name));
  if (!status || broken) throw new HearthError("SERVICE_FAILED", broken?.reason ?? "The service does not answer.");
  return status;
}

/** Conditions without which the service does not do what the configuration asks. */
const decisive = ["model", "configured_model", "engine"];
