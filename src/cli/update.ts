/** `hearth update`: puts a newer (or older) package in place of the installed one. Going back where it does not work is the package's own affair. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { shownPath } from "../base/files.js";
import { version } from "../base/version.js";
import { runProgram } from "../daemon/programs.js";
import { rerunAsRoot } from "./as-root.js";
import { configurationOf } from "./configuration.js";
import { print } from "./models-store.js";
import { untilReady } from "./owner.js";
import { daemonStatus } from "./running-daemon.js";
import { SystemdService } from "./systemd-service.js";

const packageName = "hearthd";

export function updateCommand(): Command {
  return new Command("update")
    .description("install a package of hearth in place of this one; models, keys and configuration stay")
    .argument("<file>", "hearthd_VERSION_ARCHITECTURE.deb")
    .action(update);
}

async function update(file: string, _flags: object, command: Command): Promise<void> {
  const { config } = configurationOf(command);
  const json = command.optsWithGlobals().json === true;
  const wanted = await checkPackage(file);
  const status = rerunAsRoot(false);
  if (status !== null) process.exit(status);
  if (!json) process.stderr.write(`${version} -> ${wanted.version}\n`);
  // apt-get takes a path for a package's name unless it has a slash.
  // A configuration that its owner changed stays; dpkg would ask, and nobody would see the question.
  const keepsConfiguration = ["--force-confdef", "--force-confold"].flatMap((option) => [
    "-o",
    `Dpkg::Options::=${option}`,
  ]);
  const how = ["--yes", "--allow-downgrades", "--no-install-recommends"];
  const args = [...keepsConfiguration, "install", ...how, path.resolve(file)];
  const { status: installed, error } = spawnSync("apt-get", args, {
    stdio: ["inherit", json ? "ignore" : "inherit", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (error) throw new HearthError("UPDATE_FAILED", "There is no apt-get on this machine.", { cause: error });
  if (installed !== 0) {
    const now = runningVersion(await daemonStatus(config).catch(() => null));
    throw new HearthError("UPDATE_FAILED", `${wanted.version} was not installed${now}.`);
  }
  const service = new SystemdService();
  let running = "";
  if ((await service.state())?.active === "active") {
    running = (await untilReady(service, config)).version;
  }
  const text = running === "" ? `${wanted.version} is installed\n` : `${running} is installed and answers\n`;
  print(json, { from: version, to: wanted.version, running }, text);
}

function runningVersion(report: { readonly version: string } | null): string {
  return report ? `; ${report.version} answers` : "";
}

/** PACKAGE_INVALID where the file is no package of hearth for this machine. */
async function checkPackage(file: string): Promise<{ readonly version: string }> {
  const invalid = (why: string) => new HearthError("PACKAGE_INVALID", `${shownPath(file)} ${why}.`);
  if (!existsSync(file))
    throw new HearthError("FILE_OPEN_FAILED", `There is no file ${shownPath(path.resolve(file))}.`);
  const fields = await runProgram("dpkg-deb", ["--field", path.resolve(file), "Package", "Version", "Architecture"]);
  if (!fields)
    throw new HearthError("UPDATE_FAILED", "There is no dpkg-deb: this is no Debian, where packages are of use.");
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(fields.stdout)?.[1] ?? "";
  if (fields.status !== 0) throw invalid("is no Debian package");
  if (field("Package") !== packageName)
    throw invalid(`is a package of ${field("Package") || "nothing"}, not of hearthd`);
  const own = (await runProgram("dpkg", ["--print-architecture"]))?.stdout.trim() ?? "";
  if (!["all", own].includes(field("Architecture")))
    throw invalid(`is for ${field("Architecture")}, and this machine is ${own}`);
  return { version: field("Version") };
}
