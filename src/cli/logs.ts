/** `hearth logs`: the service's journal for a person. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { entryTime, parseEntry, personLine } from "../daemon/log-lines.js";
import { runProgram } from "../daemon/programs.js";
import { integerBetween } from "./arguments.js";
import { rerunAsRoot } from "./as-root.js";
import { SystemdService, unit } from "./systemd-service.js";
import { printable } from "./terminal.js";

interface LogsFlags {
  readonly follow?: true;
  readonly lines: number;
  readonly since?: string;
  readonly json?: true;
}

export function logsCommand(): Command {
  return new Command("logs")
    .description("the service's log in words: who asked, tokens read and written, seconds, what went wrong")
    .option("-f, --follow", "go on with what comes")
    .option("-n, --lines <n>", "so many lines of the journal", integerBetween("-n", 1, 1_000_000), 200)
    .option("--since <time>", "from then on, as journalctl takes it: today, -1h, 2026-12-01")
    .action(logs);
}

async function logs(_options: unknown, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<LogsFlags>();
  if ((await new SystemdService().state()) === null) {
    throw new HearthError("SERVICE_MISSING", "This machine has no service hearthd.", {
      advice: "A daemon in the foreground writes its log to its own terminal.",
    });
  }
  const status = rerunAsRoot(await mayReadJournal());
  if (status !== null) process.exit(status);
  const since = flags.since === undefined ? [`--lines=${flags.lines}`] : [`--since=${flags.since}`];
  const follow = flags.follow ? ["--follow"] : [];
  const journal = spawn("journalctl", [`--unit=${unit}`, "--output=cat", "--no-pager", ...since, ...follow], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(journal, "close");
  // The reader of a pipe went away: nobody wants the rest.
  process.stdout.on("error", () => journal.kill());
  for await (const line of createInterface({ input: journal.stdout })) {
    const shown = flags.json ? jsonLine(line) : textLine(line);
    if (shown !== null) process.stdout.write(`${shown}\n`);
  }
  await closed;
}

function textLine(line: string): string | null {
  const entry = parseEntry(line);
  if (!entry) return printable(line); // of systemd, or the sentence of a failed start
  const text = personLine(entry);
  return text === null ? null : `${entryTime(entry, new Date())}  ${printable(text)}`;
}

function jsonLine(line: string): string | null {
  const entry = parseEntry(line);
  return entry ? JSON.stringify(entry) : null;
}

/** Groups whose members may read the whole journal (systemd-journald.service(8)). */
const readers = ["systemd-journal", "adm", "wheel", "root"];

async function mayReadJournal(): Promise<boolean> {
  const groups = (await runProgram("id", ["-Gn"]))?.stdout.trim().split(" ") ?? [];
  return groups.some((group) => readers.includes(group));
}
