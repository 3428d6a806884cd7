/** Checks of what is on disk: room, speed, the model's file, permissions. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import path from "node:path";
import { HearthError } from "../../base/errors.js";
import { isDenied } from "../../base/files.js";
import { openModelStore, resolveModel } from "../model-file.js";
import { Report } from "./check.js";
import type { DoctorSources } from "./sources.js";

/** Below this the daemon cannot keep what it should, and a pull fails. */
const leastFreeBytes = 500e6;
/** Slower storage makes a model that does not fit unusable: a tenth of a small NVMe drive. */
const leastReadRate = 20e6;
const measuredMegabytes = 64;

export async function checkRoom({ stateFolder }: DoctorSources): Promise<Report> {
  const report = new Report("disk");
  try {
    const { bavail, bsize, ffree, files } = await statfs(nearest(stateFolder));
    const free = bavail * bsize;
    report.fact(`${(free / 1e9).toFixed(1)} GB free in ${stateFolder}`);
    if (free < leastFreeBytes) {
      report.fault(
        `Only ${Math.round(free / 1e6)} MB are free in ${stateFolder}.`,
        "hearth models list, then `sudo hearth models rm NAME`; or `sudo apt-get clean`",
      );
    }
    if (files > 0 && ffree === 0)
      report.fault(`No more files can be made in ${stateFolder}.`, `sudo find ${stateFolder} -xdev -type f | wc -l`);
  } catch (error) {
    report.fact(`${stateFolder}: ${error instanceof Error ? error.message : error}`);
  }
  return report;
}

/** Reads past the page cache, as a start after a power cut does. */
export function checkSpeed(sources: DoctorSources): Report {
  const report = new Report("storage");
  const file = modelFile(sources);
  if (typeof file !== "string") return report;
  const args = [`if=${file}`, "of=/dev/null", "bs=1M", `count=${measuredMegabytes}`, "iflag=direct"];
  const { status, stderr = "" } = sources.run("dd", args) ?? {};
  // dd's last line: 67108864 bytes (67 MB, 64 MiB) copied, 0.131 s, 512 MB/s
  const [, bytes, seconds] = /^(\d+) bytes.*copied, ([\d.e-]+) s/m.exec(stderr) ?? [];
  if (status !== 0 || bytes === undefined || Number(bytes) < 1e6 || !(Number(seconds) > 0)) return report;
  const rate = Number(bytes) / Number(seconds);
  report.fact(`models are read at ${Math.round(rate / 1e6)} MB/s`);
  if (rate < leastReadRate) {
    report.advice(
      `The storage reads ${Math.round(rate / 1e6)} MB/s: a model takes long to load, and one that does not fit in memory is of no use.`,
      "Move the models to a faster card or a USB 3 or NVMe drive: state.path in the configuration.",
    );
  }
  return report;
}

export async function checkModel(sources: DoctorSources): Promise<Report> {
  const report = new Report("model");
  const { loaded, engineModule } = sources;
  const found = modelFile(sources);
  const name = loaded.config["model.path"] || "spark";
  if (found instanceof HearthError) {
    report.fault(found.message, `hearth models find, then \`hearth use NAME\`, or \`sudo hearth models pull ${name}\``);
    return report;
  }
  try {
    const { info } = await engineModule.loadModel(found, { vocabularyOnly: false });
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
  return report;
}

export function checkPermissions({ loaded, stateFolder }: DoctorSources): Report {
  const report = new Report("permissions");
  const { file } = loaded;
  const state = statIfReadable(stateFolder);
  const configuration = file === null ? undefined : statIfReadable(file);
  if (configuration?.isFile() && state) {
    const { mode, uid, gid } = configuration;
    const mayRead = (mode & 0o004) !== 0 || ((mode & 0o040) !== 0 && gid === state.gid) || uid === state.uid;
    if (!mayRead) report.fault(`The service may not read ${file}.`, `sudo chmod a+r ${file}`);
    if ((mode & 0o002) !== 0) report.fault(`Everybody may change ${file}.`, `sudo chmod o-w ${file}`);
  }
  if (state) {
    const keys = statIfReadable(path.join(stateFolder, "keys.json"));
    if (keys && (keys.mode & 0o077) !== 0) {
      report.fault(
        "Others than the service may read its keys.",
        `sudo chmod 600 ${path.join(stateFolder, "keys.json")}`,
      );
    }
    if (keys && keys.uid !== state.uid) {
      report.fault(
        "The service's keys belong to another user than its folder.",
        `sudo chown --reference=${stateFolder} ${path.join(stateFolder, "keys.json")}`,
      );
    }
    if ((state.mode & 0o222) === 0)
      report.fault(`Nobody may write in ${stateFolder}.`, `sudo chmod u+w ${stateFolder}`);
  }
  if (report.findings.length === 0) report.fact("as they should be");
  return report;
}

function statIfReadable(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // the folder is the service's alone
  }
}

/** The configured model's file, or why there is none. */
function modelFile({ loaded, stateFolder, engineModule }: DoctorSources): string | HearthError {
  try {
    const { path: file } = resolveModel(loaded.config["model.path"], openModelStore(stateFolder, engineModule));
    accessSync(file, constants.R_OK);
    return file;
  } catch (error) {
    return error instanceof HearthError ? error : new HearthError("FILE_OPEN_FAILED", String(error), { cause: error });
  }
}

/** The folder, or the nearest one above it that is there. */
function nearest(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder ? folder : nearest(path.dirname(folder));
}
