/**
 * A board that warms with what its processor does: a chip on a heat sink in a room. The chip follows its power within seconds, the heat
 * sink within minutes. Tells its temperature as a Raspberry Pi does, in the files of the kernel.
 */
import { SimulatedFiles } from "./machine.js";

export interface HotBoardOptions {
  readonly roomCelsius: number;
  /** Power of the chip at rest, and of each thread that computes, in watts. */
  readonly idleWatts: number;
  readonly threadWatts: number;
  /** From the chip to its heat sink and from that to the room, in degrees per watt. */
  readonly chipResistance: number;
  readonly sinkResistance: number;
  /** In joules per degree. */
  readonly chipCapacity: number;
  readonly sinkCapacity: number;
  /** Speed with 1, 2, ... threads. */
  readonly speeds: readonly number[];
}

/** The steps of a Raspberry Pi's sensor. */
const sensorStepMilli = 550;
export const limitCelsius = 80;
/** Longer pieces of time than the chip's inertia allows would not be a simulation. */
const longestPieceMs = 250;

export class HotBoard {
  readonly options: HotBoardOptions;
  readonly files: SimulatedFiles;
  roomCelsius: number;
  chipCelsius: number;
  #sinkCelsius: number;
  hottestCelsius = Number.NEGATIVE_INFINITY;

  constructor(options: HotBoardOptions) {
    this.options = options;
    this.roomCelsius = options.roomCelsius;
    this.chipCelsius = options.roomCelsius;
    this.#sinkCelsius = options.roomCelsius;
    const flags = () => (this.chipCelsius >= limitCelsius ? "e" : "0");
    this.files = new SimulatedFiles({
      "/sys/class/thermal/thermal_zone0/type": "cpu-thermal",
      "/sys/class/thermal/thermal_zone0/temp": () =>
        String(Math.floor((this.chipCelsius * 1000) / sensorStepMilli) * sensorStepMilli),
      "/sys/devices/platform/soc/soc:firmware/get_throttled": flags,
    });
  }

  /** Time goes by while so many threads compute. */
  pass(durationMs: number, threads: number): void {
    const { idleWatts, threadWatts, chipResistance, sinkResistance, chipCapacity, sinkCapacity } = this.options;
    for (let leftMs = durationMs; leftMs > 0; leftMs -= longestPieceMs) {
      const seconds = Math.min(leftMs, longestPieceMs) / 1000;
      const toSink = (this.chipCelsius - this.#sinkCelsius) / chipResistance;
      const toRoom = (this.#sinkCelsius - this.roomCelsius) / sinkResistance;
      this.chipCelsius += (seconds * (idleWatts + threads * threadWatts - toSink)) / chipCapacity;
      this.#sinkCelsius += (seconds * (toSink - toRoom)) / sinkCapacity;
      this.hottestCelsius = Math.max(this.hottestCelsius, this.chipCelsius);
    }
  }

  /** The best speed that never changes and keeps the chip at the limit for ever: so many threads for a fixed part of the time. */
  bestConstantSpeed(): number {
    const { idleWatts, threadWatts, chipResistance, sinkResistance, speeds } = this.options;
    const watts = (limitCelsius - this.roomCelsius) / (chipResistance + sinkResistance) - idleWatts;
    return Math.max(...speeds.map((speed, i) => speed * Math.min(1, Math.max(0, watts / ((i + 1) * threadWatts)))));
  }
}
