/**
 * Templates made by chance, rendered here and by Jinja2: `node --import tsx test/jinja/fuzz.ts [SEED] [COUNT]`, with PYTHON naming a
 * Python that has jinja2. Says every difference, and fails if there is one.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { readJson } from "../../src/chat/jinja/json-reader.js";
import { ChatTemplate } from "../../src/chat/template.js";
import { RandomTemplate } from "./random-template.js";

const folder = import.meta.dirname;
const seed = Number(process.argv[2] ?? Date.now() % 1_000_000);
const count = Number(process.argv[3] ?? 2000);
const given = readFileSync(path.join(folder, "sources.json"), "utf8");
const argsText = given.slice(given.indexOf("{", 2), given.lastIndexOf('"sources"')).replace(/,\s*$/, "");
const args = readJson(argsText) as ReadonlyMap<string, unknown>;
const random = new RandomTemplate(seed);
const sources = Array.from({ length: count }, () => random.template());

interface Result {
  readonly text?: string;
  readonly error?: string;
  readonly type?: string;
}

function ofJinja2(): Result[] {
  const input = `[${sources.map((source) => `{"source": ${JSON.stringify(source)}, "args": ${argsText}}`).join(",")}]`;
  const python = process.env.PYTHON ?? "python3";
  return JSON.parse(execFileSync(python, [path.join(folder, "oracle.py")], { input, maxBuffer: 2 ** 30 }).toString());
}

function ours(source: string): Result {
  try {
    return { text: new ChatTemplate(source).render(args) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Objects print their address, which is another each time. */
const plain = (text: string | undefined) =>
  text?.replace(/<[\w-]+ (object|method|function|of)?[^<>]*(at 0x[0-9a-f]+)?>/g, "<object>");

let differences = 0;
for (const [i, theirs] of ofJinja2().entries()) {
  const own = ours(sources[i] ?? "");
  const isSame = theirs.text === undefined ? own.text === undefined : plain(own.text) === plain(theirs.text);
  if (isSame || /complex|0x[0-9a-f]{6}|MemoryError/.test(`${theirs.text}${theirs.error}`)) continue;
  differences++;
  console.log(JSON.stringify({ source: sources[i], theirs, ours: own }, null, 1));
}
console.log(`seed ${seed}: ${differences} differences in ${count} templates`);
process.exitCode = differences === 0 ? 0 : 1;
