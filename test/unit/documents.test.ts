import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
}).split("\n");
const documents = tracked.filter((file) => file.endsWith(".md") && existsSync(path.join(root, file)));

test("no two files have names that differ in case alone, of which many systems keep only one", () => {
  const names = tracked.filter((file) => file !== "").map((file) => file.toLowerCase());
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  assert.deepEqual(twice, []);
});

/** A document without its blocks and spans of code, where nothing is a link. */
const prose = (text: string) => text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "");

/** The anchors of a document's headings, as code hosts make them: small letters, no punctuation, hyphens for spaces. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const times = new Map<string, number>();
  for (const [, heading = ""] of text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").matchAll(/^#{1,6} +(.+?) *#* *$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    const seen = times.get(anchor) ?? 0;
    times.set(anchor, seen + 1);
    anchors.add(seen === 0 ? anchor : `${anchor}-${seen}`);
  }
  return anchors;
}

/** The targets of links and pictures that lead to a place in this repository. */
function linksOf(text: string): string[] {
  const targets = [...prose(text).matchAll(/\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/i.test(target));
}

/** The fault of a link of `file`; null where there is none. */
function fault(file: string, link: string): string | null {
  const [place = "", anchor] = link.split("#");
  const target = place === "" ? file : path.join(path.dirname(file), decodeURI(place));
  if (!existsSync(path.join(root, target))) return `${file}: ${link}: there is no ${target}`;
  if (anchor === undefined) return null;
  const isThere = target.endsWith(".md") && anchorsOf(read(target)).has(decodeURI(anchor));
  return isThere ? null : `${file}: ${link}: ${target} has no heading of that name`;
}

test("every link of a document leads to a file, and every anchor to a heading", () => {
  assert.ok(documents.includes("README.md"));
  const links = documents.flatMap((file) => linksOf(read(file)).map((link) => ({ file, link })));
  assert.ok(links.length > 30);
  const faults = links.map(({ file, link }) => fault(file, link)).filter((each) => each !== null);
  assert.deepEqual(faults, []);
});

test("the check of links sees a missing file, a missing heading and code that is no link", () => {
  assert.match(fault("README.md", "docs/nothing.md") ?? "", /there is no docs\/nothing.md/);
  assert.match(fault("README.md", "docs/api.md#nothing") ?? "", /no heading/);
  assert.equal(fault("docs/api.md", "../README.md#install"), null);
  assert.deepEqual(linksOf("`[a](b)`\n[c](d.md#e) ![f](g.svg)\n```\n[h](i)\n```\n[j](https://k)"), ["d.md#e", "g.svg"]);
  assert.deepEqual([...anchorsOf("# What `a.b` is: all!\n## Twice\n## Twice")], ["what-ab-is-all", "twice", "twice-1"]);
});

/** Files that a document names in its text: by their path from the top, or in a folder's own README beside it. */
function namedFiles(text: string): string[] {
  const paths = text.matchAll(/(?<![\w./~-])(?:src|native|test|deploy|docs|models|systemd)\/[\w./-]+\.\w+/g);
  return [...paths].map(([name]) => name).filter((name) => !/NAME/.test(name));
}

test("every file that a document names is there", () => {
  const names = documents.flatMap((file) => namedFiles(read(file)).map((name) => ({ file, name })));
  assert.ok(names.length > 30);
  const missing = names.filter(({ name }) => !existsSync(path.join(root, name)));
  assert.deepEqual(missing, []);
});

test("every file that the map of the code names without its folder is there", () => {
  const names = [...read("docs/architecture.md").matchAll(/(?<![\w./-])[\w-]+\.(?:ts|cc|h)\b/g)].map(([name]) => name);
  assert.ok(names.length > 10);
  const known = new Set(tracked.map((file) => path.basename(file)));
  assert.deepEqual(
    names.filter((name) => !known.has(name)),
    [],
  );
});

test("the map of src/ has every folder, and the files to begin with are there", () => {
  const rows = [...read("src/README.md").matchAll(/^\| ([\w/-]+)\/ +\|[^|]*\| ([^|]+) \|$/gm)];
  const folders = new Set(
    tracked.filter((file) => /^src\/.*\.ts$/.test(file)).map((file) => path.dirname(file).slice(4)),
  );
  assert.deepEqual(rows.map(([, folder = ""]) => folder).sort(), [...folders].sort());
  for (const [, folder = "", files = ""] of rows)
    for (const file of files.trim().split(", ")) assert.ok(existsSync(path.join(root, "src", folder, file)), file);
});

/** The files that a map of behaviour names, by their paths from its folder. */
function mappedFiles(folder: string): string[] {
  const map = read(`${folder}/README.md`).match(/^## Where is it done\?\n[\s\S]*?(?=\n## |$(?![\s\S]))/m)?.[0] ?? "";
  const names = [...map.matchAll(/(?<![\w./-])[\w./-]+\.(?:ts|cc|h)\b/g)].map(([name]) => name);
  return names.filter((name) => !name.includes("NAME"));
}

for (const folder of ["src", "native"]) {
  test(`every file that the map of behaviour in ${folder}/ names is there`, () => {
    const files = mappedFiles(folder);
    assert.ok(files.length > 20);
    const missing = files.filter((file) => !existsSync(path.join(root, folder, file)));
    assert.deepEqual(missing, []);
  });
}

test("the map of the kernels names functions that are in the files it names", () => {
  const table = read("native/kernels/README.md").match(/^\| operation [\s\S]*?\n\n/m)?.[0] ?? "";
  const cells = [...table.matchAll(/((?:\w+\.(?:h|cc)(?:, )?)+) ((?:`\w+`(?:, )?)+)/g)];
  assert.ok(cells.length > 30);
  for (const [, files = "", functions = ""] of cells)
    for (const file of files.split(", "))
      for (const [, name = ""] of functions.matchAll(/`(\w+)`/g))
        assert.match(read(`native/kernels/${file}`), new RegExp(`\\b${name}\\(`), `${name} in ${file}`);
});

test("the README is short enough to be read at once", () => {
  assert.ok(read("README.md").trimEnd().split("\n").length <= 120);
});

test("every section of a document that a command writes has its end, and its command is one of package.json's", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const markers = /^<!-- ([\w-]+): written by `npm run ([\w:]+)[^`]*` -->$([\s\S]*?)^<!-- \/([\w-]+) -->$/gm;
  for (const file of documents) {
    const text = read(file).replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
    const sections = [...text.matchAll(markers)];
    assert.equal(
      sections.length,
      (text.match(/^<!-- [\w-]+: written by/gm) ?? []).length,
      `${file}: a section has no end`,
    );
    for (const [, name, script = "", , end] of sections) {
      assert.equal(end, name, `${file}: the section ${name} ends as ${end}`);
      assert.ok(script in scripts, `${file}: npm run ${script} is not there`);
    }
  }
});

test("every benchmark has a section to write into", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const benches = Object.keys(scripts).filter((name) => name.startsWith("bench:") && name !== "bench:streaming");
  const cases = [...read("test/bench/streaming.mjs").matchAll(/^ {2}async (\w+)\(\) \{$/gm)].map(([, name]) => name);
  assert.ok(benches.length > 5 && cases.length > 5);
  const commands = [...benches, ...cases.map((name) => `bench:streaming -- ${name}`)];
  const sections = documents.map(read).join("\n");
  const missing = commands.filter((command) => !sections.includes(`: written by \`npm run ${command}`));
  assert.deepEqual(missing, []);
});

test("the README says of Spark what its own page says", () => {
  const figures = [...read("README.md").matchAll(/(\d+) of (\d+) (held-out tool calls|commands)/g)];
  assert.equal(figures.length, 2);
  const page = read("models/spark/README.md").replace(/\s+/g, " ");
  const [[, right, all] = [], [, done, commands] = []] = figures;
  assert.ok(page.includes(`| ${all} commands, the exact calls | ${right} |`), `${right} of ${all}`);
  assert.ok(page.includes(`of ${commands} commands`) && page.includes(` ${done} `), `${done} of ${commands}`);
});
