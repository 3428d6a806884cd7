/**
 * The processor's temperature, its clock, and what the firmware of a Raspberry Pi says of heat and power: from files alone, without
 * programs or device nodes, so that a sandbox may stay closed. Knows nothing of what is done about it.
 */
import type { MachineFiles } from "./files.js";

/** The firmware's flags (raspberrypi.com, documentation of `vcgencmd get_throttled`), in the order of their bits. */
export const throttleFlags = ["under-voltage", "frequency capped", "throttled", "soft temperature limit"] as const;
export type ThrottleFlag = (typeof throttleFlags)[number];

export interface Throttle {
  readonly now: readonly ThrottleFlag[];
  readonly sinceBoot: readonly ThrottleFlag[];
}

/** The clock of processors that share one. */
export interface CpuClock {
  /** `policy0` */
  readonly name: string;
  readonly hertz: number | null;
  /** The highest that is allowed, and that there is. */
  readonly maxHertz: number | null;
  readonly hardwareMaxHertz: number | null;
  /** The kernel's rule for the clock: `ondemand`, `powersave`. */
  readonly governor: string | null;
}

export interface HeatReading {
  /** The hottest sensor of the processor; null: none tells. */
  readonly celsius: number | null;
  /** null: no such firmware. */
  readonly throttle: Throttle | null;
  readonly clocks: readonly CpuClock[];
}

/** Names of thermal zones that are the processor's, as boards and PCs have them. */
const ofProcessor = /cpu|soc|core|pkg|package|cluster|^acpitz$/i;
/** The soft limit of a Raspberry Pi, which is not among the trip points: from here on its clock falls. */
const raspberryPiLimitCelsius = 80;
/** Passive trip points below this are for chargers and skins, not for a processor at work. */
const leastLimitCelsius = 60;

export class HeatSensors {
  readonly #files: MachineFiles;
  readonly #temperatures: readonly string[];
  readonly #throttled: string | null;
  readonly #voltageAlarm: string | null;
  readonly #policies: readonly string[];
  /** Degrees Celsius at which the board begins to slow down by itself; null: it does not tell. */
  readonly limitCelsius: number | null;

  private constructor(
    files: MachineFiles,
    found: {
      readonly zones: readonly string[];
      readonly throttled: string | null;
      readonly voltageAlarm: string | null;
      readonly policies: readonly string[];
      readonly limitCelsius: number | null;
    },
  ) {
    this.#files = files;
    this.#temperatures = found.zones.map((zone) => `${zone}/temp`);
    this.#throttled = found.throttled;
    this.#voltageAlarm = found.voltageAlarm;
    this.#policies = found.policies;
    this.limitCelsius = found.limitCelsius;
  }

  /** Looks once which sensors there are. */
  static async open(files: MachineFiles): Promise<HeatSensors> {
    const zones = await processorZones(files);
    const throttled = await firstReadable(files, "/sys/devices/platform/*/*firmware*/get_throttled");
    const isRaspberryPi = throttled !== null || /Raspberry Pi/.test((await boardName(files)) ?? "");
    return new HeatSensors(files, {
      zones,
      throttled,
      voltageAlarm: await voltageAlarm(files),
      policies: await files.find("/sys/devices/system/cpu/cpufreq/policy*"),
      limitCelsius: isRaspberryPi ? raspberryPiLimitCelsius : await passiveTrip(files, zones),
    });
  }

  async read(): Promise<HeatReading> {
    const [temperatures, throttle, clocks] = await Promise.all([
      Promise.all(this.#temperatures.map((file) => this.#files.integer(file))),
      this.#readThrottle(),
      Promise.all(this.#policies.map((folder) => this.#readClock(folder))),
    ]);
    const celsius = temperatures.filter((milli) => milli !== null && milli > 0).map((milli) => Number(milli) / 1000);
    return { celsius: celsius.length > 0 ? Math.max(...celsius) : null, throttle, clocks };
  }

  async #readThrottle(): Promise<Throttle | null> {
    const text = this.#throttled === null ? null : await this.#files.text(this.#throttled);
    const alarm = this.#voltageAlarm === null ? null : await this.#files.integer(this.#voltageAlarm);
    const bits = text !== null && /^(0x)?[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : null;
    if (bits === null && alarm === null) return null;
    const flags = (shift: number) => throttleFlags.filter((_, bit) => (((bits ?? 0) >> (shift + bit)) & 1) === 1);
    const now = flags(0);
    if (alarm === 1 && !now.includes("under-voltage")) now.unshift("under-voltage");
    return { now, sinceBoot: flags(16) };
  }

  async #readClock(folder: string): Promise<CpuClock> {
    const hertz = async (name: string) => {
      const kilo = await this.#files.integer(`${folder}/${name}`);
      return kilo === null ? null : kilo * 1000;
    };
    return {
      name: folder.slice(folder.lastIndexOf("/") + 1),
      hertz: await hertz("scaling_cur_freq"),
      maxHertz: await hertz("scaling_max_freq"),
      hardwareMaxHertz: await hertz("cpuinfo_max_freq"),
      governor: await this.#files.text(`${folder}/scaling_governor`),
    };
  }
}

/** `Raspberry Pi 5 Model B Rev 1.0`, or a PC's product; null where nothing tells. */
export async function boardName(files: MachineFiles): Promise<string | null> {
  const ofBoard = await files.text("/proc/device-tree/model");
  const name = ofBoard ?? (await files.text("/sys/class/dmi/id/product_name"));
  return name?.replace(/[\0\s]+$/, "") || null;
}

/** The processor's zones; where none is called so, the first one. */
async function processorZones(files: MachineFiles): Promise<readonly string[]> {
  const zones = await files.find("/sys/class/thermal/thermal_zone*");
  const types = await Promise.all(zones.map((zone) => files.text(`${zone}/type`)));
  const own = zones.filter((_, i) => ofProcessor.test(types[i] ?? ""));
  return own.length > 0 ? own : zones.slice(0, 1);
}

/** The lowest temperature at which the kernel slows the processor down. */
async function passiveTrip(files: MachineFiles, zones: readonly string[]): Promise<number | null> {
  const trips = (await Promise.all(zones.map((zone) => files.find(`${zone}/trip_point_*_type`)))).flat();
  const limits = await Promise.all(
    trips.map(async (file) => {
      if ((await files.text(file)) !== "passive") return [];
      const milli = await files.integer(file.replace(/_type$/, "_temp"));
      return milli !== null && milli >= leastLimitCelsius * 1000 ? [milli / 1000] : [];
    }),
  );
  const found = limits.flat();
  return found.length > 0 ? Math.min(...found) : null;
}

async function voltageAlarm(files: MachineFiles): Promise<string | null> {
  for (const folder of await files.find("/sys/class/hwmon/hwmon*")) {
    const file = `${folder}/in0_lcrit_alarm`;
    if ((await files.text(`${folder}/name`)) === "rpi_volt" && (await files.integer(file)) !== null) return file;
  }
  return null;
}

async function firstReadable(files: MachineFiles, pattern: string): Promise<string | null> {
  for (const file of await files.find(pattern)) if ((await files.text(file)) !== null) return file;
  return null;
}
