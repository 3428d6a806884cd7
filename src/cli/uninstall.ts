/** `hearth uninstall`: removes the service and all that it kept, or all but the models. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { runProgram } from "../daemon/programs.js";
import { rerunAsRoot } from "./as-root.js";
import { configurationOf } from "./configuration.js";
import { print } from "./models-store.js";
import { modelsName, ownNames, removeOwn } from "./own-files.js";
import { SystemdService, unit } from "./systemd-service.js";

interface UninstallFlags {
  readonly keepModels?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** Places of an installation by deploy/install.sh. */
const ofCheckout = [
  "/etc/systemd/system/hearthd.service",
  "/etc/systemd/system/hearthd.socket",
  "/etc/systemd/system/hearth-kiosk.service",
  "/etc/systemd/system/hearth-display.service",
  "/etc/systemd/system-generators/hearthd-generator",
  "/etc/sysusers.d/hearthd.conf",
  "/etc/tmpfiles.d/hearthd.conf",
  "/etc/avahi/services/hearth.service",
  "/usr/local/bin/hearth",
  "/opt/hearth.old",
  "/opt/hearth",
  "/var/cache/hearth",
];
const configurationFolder = "/etc/hearth";
/** Models are large and cards slow; a package manager that is killed leaves half of a package. */
const purgeMs = 1_200_000;

export function uninstallCommand(): Command {
  return new Command("uninstall")
    .description("remove hearth from this machine: service, configuration, keys, kept prompts and models")
    .option("--keep-models", "leave the models where they are, for the next installation")
    .option("-y, --yes", "do not ask")
    .action(uninstall);
}

async function uninstall(_options: unknown, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<UninstallFlags>();
  const { state, config } = configurationOf(command);
  const isPackage = /^Status: .* installed$/m.test((await runProgram("dpkg-query", ["--status", unit]))?.stdout ?? "");
  if (!isPackage && (await new SystemdService().state()) === null) {
    throw new HearthError("SERVICE_MISSING", "This machine has no service hearthd.", {
      advice: "A checkout is removed by removing its folder, and ~/.local/share/hearth with its models.",
    });
  }
  const status = rerunAsRoot(false);
  if (status !== null) process.exit(status);
  if (!flags.yes) await confirm(state, flags.keepModels === true);
  const models = path.join(state, modelsName);
  const kept = flags.keepModels === true && existsSync(models) ? models : null;
  // Apart from the others: an installation of before has none, and systemd would then disable nothing.
  for (const other of ["hearth-kiosk", "hearth-display"]) {
    await runProgram("systemctl", ["disable", "--now", `${other}.service`]);
  }
  await runProgram("systemctl", ["disable", "--now", `${unit}.socket`, `${unit}.service`]);
  if (isPackage) await purge(flags.keepModels === true);
  else await removeCheckout(config["machine.root"]);
  await removeOwn(
    state,
    ownNames.state.filter((name) => kept === null || name !== modelsName),
  );
  await runProgram("systemctl", ["daemon-reload"]);
  print(
    flags.json === true,
    { removed: true, models: kept },
    kept ? `hearth is gone; its models are in ${kept}\n` : "hearth is gone\n",
  );
}

async function confirm(state: string, keepsModels: boolean): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new HearthError("COMMAND_INVALID", "Nobody can be asked whether hearth is to go.", { advice: "Say --yes." });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(
    `Remove hearth and ${keepsModels ? "all but the models in" : "all of"} ${state}? [y/N] `,
  );
  lines.close();
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new HearthError("STOPPED", "Nothing was removed.", { advice: "Say y to remove it." });
}

async function removeCheckout(root: string): Promise<void> {
  for (const place of ofCheckout) await rm(path.join(root, place), { recursive: true, force: true });
  const folder = path.join(root, configurationFolder);
  await removeOwn(path.join(folder, "credentials"), ownNames.credentials);
  await removeOwn(folder, ownNames.configuration);
}

/** The package's own script removes the state, too; it is told to leave the models. */
async function purge(keepsModels: boolean): Promise<void> {
  const how = keepsModels ? ["HEARTH_KEEP_MODELS=yes"] : [];
  const done = await runProgram("env", [...how, "dpkg", "--purge", "hearthd"], { timeMs: purgeMs });
  if (done?.status !== 0) {
    const why = (done?.stderr ?? "there is no dpkg").trim().split("\n").at(-1) ?? "";
    throw new HearthError("UPDATE_FAILED", `The package could not be removed: ${why}.`, {
      advice: "Run `sudo dpkg --purge hearthd` and read what it says.",
    });
  }
}
