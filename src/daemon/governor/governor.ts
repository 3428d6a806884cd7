/**
 * Looks after the board while models compute: keeps the processor below the temperature at which it would slow down by itself, gives way
 * to other programs, and is quiet at the hours that the configuration names. Answers come slower then, and are the same. Reads sensors
 * and sets the scheduler's allowance; what to do it leaves to the pure parts beside it.
 */
import type { Clock } from "../../base/clock.js";
import type { Health } from "../../base/health.js";
import type { Logger } from "../../base/logger.js";
import type { Config } from "../../config/options.js";
import type { MachineFiles } from "../../machine/files.js";
import { type HeatReading, HeatSensors } from "../../machine/heat.js";
import { readCpuWaiting, type WaitingSum, waitingShare } from "../../machine/pressure.js";
import type { StepAllowance } from "../../scheduler/allowance.js";
import { HeatControl } from "./heat-control.js";
import { isQuiet } from "./quiet-hours.js";
import { type Effort, splitPower } from "./split.js";
import { Yielding } from "./yielding.js";

export interface GovernorDependencies {
  readonly clock: Clock;
  readonly files: MachineFiles;
  readonly allowance: StepAllowance;
  /** The optional conditions `heat` and `power` are its. */
  readonly health: Health;
  readonly logger: Logger;
  /** The threads that compute when nothing limits them. */
  readonly cores: number;
  /** Whether a step runs or could. */
  readonly isBusy: () => boolean;
}

export type GovernorConfig = Pick<
  Config,
  | "governor.heat"
  | "governor.temperature_celsius"
  | "governor.yield"
  | "governor.quiet_hours"
  | "governor.quiet_percent"
>;

/** Why less than everything is taken. */
export type Restraint = "heat" | "power" | "others" | "quiet hours";

export interface GovernorState extends Effort {
  readonly cores: number;
  readonly restraints: readonly Restraint[];
  readonly heat: HeatReading;
  /** null: the board does not tell one, and neither does the configuration. */
  readonly limitCelsius: number | null;
  /** The part of the time in which somebody waited for a processor; null: the kernel does not tell, or not yet. */
  readonly waitingShare: number | null;
}

/** A chip warms by several degrees in a second; a board at rest is to be left alone. */
const busyPeriodMs = 1000;
const idlePeriodMs = 5000;
/** Power that a weak supply is asked for after it sagged, and how long. */
const weakSupplyShare = 0.5;
const weakSupplyMs = 60_000;
/** Heat has to slow answers for so long, and then not to, before anybody is told. */
const toldAfterMs = 30_000;
const noticeable = 0.95;

export class Governor {
  readonly #config: GovernorConfig;
  readonly #dependencies: GovernorDependencies;
  readonly #heatControl = new HeatControl();
  readonly #yielding: Yielding;
  #sensors: HeatSensors | null = null;
  #state: GovernorState;
  #waiting: WaitingSum | null = null;
  #observedAt: number;
  #weakUntil = Number.NEGATIVE_INFINITY;
  #hotSince: number | null = null;
  #coolSince: number | null = null;
  #cancel: (() => void) | null = null;
  #isStopped = false;
  /** The look that runs, so that stopping can wait for it. */
  #looking: Promise<void> = Promise.resolve();

  constructor(config: GovernorConfig, dependencies: GovernorDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    const { cores, clock } = dependencies;
    this.#yielding = new Yielding(cores);
    this.#observedAt = clock.now();
    this.#state = {
      cores,
      threads: cores,
      workShare: 1,
      restraints: [],
      heat: { celsius: null, throttle: null, clocks: [] },
      limitCelsius: null,
      waitingShare: null,
    };
  }

  /** The state after the last look. */
  get state(): GovernorState {
    return this.#state;
  }

  start(): void {
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#looking;
  }

  #look(): void {
    const { clock, isBusy, logger } = this.#dependencies;
    this.#looking = this.#observe()
      .catch((error) => logger.warn({ err: error }, "the board's sensors cannot be read"))
      .then(() => {
        if (this.#isStopped) return;
        this.#cancel = clock.after(isBusy() ? busyPeriodMs : idlePeriodMs, () => this.#look());
      });
  }

  async #observe(): Promise<void> {
    const { clock, files, cores, allowance } = this.#dependencies;
    this.#sensors ??= await HeatSensors.open(files);
    const [heat, waiting] = await Promise.all([this.#sensors.read(), readCpuWaiting(files)]);
    const now = clock.now();
    const elapsedMs = Math.max(1, now - this.#observedAt);
    const waitedShare = waitingShare(this.#waiting, waiting, elapsedMs);
    this.#waiting = waiting;
    this.#observedAt = now;
    const limitCelsius = this.#config["governor.temperature_celsius"] || this.#sensors.limitCelsius;
    const heatShare = this.#heatShare(heat, limitCelsius, elapsedMs);
    const powerShare = this.#powerShare(heat, now);
    const quietShare = this.#quietShare();
    const mostThreads = this.#mostThreads(waitedShare, elapsedMs);
    const effort = splitPower(Math.min(heatShare, powerShare, quietShare), cores, mostThreads);
    allowance.set(effort.threads, effort.workShare);
    const restraints: Restraint[] = [];
    if (heatShare < noticeable) restraints.push("heat");
    if (powerShare < 1) restraints.push("power");
    if (mostThreads < cores) restraints.push("others");
    if (quietShare < 1) restraints.push("quiet hours");
    this.#log(restraints, effort);
    this.#state = { cores, ...effort, restraints, heat, limitCelsius, waitingShare: waitedShare };
    this.#tell(heatShare < noticeable, now);
  }

  #heatShare({ celsius, throttle }: HeatReading, limitCelsius: number | null, elapsedMs: number): number {
    if (!this.#config["governor.heat"] || celsius === null || limitCelsius === null) {
      this.#heatControl.reset();
      return 1;
    }
    const now = throttle?.now ?? [];
    const isThrottled = now.includes("throttled") || now.includes("soft temperature limit");
    return this.#heatControl.observe({ celsius, limitCelsius, elapsedMs, isThrottled });
  }

  /** Less current keeps the voltage up, and the board from a reset in the middle of a write. */
  #powerShare({ throttle }: HeatReading, now: number): number {
    const isWeak = throttle?.now.includes("under-voltage") ?? false;
    if (isWeak) this.#weakUntil = now + weakSupplyMs;
    const isToldWeak = now < this.#weakUntil;
    const { health } = this.#dependencies;
    if (isToldWeak) health.setUnhealthy("power", weakSupply, { optional: true });
    else if (health.get("power")) health.setHealthy("power", { optional: true });
    return isToldWeak && this.#config["governor.heat"] ? weakSupplyShare : 1;
  }

  #quietShare(): number {
    const isNow = isQuiet(this.#config["governor.quiet_hours"], new Date(this.#dependencies.clock.wallTime()));
    return isNow ? this.#config["governor.quiet_percent"] / 100 : 1;
  }

  #mostThreads(waitedShare: number | null, elapsedMs: number): number {
    const { cores } = this.#dependencies;
    if (!this.#config["governor.yield"]) return cores;
    return waitedShare === null ? this.#yielding.threads : this.#yielding.observe(waitedShare, elapsedMs);
  }

  /** Changes of the reasons alone: the log is on a memory card. */
  #log(restraints: readonly Restraint[], { threads, workShare }: Effort): void {
    const before = this.#state.restraints.join();
    if (before === restraints.join()) return;
    const { celsius } = this.#state.heat;
    const level = restraints.some((each) => each === "power") ? "warn" : "debug";
    this.#dependencies.logger[level]({ restraints, threads, workShare, celsius }, "the board sets the pace");
  }

  /** Heat that lasts is worth telling; a moment of it is what the governor is for. */
  #tell(isHot: boolean, now: number): void {
    const { health } = this.#dependencies;
    this.#hotSince = isHot ? (this.#hotSince ?? now) : null;
    this.#coolSince = isHot ? null : (this.#coolSince ?? now);
    if (this.#hotSince !== null && now - this.#hotSince >= toldAfterMs) {
      health.setUnhealthy("heat", hot, { optional: true });
    } else if (this.#coolSince !== null && now - this.#coolSince >= toldAfterMs && health.get("heat")) {
      health.setHealthy("heat", { optional: true });
    }
  }
}

const hot =
  "Heat slows answers down: the processor is near its limit. Give the board a fan, a larger heat sink or more air.";
const weakSupply =
  "The power supply is too weak (under-voltage). Use the board's own one, a short cable, and a powered hub for drives.";
