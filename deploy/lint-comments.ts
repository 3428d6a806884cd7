/**
 * Checks that comments are sentences with a subject: none may begin with a word that points at the text before it or leaves out its
 * subject. Prints each that does and ends with 1.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folders = ["src", "native", "test", "deploy", "models", "systemd"];
const forbidden = /^(Those|The same|Of|As|What)\b/;
/**
 * "Where" that names a place and has no sentence after it: "Where the file is." A condition has one, behind a comma: "Where there is
 * no file, one is made."
 */
const placeAlone = /^Where(?:,| [^,.:;]*(?:[.:;](?:\s|$)|, (?:or|and|with|by)\b))/;
const asides = /`[^`]*`|\([^)]*\)/g;

/** The forms of a language's comments, on a line of their own or behind code. */
interface Language {
  readonly names: RegExp;
  readonly line: RegExp;
  readonly block?: RegExp;
}

const languages: readonly Language[] = [
  { names: /\.(tsx?|mjs|js|css|cc|h|cpp)$/, line: /(?:^|[\s;{}(),])\/\/+ ?(.*)$/, block: /^\s*\/\*\*?\s?(.*)$/ },
  { names: /\.(py|sh|toml|service|cmake|yml)$|CMakeLists\.txt$/, line: /(?:^|\s)#+ ?(.*)$/ },
];
const ownLine = /^\s*(\/\/|#)/;
const innerLine = /^\s*\*?\s?(.*)$/;

interface Beginning {
  readonly line: number;
  readonly words: string;
}

/** The first words of each comment of a text. Comment lines one after another are one comment. */
function* beginnings(text: string, { line, block }: Language): Generator<Beginning> {
  let place: "code" | "lines" | "emptyBlock" | "block" = "code";
  for (const [index, content] of text.split("\n").entries()) {
    const found = (words = "") => ({ line: index + 1, words: words.replace(/\*\/.*$/, "").trim() });
    const opened = place === "block" || place === "emptyBlock" ? null : block?.exec(content);
    if (opened || place === "block" || place === "emptyBlock") {
      const first = found((opened ?? innerLine.exec(content))?.[1]);
      if (first.words !== "" && place !== "block") yield first;
      const isBegun: boolean = first.words !== "" || place === "block";
      place = content.includes("*/") ? "code" : isBegun ? "block" : "emptyBlock";
      continue;
    }
    const comment = line.exec(content);
    const isOwn = ownLine.test(content);
    if (comment && !(isOwn && place === "lines")) yield found(comment[1]);
    place = isOwn && comment?.[1]?.trim() ? "lines" : "code";
  }
}

/** A line for each comment of the file that begins with one of the words. */
export function faults(file: string, text: string): string[] {
  const language = languages.find(({ names }) => names.test(file));
  if (!language) return [];
  const all = [...beginnings(text, language)].filter(
    ({ words }) => forbidden.test(words) || placeAlone.test(words.replace(asides, "x")),
  );
  return all.map(({ line, words }) => `${file}:${line}: ${words}`);
}

function filesUnder(folder: string): string[] {
  const entries = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !/node_modules|__pycache__/.test(entry.parentPath));
  return files.map(({ parentPath, name }) => path.relative(root, path.join(parentPath, name))).sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = folders.flatMap(filesUnder);
  const all = files.flatMap((file) => faults(file, readFileSync(path.join(root, file), "utf8")));
  if (all.length > 0) {
    const advice = "Begin a comment with its subject, not with Those, The same, Of, As, What, or Where for a place:";
    process.stderr.write(`${advice}\n${all.join("\n")}\n`);
    process.exitCode = 1;
  }
}
