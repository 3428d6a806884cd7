/** `hearth debug template`: what chat templates render, with the limits of the daemon, for comparing with Jinja2. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { type JsonValue, readJson } from "../chat/jinja/json-reader.js";
import { TemplateRefusal } from "../chat/template.js";
import { TemplateThread } from "../chat/template-thread.js";
import { readStdin } from "./stdin.js";

export function templateCommand(): Command {
  return new Command("template")
    .description("stdin: a JSON array of {source?, args, now?}; stdout: a JSON array of {text} or {error}")
    .argument("[file]", "the template of those that have no source")
    .action(debugTemplate);
}

interface Rendering {
  readonly source: string;
  readonly args: ReadonlyMap<string, JsonValue>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

async function debugTemplate(file: string | undefined): Promise<void> {
  const source = file === undefined ? null : readSource(file);
  const thread = new TemplateThread();
  const results: ({ text: string } | { error: string })[] = [];
  for (const rendering of parseRenderings(await readStdin(), source)) {
    results.push(await render(thread, rendering));
  }
  await thread.close();
  process.stdout.write(`${JSON.stringify(results)}\n`);
}

async function render(thread: TemplateThread, { source, args, now }: Rendering) {
  try {
    return { text: await thread.render({ source, now, variables: args }) };
  } catch (error) {
    if (!(error instanceof HearthError)) throw error;
    return { error: error instanceof TemplateRefusal ? error.reason : error.message };
  }
}

function readSource(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new HearthError("FILE_OPEN_FAILED", `${file}: ${(error as Error).message}.`, { cause: error });
  }
}

const invalid = (what: string, cause?: unknown): HearthError => new HearthError("COMMAND_INVALID", what, { cause });

function parseRenderings(text: string, source: string | null): Rendering[] {
  let list: JsonValue;
  try {
    list = readJson(text);
  } catch (error) {
    throw invalid("stdin takes a JSON array of objects.", error);
  }
  if (!Array.isArray(list)) throw invalid("stdin takes a JSON array of objects.");
  return list.map((each, i) => {
    if (!(each instanceof Map)) throw invalid(`Entry ${i} is no object.`);
    const own = each.get("source") ?? source;
    const args = each.get("args") ?? new Map<string, JsonValue>();
    if (typeof own !== "string") throw invalid(`Entry ${i} needs a source, as text, or the command a file.`);
    if (!(args instanceof Map)) throw invalid(`The args of entry ${i} are no object.`);
    return { source: own, args, now: timeOf(each.get("now"), i) };
  });
}

/** The time on the wall clock, whatever zone the text names. */
function timeOf(value: JsonValue | undefined, entry: number): number {
  if (value === undefined || value === null) return Date.now();
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?/.exec(String(value));
  if (!match) throw invalid(`The now of entry ${entry} is no ISO time.`);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const millisecond = Number((match[7] ?? "").padEnd(3, "0"));
  return new Date(year, month - 1, day, hour, minute, second, millisecond).getTime();
}
