/**
 * The daemon: adds to the server's parts (compose-server.ts) what a process needs, starts them in order and stops them in reverse. The
 * server listens before the model is loaded. Knows every part and does the work of none; signals and exit statuses are the caller's.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import type { ResumableStreams } from "../api/responses/resumable-streams.js";
import type { StoredResponse } from "../api/responses/store.js";
import { deferred } from "../base/async.js";
import type { Clock } from "../base/clock.js";
import { Health } from "../base/health.js";
import type { Logger } from "../base/logger.js";
import { Metrics } from "../base/metrics.js";
import { GrammarThread } from "../chat/grammar/grammar-thread.js";
import { TemplateThread } from "../chat/template-thread.js";
import { type Address, formatAddress } from "../config/kinds.js";
import { LiveConfig } from "../config/live.js";
import type { LoadedConfig } from "../config/load.js";
import type { Config } from "../config/options.js";
import type { EngineModule } from "../engine/contract.js";
import { MachineFiles } from "../machine/files.js";
import { checkAuth } from "../net/api-key-auth.js";
import type { KeyAndCertificate } from "../net/certificate.js";
import type { Server } from "../net/server.js";
import { StepAllowance } from "../scheduler/allowance.js";
import { IdleTime } from "../service/idle-time.js";
import type { Puller } from "../service/model-library.js";
import type { ModelRegistry } from "../service/model-registry.js";
import { readPinned } from "../service/pinned-prompts.js";
import type { Wish } from "../service/plan/sizes.js";
import type { ServingModel } from "../service/serving-model.js";
import { SnapshotMetrics } from "../service/snapshot-metrics.js";
import { AutoTuner } from "../service/tuning/auto-tuner.js";
import { collectWeightMetrics, describeResidency } from "../service/weight-metrics.js";
import type { DigestCache } from "../store/digest-cache.js";
import type { DocumentStore } from "../store/documents.js";
import { KeyFile } from "../store/key-file.js";
import type { ModelStore } from "../store/model-store.js";
import { SnapshotFiles } from "../store/snapshot-files.js";
import { composeServer } from "./compose-server.js";
import { Doctor } from "./doctor.js";
import { Governor } from "./governor/governor.js";
import { MemoryGovernor } from "./governor/memory-governor.js";
import { collectGovernorMetrics } from "./governor/metrics.js";
import { collectHostMetrics, hostFiles } from "./host-metrics.js";
import type { KeptChats } from "./kept-chats.js";
import { LastGoodKeys } from "./last-good-keys.js";
import { listenWhenPossible } from "./listening.js";
import { MachineTuner } from "./machine-tuner.js";
import { configuredModel, resolveModel, StoreCatalog } from "./model-file.js";
import { ModelFitting } from "./model-fitting.js";
import { ModelPlanner } from "./model-planner.js";
import { ModelWatch } from "./model-watch.js";
import { pageFiles } from "./page-files.js";
import { type PinnedFile, readPinnedFiles } from "./pinned-prompts.js";
import type { RecentWarnings } from "./recent-warnings.js";
import { Reload } from "./reload.js";
import { modelStatus, StatusReporter } from "./status-report.js";
import type { Systemd } from "./systemd.js";
import type { Upstreams } from "./upstreams.js";
import { Watchdog } from "./watchdog.js";

export interface DaemonDependencies {
  /** The configuration with its origins, which the doctor names. */
  readonly loaded: LoadedConfig;
  readonly engineModule: EngineModule;
  readonly store: ModelStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The newest warnings of the log. */
  readonly warnings: RecentWarnings;
  readonly systemd: Systemd;
  /** Folder for what survives a restart. */
  readonly stateFolder: string;
  /** The sizes of engines: what nobody set may become smaller where it does not fit. */
  readonly wish: Wish;
  /** Where the configured model is gone, the one that comes with hearth may answer. */
  readonly mayReplaceModel: boolean;
  readonly pull: Puller;
  /** null: plain HTTP. */
  readonly tls: KeyAndCertificate | null;
  /** Descriptors of listening sockets that systemd opened. */
  readonly inherited: readonly number[];
}

/** How long the engine may stand still where systemd does not say: the unit's WatchdogSec. */
const defaultWatchdogMs = 120_000;
/** How long a daemon that nobody supervises waits for its address. */
const foregroundListenMs = 60_000;
/** Less than the unit's TimeoutStartSec with all that comes before. */
const startLimitMs = 20_000;
/** How much longer a start or a stop that gets on may take, said three times as often. */
const extensionMs = 30_000;
/** After the last answer: most questions of a conversation follow sooner. */
const idleAfterMs = 5000;
/** The governor's conditions: with them answers are slow, and are given. */
const boardConditions: readonly string[] = ["power", "heat"];

export class Daemon {
  readonly #config: Config;
  readonly #dependencies: DaemonDependencies;
  readonly #health: Health;
  readonly #templates = new TemplateThread();
  readonly #grammars = new GrammarThread();
  readonly #models: ModelRegistry;
  readonly #upstreams: Upstreams;
  readonly #idle: IdleTime;
  /** null: not wanted. */
  readonly #tuner: AutoTuner | null;
  readonly #server: Server;
  readonly #responses: DocumentStore<StoredResponse>;
  readonly #chats: KeptChats | null;
  readonly #streams: ResumableStreams;
  /** null: no snapshots are written. */
  readonly #snapshots: SnapshotFiles | null;
  #pinned: readonly PinnedFile[];
  /** The configured model; null until it is loaded. */
  #loaded: ServingModel | null = null;
  readonly #live: LiveConfig;
  readonly #reload: Reload;
  readonly #keys: LastGoodKeys;
  readonly #digests: DigestCache;
  readonly #watchdog: Watchdog;
  readonly #governor: Governor;
  readonly #status: StatusReporter;
  readonly #doctor: Doctor;
  readonly #modelWatch: ModelWatch;
  readonly #memory: MemoryGovernor;
  readonly #failure = deferred<never>();
  /** The wait for an address to listen on. */
  readonly #waiting = new AbortController();
  #stopping = false;

  /** Throws CONFIG_BAD_VALUE where options do not go together, and FILE_OPEN_FAILED or MODEL_NOT_FOUND where there is no model to load. */
  constructor(initial: Config, dependencies: DaemonDependencies) {
    const { engineModule, store, clock, logger, systemd, stateFolder, tls, inherited, pull } = dependencies;
    this.#live = new LiveConfig(initial);
    const { config } = this.#live;
    this.#config = config;
    this.#dependencies = dependencies;
    const metrics = new Metrics();
    metrics.collectProcessMetrics();
    const files = new MachineFiles(config["machine.root"]);
    collectHostMetrics(metrics, hostFiles(files.root));
    this.#health = new Health(clock);
    const allowance = new StepAllowance(clock);
    const { model, missing } = dependencies.mayReplaceModel
      ? configuredModel(config["model.path"], store)
      : { model: resolveModel(config["model.path"], store), missing: null };
    if (missing !== null) {
      logger.warn({ reason: missing }, "the configured model is gone");
      // Optional: it answers, if not as it should.
      this.#health.setUnhealthy("configured_model", `${missing} Restart hearth when it is back.`, { optional: true });
    }
    this.#pinned = readPinnedFiles(config);
    this.#snapshots = snapshotFiles(config, dependencies);
    const snapshotMetrics = new SnapshotMetrics(metrics, () => this.#snapshots?.bytes ?? 0);
    const tunings = new MachineTuner(config, stateFolder, engineModule, clock);
    const planner = new ModelPlanner(config, engineModule, tunings);
    const fitting = new ModelFitting(dependencies.wish, { engineModule, planner, logger });
    this.#tuner = config["engine.auto_tune"] ? new AutoTuner({ clock, logger, tunings }) : null;
    this.#idle = new IdleTime(clock, idleAfterMs);
    const keyFile = new KeyFile(stateFolder, engineModule);
    this.#keys = new LastGoodKeys(keyFile, { clock, logger, health: this.#health });
    this.#governor = new Governor(config, {
      clock,
      files,
      allowance,
      health: this.#health,
      logger,
      cores: config["engine.threads"] || availableParallelism(),
      isBusy: () => this.#models.progress().busy,
    });
    collectGovernorMetrics(metrics, () => this.#governor.state);
    this.#status = new StatusReporter(config, {
      clock,
      files,
      health: this.#health,
      stateFolder,
      governor: () => this.#governor.state,
      prefixBytes: () => this.#snapshots?.bytes ?? 0,
    });
    this.#doctor = new Doctor(() => ({
      files,
      loaded: { ...dependencies.loaded, config },
      stateFolder,
      engineModule,
      model: model.path,
      storedKeys: () => keyFile.keys().length,
      status: { models: modelStatus(this.#models), address: this.#status.address },
      statusProblem: null,
      hasService: systemd.isPresent,
      now: clock.wallTime(),
    }));
    const parts = composeServer(config, {
      engineModule,
      clock,
      logger,
      metrics,
      health: this.#health,
      stateFolder,
      store,
      catalog: new StoreCatalog(store),
      model,
      renderer: this.#templates,
      grammarCompiler: this.#grammars,
      fit: (name, file, engine) => fitting.fit(name, file, engine),
      tuning: (file) => tunings.find(file),
      matmuls: (kinds) => tunings.findMatmuls(kinds),
      idle: this.#idle,
      allowance,
      use: (file) => store.use(file),
      onReload: (loaded) => {
        this.#modelWatch.start(loaded.model);
        this.#loaded = loaded;
        void this.#readPinned(loaded);
      },
      ...(this.#snapshots && { snapshots: { files: this.#snapshots, metrics: snapshotMetrics } }),
      keys: () => this.#keys.keys(),
      tls,
      inherited,
      pull,
      pages: pageFiles(),
      status: (ofModels) => this.#status.report(ofModels),
      doctor: () => this.#doctor.look(),
      warnings: () => dependencies.warnings.list,
    });
    this.#models = parts.models;
    collectWeightMetrics(metrics, () => this.#models.ready());
    this.#server = parts.server;
    this.#upstreams = parts.upstreams;
    this.#responses = parts.responses;
    this.#chats = parts.chats;
    this.#streams = parts.streams;
    this.#digests = parts.digests;
    this.#watchdog = new Watchdog({
      clock,
      health: this.#health,
      logger,
      periodMs: systemd.watchdogMs ?? defaultWatchdogMs,
      progress: () => this.#models.progress(),
      ping: () => systemd.ping(),
    });
    this.#modelWatch = new ModelWatch(clock, this.#health, () => void this.#models.reload());
    this.#memory = new MemoryGovernor({ clock, logger, health: this.#health, models: () => this.#models.ready() });
    this.#reload = new Reload({
      live: this.#live,
      health: this.#health,
      logger,
      systemd,
      check: (next) => this.#checkReload(next),
      apply: () => this.#applyReload(),
      status: () => this.#statusLine(),
    });
    this.#failure.promise.catch(() => {}); // whoever waits for it sees the error; nobody else should die of it
  }

  /** Rejects when the daemon cannot do its work: the model could not be loaded. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /**
   * Resolves with the address in use when the server listens; the model is loaded after that. LISTEN_FAILED after the time that the
   * configuration says, and STOPPED.
   */
  async start(): Promise<Address> {
    const { logger, systemd } = this.#dependencies;
    const enough = this.#extend();
    await this.#responses.start();
    await this.#chats?.documents.start();
    await this.#snapshots?.start();
    this.#watchdog.start();
    this.#governor.start();
    const address = await this.#listen().finally(enough);
    this.#status.address = formatAddress(address);
    logger.info({ address: formatAddress(address) }, "listening");
    systemd.ready(this.#statusLine());
    this.#health.onChange(({ name, healthy, reason }) => {
      if (this.#stopping) return; // that nothing works any more is no news then
      systemd.status(this.#statusLine());
      if (healthy) logger.info({ condition: name }, "healthy");
      else logger.warn({ condition: name, reason }, "unhealthy");
    });
    this.#keys.start();
    void this.#upstreams.start();
    this.#models.start().then(
      (loaded) => {
        if (this.#stopping) return;
        this.#modelWatch.start(loaded.model);
        this.#loaded = loaded;
        this.#memory.start();
        void this.#readPinned(loaded).then(() => this.#tuneWhenIdle());
      },
      (error) => this.#failure.reject(error),
    );
    return address;
  }

  /** No new work; what runs may end within `shutdown.grace_ms`. Resolves when all is given back. */
  async stop(): Promise<void> {
    const { logger, systemd } = this.#dependencies;
    this.#stopping = true;
    this.#waiting.abort();
    systemd.stopping("Stopping: running answers may end");
    const enough = this.#extend();
    logger.info({ graceMs: this.#config["shutdown.grace_ms"] }, "stopping");
    this.#modelWatch.stop();
    this.#memory.stop();
    this.#keys.stop();
    this.#doctor.stop();
    this.#server.stopListening();
    this.#streams.stop();
    await this.#digests.stop();
    await this.#idle.stop();
    await this.#models.stop(this.#config["shutdown.grace_ms"]);
    await this.#upstreams.stop();
    await this.#templates.close();
    await this.#grammars.close();
    await this.#server.stop();
    await this.#responses.stop();
    await this.#chats?.documents.stop();
    await this.#snapshots?.stop();
    this.#watchdog.stop();
    await this.#governor.stop();
    enough();
    await systemd.sent();
    logger.info("stopped");
  }

  /** Takes over what `read` finds in the configuration, as far as that can change while the daemon runs. Never throws. */
  reload(read: () => Config): void {
    if (!this.#stopping) this.#reload.run(read);
  }

  #checkReload(next: Config): void {
    checkAuth(next, () => this.#keys.keys());
    this.#pinned = readPinnedFiles(next);
  }

  #applyReload(): void {
    this.#dependencies.logger.level = this.#config["log.level"];
    this.#server.reload();
    this.#upstreams.reload(this.#config);
    // Prompts that were read before are found, and cost nothing.
    if (this.#loaded) void this.#readPinned(this.#loaded);
  }

  /** Asks systemd for more time, over and over until the result is called. */
  #extend(): () => void {
    const { clock, systemd } = this.#dependencies;
    let cancel = () => {};
    const again = () => {
      systemd.extend(extensionMs);
      cancel = clock.after(extensionMs / 3, again);
    };
    again();
    return () => cancel();
  }

  /** systemd's start ends meanwhile: what waits for it, such as the boot, is not to wait for a network that may never come. */
  async #listen(): Promise<Address> {
    const { clock, logger, systemd } = this.#dependencies;
    const limitMs = this.#config["server.listen_wait_ms"];
    const unlimitedMs = systemd.isPresent ? Number.POSITIVE_INFINITY : foregroundListenMs;
    const startedAt = clock.now();
    let isReady = false;
    let nextLogMs = 0;
    return listenWhenPossible(() => this.#server.listen(), {
      clock,
      limitMs: limitMs < 0 ? unlimitedMs : limitMs,
      signal: this.#waiting.signal,
      onWait: ({ message }, waitMs) => {
        const waitedMs = clock.now() - startedAt;
        // Seldomer and seldomer: the wait may last for days, and the log is on a memory card.
        if (waitedMs >= nextLogMs) logger.warn({ reason: message, waitMs }, "waiting to listen");
        if (waitedMs >= nextLogMs) nextLogMs = waitedMs * 2;
        const status = `Waiting to listen: ${message}`;
        if (isReady || waitedMs < startLimitMs) return systemd.status(status);
        isReady = true;
        systemd.ready(status);
      },
    });
  }

  /** One after the other, beside what clients ask. */
  async #readPinned(loaded: ServingModel): Promise<void> {
    const { logger } = this.#dependencies;
    for (const { file, ...prompt } of this.#pinned) {
      if (this.#stopping) return;
      try {
        const { promptTokens, cachedTokens } = await readPinned(loaded, prompt, new AbortController().signal);
        logger.info({ file, promptTokens, cachedTokens }, "a pinned prompt was read");
      } catch (error) {
        if (!this.#stopping) logger.warn({ file, err: error }, "a pinned prompt could not be read");
      }
    }
  }

  #tuneWhenIdle(): void {
    if (!this.#stopping) this.#idle.start(async (signal) => this.#tuner?.tune(this.#models.ready(), signal));
  }

  /** One line for `systemctl status`. */
  #statusLine(): string {
    const ofBoard = boardConditions.flatMap((name) => this.#health.get(name) ?? []).find(({ healthy }) => !healthy);
    const broken = this.#health.conditions().find(({ name, healthy }) => !healthy && !boardConditions.includes(name));
    if (this.#models.phase === "loading") return `Loading ${this.#models.alias}`;
    if (broken) return `Unhealthy: ${broken.reason}`;
    const residency = this.#models
      .ready()
      .find(({ name }) => name === this.#models.alias)
      ?.loaded.engine.residency();
    const serving = `Serving ${this.#models.alias}${residency ? `: ${describeResidency(residency)}` : ""}`;
    return ofBoard ? `${serving}. ${ofBoard.reason}` : serving;
  }
}

function snapshotFiles(
  config: Config,
  { engineModule, stateFolder, clock, logger }: DaemonDependencies,
): SnapshotFiles | null {
  const limits = { bytes: config["prefix.disk_bytes"], bytesADay: config["prefix.disk_bytes_per_day"] };
  if (limits.bytes === 0) return null;
  return new SnapshotFiles(path.join(stateFolder, "prefixes"), engineModule.buildId(), limits, {
    clock,
    logger,
    locker: engineModule,
  });
}
