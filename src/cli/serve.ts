/** `hearth serve`: runs the daemon in the foreground until a signal ends it. */
import path from "node:path";
import { Command } from "commander";
import { deferred, settlesWithin } from "../base/async.js";
import { systemClock } from "../base/clock.js";
import { isDenied, isFull, isSystemError } from "../base/files.js";
import { createLogger, type Logger } from "../base/logger.js";
import { version } from "../base/version.js";
import { describeConfig, type LoadedConfig } from "../config/load.js";
import { optionKeys, optionOf } from "../config/options.js";
import { withCredentials } from "../daemon/credentials.js";
import { inheritedSockets } from "../daemon/inherited-sockets.js";
import { isJournal } from "../daemon/journal.js";
import { openModelStore } from "../daemon/model-file.js";
import { wishedSizes } from "../daemon/model-options.js";
import { puller } from "../daemon/puller.js";
import { RecentWarnings } from "../daemon/recent-warnings.js";
import { onHangup, onStopSignals } from "../daemon/signals.js";
import { connectSystemd } from "../daemon/systemd.js";
import { loadTls } from "../daemon/tls.js";
import { loadEngineModule } from "../engine/binding.js";
import { makeFolder, storageError } from "../store/durable-files.js";
import { type Configuration, configurationOf } from "./configuration.js";
import { exitStatus } from "./exit-status.js";
import { terminalLog } from "./terminal-log.js";

/** After the grace of running answers: a step cannot be interrupted, and with a model on a slow card it takes long. */
const lastStepMs = 15_000;
const stdoutFd = 1;

export function serveCommand(): Command {
  const command = new Command("serve")
    .description("run the daemon in the foreground")
    .option("--print-config", "print every option with its value and where that comes from");
  for (const { flag, doc } of optionKeys.map(optionOf)) {
    if (flag !== undefined) command.option(`--${flag} <value>`, doc);
  }
  return command.action(async (flags: { printConfig?: true }, self: Command) => {
    const read = () => configurationOf(self, configFlags(self));
    if (flags.printConfig) printConfig(read().loaded, self.optsWithGlobals().json === true);
    else await serve(read);
  });
}

/** The values of the flags that are options of the configuration, by flag name. */
function configFlags(command: Command): Record<string, string | undefined> {
  const values = command.options.map((option) => [
    option.long?.slice(2),
    command.getOptionValue(option.attributeName()),
  ]);
  return Object.fromEntries(values);
}

/** Prints the configuration as a TOML file that can be read back, but for secrets. */
function printConfig(loaded: LoadedConfig, json: boolean): void {
  const described = describeConfig(loaded);
  const paragraphs = described.map(
    ({ key, value, origin, env, flag, expects, doc }) =>
      `# ${doc} Takes ${expects}. ${[env, ...(flag ? [flag] : [])].join(" or ")}.\n${key} = ${value}  # ${origin}\n`,
  );
  process.stdout.write(json ? `${JSON.stringify(described)}\n` : paragraphs.join("\n"));
}

/** `read` reads the configuration, and again when that is asked for. */
async function serve(read: () => Configuration): Promise<void> {
  const { loaded, config: ofFile, state } = read();
  const config = withCredentials(ofFile, process.env);
  const isForPerson = config["log.format"] === "text" || (config["log.format"] === "auto" && process.stdout.isTTY);
  const warnings = new RecentWarnings();
  const logger = createLogger(
    {
      onWarning: (line) => warnings.take(line),
      level: config["log.level"],
      prompts: config["log.prompts"],
      priorities: !isForPerson && isJournal(stdoutFd, process.env.JOURNAL_STREAM),
    },
    isForPerson
      ? terminalLog(process.stdout, ownName(), loaded.origins["server.listen"].startsWith("flag"))
      : undefined,
  );
  let onReload = () => logger.info("SIGHUP: the daemon is about to start with what the configuration says");
  onHangup(() => onReload());
  exitOnBugs(logger);
  // The rest is as OPTIONS.md says, and in `--print-config`.
  const changed = describeConfig(loaded).filter(({ origin }) => origin !== "default");
  const values = changed.map(({ key, value, origin }) => [key, { value, origin }]);
  logger.info({ version, config: Object.fromEntries(values) }, "configuration");
  for (const warning of loaded.warnings) logger.warn(warning);

  const stopRequested = deferred<void>();
  onStopSignals({
    first(signal) {
      logger.info({ signal }, "told to stop");
      stopRequested.resolve();
    },
    second: () => process.exit(exitStatus.unclean),
  });
  // Only now: the servers take half of the time that the command takes to start, and others can do without them.
  const { Daemon } = await import("../daemon/daemon.js");
  await makeStateFolder(state);
  const engineModule = loadEngineModule();
  const tls = await loadTls(config, {
    stateFolder: state,
    now: systemClock.wallTime(),
    logger,
    locker: engineModule,
  });
  const systemd = connectSystemd({ env: process.env, pid: process.pid, logger, datagram: engineModule.notify });
  const store = openModelStore(state, engineModule);
  store.scan(); // one that may not be read is said before anybody connects
  const daemon = new Daemon(config, {
    loaded,
    engineModule,
    store,
    clock: systemClock,
    logger,
    warnings,
    systemd,
    stateFolder: state,
    wish: wishedSizes(loaded),
    // Who names a model by hand waits for its answer, and does not want another one's.
    mayReplaceModel: !loaded.origins["model.path"].startsWith("flag"),
    pull: puller(config, process.env, store),
    tls,
    inherited: takeInheritedSockets(),
  });
  onReload = () => daemon.reload(() => withCredentials(read().config, process.env));
  const started = daemon.start();
  // It may wait for its address, and be told to stop meanwhile; what cannot start has nothing to stop.
  const alive = setInterval(() => {}, 60_000); // until it listens nothing else keeps the process
  await Promise.race([stopRequested.promise, started]).finally(() => clearInterval(alive));
  started.catch(() => {});
  try {
    await Promise.race([stopRequested.promise, daemon.failure]);
  } finally {
    const limitMs = config["shutdown.grace_ms"] + lastStepMs;
    const stopping = daemon.stop();
    if ((await settlesWithin(stopping, limitMs, systemClock)) === "late") {
      logger.error({ limitMs }, "a part did not stop in time");
      process.exit(exitStatus.unclean);
    }
    await stopping;
  }
}

/** The words that start this program: an installed one is in the path, a checkout's is not. */
function ownName(): string {
  const [, script = ""] = process.argv;
  return /^\/(usr|opt)\//.test(script) ? "hearth" : `node ${path.relative("", script)}`;
}

/**
 * Where the folder may only not be written, the daemon serves without what survives a restart, as from a read-only card; a place
 * where no folder can ever be is a wrong configuration.
 */
async function makeStateFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    const isForNow = isSystemError(error) && (isDenied(error) || isFull(error.code) || error.code === "EROFS");
    if (!isForNow) throw storageError(error, folder);
  }
}

/** The variables are gone then: they are not for what the daemon itself starts. */
function takeInheritedSockets(): number[] {
  const sockets = inheritedSockets(process.env, process.pid);
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete process.env[name];
  return sockets;
}

/** State after an error that nobody caught is unknown: log it and let the service manager start anew. */
function exitOnBugs(logger: Logger): void {
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "a bug: please report it with this line");
    process.exit(exitStatus.bug);
  });
}
