/** Checks of what is on disk: room, speed, the model's file, permissions. */
import type { Stats } from "node:fs";
import { access, constants, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../../base/errors.js";
import { isDenied, isMissing } from "../../base/files.js";
import type { Report } from "./check.js";
import { asRoot, type DoctorSources, programMs } from "./sources.js";

/** Below this the daemon cannot keep what it should, and a pull fails. */
const leastFreeBytes = 500e6;
/** Slower storage makes a model that does not fit unusable: a tenth of a small NVMe drive. */
const leastReadRate = 20e6;
const measuredMegabytes = 64;
/** Less tells nothing of the speed. */
const leastMeasuredBytes = 1e6;

export async function checkRoom({ stateFolder }: DoctorSources, report: Report): Promise<void> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(await nearest(stateFolder));
    const free = bavail * bsize;
    report.fact(`${(free / 1e9).toFixed(1)} GB free in ${stateFolder}`);
    if (free < leastFreeBytes) {
      report.fault(
        `Only ${Math.round(free / 1e6)} MB are free in ${stateFolder}.`,
        "`hearth models list`, then `sudo hearth models rm NAME`; or `sudo apt-get clean`.",
      );
    }
    if (files > 0 && ffree === 0)
      report.fault(`No more files can be made in ${stateFolder}.`, `sudo find ${stateFolder} -xdev -type f | wc -l`);
  } catch (error) {
    report.unknown(`${stateFolder}: ${error instanceof Error ? error.message : error}.`);
  }
}

/** Reads past the page cache, as a start after a power cut does. */
export async function checkSpeed({ model, run, status }: DoctorSources, report: Report): Promise<void> {
  if (typeof model !== "string") return; // the model's own check says so
  const isReadNow = () => status?.models.some(({ residency, slotsBusy }) => residency !== null && slotsBusy > 0);
  if (isReadNow()) {
    report.unknown("An answer is being read from the storage, and measuring would slow both down: try again later.");
    return;
  }
  const args = [`if=${model}`, "of=/dev/null", "bs=1M", `count=${measuredMegabytes}`, "iflag=direct"];
  const { stderr = "", isLate = false } = (await run("dd", args)) ?? {};
  // dd's last line, also where it was interrupted: 67108864 bytes (67 MB, 64 MiB) copied, 0.131 s, 512 MB/s
  const [, bytes, seconds] = /^(\d+) bytes.*copied, ([\d.e-]+) s/m.exec(stderr) ?? [];
  if (bytes === undefined || Number(bytes) < leastMeasuredBytes || !(Number(seconds) > 0)) {
    if (isLate) reportHang(report, programMs);
    else report.unknown("The speed of the storage cannot be measured here.");
    return;
  }
  const rate = Number(bytes) / Number(seconds);
  report.fact(`models are read at ${Math.round(rate / 1e6)} MB/s`);
  if (rate < leastReadRate) {
    report.advice(
      `The storage reads ${Math.round(rate / 1e6)} MB/s: a model takes long to load, and one that does not fit in memory is of no use.`,
      "Move the models to a faster card or a USB 3 or NVMe drive: state.path in the configuration.",
    );
  }
}

/** Says that the storage of the models has not answered for so long. */
export function reportHang(report: Report, waitedMs: number): void {
  report.fault(
    `The storage has not answered for ${Math.round(waitedMs / 1000)} seconds: the card or disk hangs.`,
    "`sudo dmesg | tail -n 30` says what the kernel knows of it. Save what you need, then `sudo reboot`.",
  );
}

export async function checkModel(sources: DoctorSources, report: Report): Promise<void> {
  const { loaded, engineModule, model, by, status } = sources;
  const name = loaded.config["model.path"] || "spark";
  // Read once more it would take memory, which may be short.
  const held = by === "daemon" ? status?.models.find(({ configured }) => configured) : undefined;
  if (held?.phase === "ready") {
    report.fact(`${held.name}: ${held.weightType} ${held.architecture}, answers`);
    return;
  }
  if (held?.phase === "loading") {
    report.unknown(`${held.name} is being loaded: try again when it answers.`);
    return;
  }
  const problem = typeof model === "string" ? await unreadable(model) : model;
  if (problem !== null || typeof model !== "string") {
    report.fault(
      (problem as HearthError).message,
      `\`hearth models find\`, then \`hearth use NAME\`, or \`sudo hearth models pull ${name}\`.`,
    );
    return;
  }
  try {
    const { info } = await engineModule.loadModel(model, { vocabularyOnly: false });
    report.fact(`${name}: ${info.weightType} ${info.architecture}, ${(info.fileBytes / 1e6).toFixed(0)} MB`);
  } catch (error) {
    const why = error instanceof HearthError ? `${error.code}: ${error.message}` : String(error);
    if (isDenied(error instanceof HearthError ? error.cause : error)) report.fault(why, "sudo hearth doctor");
    else
      report.fault(
        `The model ${name} cannot be used: ${why}`,
        `sudo hearth models rm ${name} --force && hearth use ${name}`,
      );
  }
}

/** Why a file cannot be read; null where it can. */
async function unreadable(file: string): Promise<HearthError | null> {
  try {
    await access(file, constants.R_OK);
    return null;
  } catch (error) {
    return new HearthError("FILE_OPEN_FAILED", String(error), { cause: error });
  }
}

export async function checkPermissions({ loaded, stateFolder, by }: DoctorSources, report: Report): Promise<void> {
  const { file } = loaded;
  const keysFile = path.join(stateFolder, "keys.json");
  const [state, configuration, keys] = await Promise.all([
    statOf(stateFolder),
    file === null ? null : statOf(file),
    statOf(keysFile),
  ]);
  if (configuration && configuration !== "hidden" && configuration.isFile() && isSeen(state)) {
    const { mode, uid, gid } = configuration;
    const mayRead = (mode & 0o004) !== 0 || ((mode & 0o040) !== 0 && gid === state.gid) || uid === state.uid;
    if (!mayRead) report.fault(`The service may not read ${file}.`, `sudo chmod a+r ${file}`);
    if ((mode & 0o002) !== 0) report.fault(`Everybody may change ${file}.`, `sudo chmod o-w ${file}`);
  }
  if (isSeen(keys) && (keys.mode & 0o077) !== 0) {
    report.fault("Others than the service may read its keys.", `sudo chmod 600 ${keysFile}`);
  }
  if (isSeen(keys) && isSeen(state) && keys.uid !== state.uid) {
    report.fault(
      "The service's keys belong to another user than its folder.",
      `sudo chown --reference=${stateFolder} ${keysFile}`,
    );
  }
  if (isSeen(state) && (state.mode & 0o222) === 0)
    report.fault(`Nobody may write in ${stateFolder}.`, `sudo chmod u+w ${stateFolder}`);
  if ([state, configuration, keys].includes("hidden")) {
    report.unknown(`This user may not look at all of the service's files.${asRoot(by)}`);
  } else if (report.findings.length === 0) report.fact("as they should be");
}

type Seen = Stats | null | "hidden";

/** null: there is no such file; `hidden`: this user may not know. */
async function statOf(file: string): Promise<Seen> {
  try {
    return await stat(file);
  } catch (error) {
    return isMissing(error) ? null : "hidden";
  }
}

function isSeen(found: Seen): found is Stats {
  return found !== null && found !== "hidden";
}

/** The folder, or the nearest one above it that is there. */
async function nearest(folder: string): Promise<string> {
  const above = path.dirname(folder);
  return above === folder || (await statOf(folder)) !== null ? folder : nearest(above);
}
