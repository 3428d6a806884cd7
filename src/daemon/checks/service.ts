/** Checks of the service: its unit, its address, its keys, and what it said last. */
import { HearthError } from "../../base/errors.js";
import { formatAddress } from "../../config/kinds.js";
import { isLoopback } from "../../net/host-and-origin.js";
import { KeyFile } from "../../store/key-file.js";
import { keyLines, keysCredential } from "../credentials.js";
import { Report } from "./check.js";
import { type DoctorSources, unitProperties } from "./sources.js";

const unit = "hearthd";
/** The service is restarted after a failure; so often since it was started is no accident. */
const manyRestarts = 3;
const shownErrors = 3;

export function checkUnit(sources: DoctorSources): Report {
  const report = new Report("service");
  if (!sources.hasService) return report;
  const names = ["LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "NRestarts", "StatusText"];
  const properties = unitProperties(sources.run, unit, names);
  const value = (name: string) => properties.get(name) ?? "";
  if (properties.size === 0 || value("LoadState") === "not-found") {
    report.advice(
      "There is a configuration of the service and no service.",
      "sudo apt-get install --reinstall hearthd, or deploy/install.sh in a checkout",
    );
    return report;
  }
  report.fact(`${value("ActiveState")} (${value("UnitFileState") || "not enabled"})`);
  if (value("ActiveState") === "failed") {
    report.fault(
      `The service has failed (${value("Result")}).`,
      "hearth logs -n 20, and when that is mended: sudo systemctl restart hearthd",
    );
  } else if (value("ActiveState") !== "active") {
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
  return report;
}

/** LISTEN, as /proc/net/tcp writes it. */
const listening = "0A";

export async function checkPort({
  files,
  loaded,
  status,
  statusProblem,
  hasService,
  run,
}: DoctorSources): Promise<Report> {
  const report = new Report("address");
  const { host, port } = loaded.config["server.listen"];
  const address = formatAddress({ host, port });
  if (status !== null) {
    report.fact(`answers at ${address}`);
    return report;
  }
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((file) => files.text(file)));
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const isTaken = tables.some((table) =>
    [...(table ?? "").matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F:]+ ([0-9A-F]{2})/gm)].some(
      ([, local, state]) => local === wanted && state === listening,
    ),
  );
  const holder = /users:\(\("([^"]+)"/.exec(run("ss", ["-Hltnp", `sport = :${port}`])?.stdout ?? "")?.[1];
  if (holder === "systemd") report.fact(`systemd holds ${address} for the service`);
  else if (isTaken) {
    const who = holder === undefined ? "Another program" : `The program ${holder}`;
    report.fault(
      `${who} has the port ${port}${statusProblem ? `: ${statusProblem}` : "."}`,
      `sudo ss -ltnp 'sport = :${port}', then stop it, or give hearth another port in server.listen`,
    );
  } else if (hasService) report.fault(`Nobody listens on ${address}.`, "sudo systemctl start hearthd");
  else report.fact(`nobody listens on ${address}; \`hearth serve\` would`);
  return report;
}

export async function checkKeys({
  files,
  loaded,
  stateFolder,
  engineModule,
  hasService,
}: DoctorSources): Promise<Report> {
  const report = new Report("keys");
  const { config } = loaded;
  const isOpen = !isLoopback(config["server.listen"].host);
  try {
    const keys = new KeyFile(stateFolder, engineModule).keys();
    const credentials = hasService ? await files.text(keysCredential) : null;
    const handed = keyLines(credentials ?? "").filter((line) => line !== "").length;
    const all = keys.length + config["auth.keys"].length + handed;
    report.fact(
      `${all} ${all === 1 ? "key" : "keys"}${handed === 0 ? "" : `, ${handed} of them in ${keysCredential}`}`,
    );
  } catch (error) {
    const why = error instanceof HearthError ? error.message : String(error);
    if (!/EACCES|EPERM/.test(why))
      report.fault(why, `sudo mv ${stateFolder}/keys.json ${stateFolder}/keys.damaged && sudo hearth key create NAME`);
  }
  if (isOpen && config["auth.mode"] === "off") {
    report.advice(
      "Everybody in the network may use hearth without a key (auth.mode is off).",
      "sudo hearth key create NAME, and remove auth.mode from the configuration",
    );
  }
  return report;
}

export function checkLog({ run, hasService }: DoctorSources): Report {
  const report = new Report("log");
  if (!hasService) return report;
  const journal = run("journalctl", [
    `--unit=${unit}`,
    "--boot",
    "--priority=err",
    "--output=cat",
    "--no-pager",
    "--lines=20",
  ]);
  if (journal?.status !== 0) return report;
  const lines = journal.stdout.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("--"));
  const last = lines.slice(-shownErrors).map(sentenceOf);
  if (last.length === 0) report.fact("no errors since the boot");
  else
    report.advice(`Since the boot the service has logged errors; the last: ${last.join(" | ")}`, "hearth logs -n 100");
  return report;
}

function sentenceOf(line: string): string {
  try {
    const { msg, err, code } = JSON.parse(line.replace(/^<\d>/, ""));
    return [code, msg, err?.message]
      .filter((part) => typeof part === "string")
      .join(": ")
      .slice(0, 200);
  } catch {
    return line.slice(0, 200);
  }
}
