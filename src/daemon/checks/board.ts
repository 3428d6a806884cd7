/** Checks of the board itself: processor, heat, power, clock. */
import { readFile } from "node:fs/promises";
import { lineOf } from "../../config/edit.js";
import type { LoadedConfig } from "../../config/load.js";
import type { OptionKey } from "../../config/options.js";
import { boardName, HeatSensors } from "../../machine/heat.js";
import { pageSize } from "../../machine/memory.js";
import type { Report } from "./check.js";
import { asRoot, type DoctorSources } from "./sources.js";

/** Sets of NEON kernels for processors with the instructions that /proc/cpuinfo calls so. */
const better: readonly (readonly [feature: string, kernels: string])[] = [
  ["i8mm", "neon_i8mm"],
  ["asimddp", "neon_dotprod"],
];

export async function checkProcessor(sources: DoctorSources, report: Report): Promise<void> {
  const { files, loaded, engineModule, status } = sources;
  const name = await boardName(files);
  const page = await pageSize(files);
  const features = new Set(
    /^(?:Features|flags)\s*: (.*)$/m.exec((await files.text("/proc/cpuinfo")) ?? "")?.[1]?.split(" "),
  );
  const [isa = ""] = engineModule.matmulWays(loaded.config["engine.isa"], "").map((way) => way.split(":")[0] ?? "");
  const inUse = status?.models.find(({ configured }) => configured)?.isa ?? isa;
  report.fact(`${name ?? "unknown board"}; kernels ${inUse}${page === null ? "" : `, pages of ${page / 1024} KB`}`);
  const forced = loaded.config["engine.isa"];
  if (forced !== "") {
    const where = loaded.origins["engine.isa"];
    report.advice(
      `The kernels ${forced} are forced (${where}), whatever is fastest here.`,
      await removeOption("engine.isa", loaded),
    );
  }
  const [missed] = better.filter(([feature]) => features.has(feature)).map(([, kernels]) => kernels);
  if (forced === "" && missed !== undefined && !engineModule.compiledIsas().includes(missed)) {
    report.advice(`This processor could run the kernels ${missed}, which this build lacks.`, "npm run build");
  }
}

export async function checkHeat({ files }: DoctorSources, report: Report): Promise<void> {
  const sensors = await HeatSensors.open(files);
  const { celsius, throttle, clocks } = await sensors.read();
  const { limitCelsius } = sensors;
  if (celsius !== null) {
    const limit = limitCelsius === null ? "" : `; slows down at ${limitCelsius} °C`;
    report.fact(`${Math.round(celsius)} °C${limit}`);
    if (limitCelsius !== null && celsius >= limitCelsius - 8) {
      report.advice(
        `The processor is at ${Math.round(celsius)} °C and slows down at ${limitCelsius}.`,
        "Give the board a fan or a larger heat sink; `hearth status` shows the temperature.",
      );
    }
  }
  const sinceBoot = throttle?.sinceBoot ?? [];
  const hot = [...new Set([...(throttle?.now ?? []), ...sinceBoot])].filter(
    (flag) => flag !== "under-voltage" && flag !== "frequency capped",
  );
  if (hot.length > 0) {
    report.advice(
      `Since the boot the firmware has slowed the processor down: ${hot.join(", ")}.`,
      "Give the board a fan or a larger heat sink, then `sudo reboot` to clear the flags.",
    );
  }
  for (const { name, maxHertz, hardwareMaxHertz, governor } of clocks) {
    const at = `/sys/devices/system/cpu/cpufreq/${name}`;
    if (governor === "powersave" && maxHertz !== null) {
      report.advice(
        `The clock of ${name} is held low (governor powersave).`,
        `echo ondemand | sudo tee ${at}/scaling_governor`,
      );
    } else if (maxHertz !== null && hardwareMaxHertz !== null && maxHertz < 0.95 * hardwareMaxHertz) {
      const [is, could] = [maxHertz, hardwareMaxHertz].map((hertz) => `${(hertz / 1e9).toFixed(1)} GHz`);
      report.advice(
        `The clock of ${name} is limited to ${is}, and could be ${could}.`,
        `echo ${hardwareMaxHertz / 1000} | sudo tee ${at}/scaling_max_freq`,
      );
    }
  }
}

export async function checkPower({ files }: DoctorSources, report: Report): Promise<void> {
  const { throttle } = await (await HeatSensors.open(files)).read();
  if (throttle === null) return;
  const mend = "Use the board's own power supply (27 W for a Raspberry Pi 5, 15 W for a 4), then `sudo reboot`.";
  if (throttle.now.includes("under-voltage"))
    report.fault("The power supply is too weak at this moment (under-voltage).", mend);
  else if (throttle.sinceBoot.includes("under-voltage")) {
    report.advice("The power supply was too weak since the boot (under-voltage).", mend);
  } else report.fact("no under-voltage since the boot");
}

/** Nothing of hearth was made before this. */
const earliest = Date.UTC(2026, 0, 1);

export async function checkClock({ now, run, by }: DoctorSources, report: Report): Promise<void> {
  const shown = await run("timedatectl", ["show", "--property=NTPSynchronized", "--property=NTP"]);
  const isSynchronized = /^NTPSynchronized=yes$/m.test(shown?.stdout ?? "");
  if (now < earliest) {
    report.fault(
      `The clock says ${new Date(now).toISOString().slice(0, 10)}: certificates of pulls look as if they were of the future.`,
      "sudo timedatectl set-ntp true",
    );
  } else if (shown === null) report.unknown("There is no timedatectl to ask whether the clock is synchronized.");
  else if (shown.status !== 0) {
    report.unknown(`timedatectl does not tell whether it is synchronized.${asRoot(by)}`);
  } else if (isSynchronized) report.fact("synchronized");
  else {
    report.advice(
      "The clock is not synchronized; a board without a battery loses it at each power cut.",
      "sudo timedatectl set-ntp true",
    );
  }
}

/** The command that takes an option out of the place that set it. */
async function removeOption(key: OptionKey, { file, origins }: LoadedConfig): Promise<string> {
  const isOfFile = file !== null && origins[key].startsWith("file ");
  const line = isOfFile ? lineOf(await readFile(file, "utf8").catch(() => ""), key) : null;
  if (line === null) return `Remove it where it is set: ${origins[key]}.`;
  return `sudo sed -i ${line}d ${shellWord(file ?? "")} && sudo systemctl restart hearthd`;
}

/** The text as one word of a shell. */
function shellWord(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
