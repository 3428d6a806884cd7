/** Checks of the service: its unit, its address, its keys, and what it said last. */
import { HearthError } from "../../base/errors.js";
import { formatAddress } from "../../config/kinds.js";
import { isLoopback } from "../../net/host-and-origin.js";
import { keyLines, keysCredential } from "../credentials.js";
import { parseEntry, sentenceOf } from "../log-lines.js";
import type { Report } from "./check.js";
import { asRoot, type DoctorSources, unitProperties } from "./sources.js";

const unit = "hearthd";
/** The service is restarted after a failure; so often since it was started is no accident. */
const manyRestarts = 3;
const shownErrors = 3;
const longestError = 200;

export async function checkUnit({ run, hasService, by }: DoctorSources, report: Report): Promise<void> {
  if (!hasService) return;
  const names = ["LoadState", "ActiveState", "UnitFileState", "Result", "NRestarts", "MainPID"];
  const properties = await unitProperties(run, unit, names);
  const value = (name: string) => properties.get(name) ?? "";
  if (by === "daemon" && value("MainPID") !== String(process.pid)) {
    report.unknown(
      properties.size === 0
        ? `systemd does not tell the service of its state.${asRoot(by)}`
        : "This daemon is not the one of the service hearthd.",
    );
    return;
  }
  if (properties.size === 0 || value("LoadState") === "not-found") {
    report.advice(
      "There is a configuration of the service and no service.",
      "`sudo apt-get install --reinstall hearthd`, or `deploy/install.sh` in a checkout.",
    );
    return;
  }
  report.fact(`${value("ActiveState")} (${value("UnitFileState") || "not enabled"})`);
  if (value("ActiveState") === "failed") {
    report.fault(
      `The service has failed (${value("Result")}).`,
      "`hearth logs -n 20`, and when that is mended `sudo systemctl restart hearthd`.",
    );
  } else if (!["active", "reloading"].includes(value("ActiveState"))) {
    report.fault(`The service does not run (${value("ActiveState")}).`, "sudo systemctl start hearthd");
  }
  if (value("UnitFileState") === "disabled")
    report.fault("The service does not start at the boot.", "sudo systemctl enable hearthd");
  if (value("UnitFileState") === "masked")
    report.fault(
      "The service is masked: nobody can start it.",
      "sudo systemctl unmask hearthd && sudo systemctl enable --now hearthd",
    );
  if (Number(value("NRestarts")) >= manyRestarts) {
    report.fault(`The service had to be restarted ${value("NRestarts")} times.`, "hearth logs --since -1h");
  }
}

/** LISTEN, as /proc/net/tcp writes it. */
const listening = "0A";

export async function checkPort(
  { files, loaded, status, statusProblem, hasService, run }: DoctorSources,
  report: Report,
): Promise<void> {
  const { host, port } = loaded.config["server.listen"];
  const address = formatAddress({ host, port });
  if (status !== null) {
    report.fact(`answers at ${status.address ?? address}`);
    return;
  }
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((file) => files.text(file)));
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const isTaken = tables.some((table) =>
    [...(table ?? "").matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F:]+ ([0-9A-F]{2})/gm)].some(
      ([, local, state]) => local === wanted && state === listening,
    ),
  );
  const listeners = await run("ss", ["-Hltnp", `sport = :${port}`]);
  const holder = /users:\(\("([^"]+)"/.exec(listeners?.stdout ?? "")?.[1];
  if (holder === "systemd") report.fact(`systemd holds ${address} for the service`);
  else if (isTaken) {
    const who = holder === undefined ? "Another program" : `The program ${holder}`;
    report.fault(
      `${who} has the port ${port}${statusProblem ? `: ${statusProblem}` : "."}`,
      `\`sudo ss -ltnp 'sport = :${port}'\` names it: stop it, or give hearth another port in server.listen.`,
    );
  } else if (hasService) report.fault(`Nobody listens on ${address}.`, "sudo systemctl start hearthd");
  else report.fact(`nobody listens on ${address}; \`hearth serve\` would`);
}

export async function checkKeys(
  { files, loaded, stateFolder, storedKeys, hasService, by }: DoctorSources,
  report: Report,
): Promise<void> {
  const { config } = loaded;
  const isOpen = !isLoopback(config["server.listen"].host);
  try {
    const stored = storedKeys();
    // The daemon has them among its own, and may not read that file.
    const credentials = hasService && by === "command" ? await files.text(keysCredential) : null;
    const handed = keyLines(credentials ?? "").filter((line) => line !== "").length;
    const all = stored + config["auth.keys"].length + handed;
    report.fact(
      `${all} ${all === 1 ? "key" : "keys"}${handed === 0 ? "" : `, ${handed} of them in ${keysCredential}`}`,
    );
  } catch (error) {
    const why = error instanceof HearthError ? error.message : String(error);
    if (/EACCES|EPERM/.test(why)) report.unknown(`This user may not count the keys.${asRoot(by)}`);
    else
      report.fault(why, `sudo mv ${stateFolder}/keys.json ${stateFolder}/keys.damaged && sudo hearth key create NAME`);
  }
  if (isOpen && config["auth.mode"] === "off") {
    report.advice(
      "Everybody in the network may use hearth without a key (auth.mode is off).",
      "`sudo hearth key create NAME`, and remove auth.mode from the configuration.",
    );
  }
}

export async function checkLog({ run, hasService, by }: DoctorSources, report: Report): Promise<void> {
  if (!hasService) return;
  /** null: the journal could not be asked. */
  const read = async (...more: string[]) => {
    const journal = await run("journalctl", [`--unit=${unit}`, "--boot", "--output=cat", "--no-pager", ...more]);
    if (journal?.status !== 0) return null;
    return journal.stdout.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("--"));
  };
  // A service says something when it starts: a journal without a word of it is one that this user may not read.
  const hasWords = ((await read("--lines=1")) ?? []).length > 0;
  const errors = hasWords ? await read("--priority=err", "--lines=20") : null;
  if (errors === null) {
    report.unknown(`The log of the service cannot be read here.${asRoot(by)}`);
    return;
  }
  const last = errors.slice(-shownErrors).map((line) => {
    const entry = parseEntry(line);
    return (entry ? sentenceOf(entry) : line).slice(0, longestError);
  });
  if (last.length === 0) report.fact("no errors since the boot");
  else
    report.advice(`Since the boot the service has logged errors; the last: ${last.join(" | ")}`, "hearth logs -n 100");
}
