import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.join(import.meta.dirname, "..", "..");

/** Which folders of src/ a folder's files may import beside their own, bottom to top. `types:` allows types alone. */
const sourceLayers: Record<string, readonly string[]> = {
  base: [],
  config: ["base"],
  machine: ["base"],
  engine: ["base"],
  chat: ["base", "types:engine"],
  scheduler: ["base", "engine"],
  store: ["base", "config", "engine"],
  service: ["base", "engine", "chat", "scheduler", "store"],
  net: ["base", "config"],
  "api/responses": ["base", "config", "service", "net"],
  "api/openai": ["base", "config", "service", "net"],
  "api/ollama": ["base", "config", "service", "net"],
  "api/ops": ["base", "config", "service", "net"],
  "api/hearth": ["base", "config", "service", "net"],
  "api/web": ["base", "net"],
  kiosk: [],
  web: ["kiosk"],
  daemon: [
    "base",
    "config",
    "machine",
    "engine",
    "chat",
    "scheduler",
    "store",
    "service",
    "net",
    "api/responses",
    "api/openai",
    "api/ollama",
    "api/ops",
    "api/hearth",
    "api/web",
  ],
  cli: ["base", "config", "machine", "engine", "chat", "scheduler", "store", "service", "daemon", "kiosk"],
};

/** The layers of native/. include/ holds the codes that every layer returns. */
const nativeLayers: Record<string, readonly string[]> = {
  include: [],
  base: ["include"],
  kernels: ["include", "base"],
  threads: ["include", "base"],
  gguf: ["include", "base"],
  memory: ["include", "base", "gguf"],
  tokenizer: ["include", "base", "gguf"],
  sample: ["include", "base", "tokenizer"],
  kv: ["include", "base", "memory", "kernels"],
  model: ["include", "base", "gguf", "memory", "kernels", "threads", "kv"],
  engine: ["include", "base", "kernels", "threads", "gguf", "memory", "tokenizer", "sample", "kv", "model", "quantize"],
  quantize: ["include", "base", "kernels", "threads", "gguf", "memory"],
  binding: ["include"],
  tools: ["include", "gguf", "quantize"],
};

interface Reference {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function filesUnder(folder: string, pattern: RegExp): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => pattern.test(file))
    .map((file) => path.join(folder, file))
    .sort();
}

const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** The folder of the table that a file of `base` belongs to: `base`, `api/ops`. */
function layerOf(file: string, base: string, table: Record<string, unknown>): string {
  const folders = path.dirname(path.relative(base, file)).split(path.sep);
  const nested = folders.slice(0, 2).join("/");
  return nested in table ? nested : (folders[0] ?? "");
}

function importsOf(file: string): Reference[] {
  const statement = /\b(import|export)\b(\s+type\b)?[^;"'`]*?["'](\.{1,2}\/[^"']+)["']/g;
  return [...read(file).matchAll(statement)].map((match) => ({
    file,
    target: path.join(path.dirname(file), match[3] ?? ""),
    typeOnly: match[2] !== undefined,
  }));
}

function includesOf(file: string): Reference[] {
  return [...read(file).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map((match) => ({
    file,
    target: path.join("native", match[1] ?? ""),
    typeOnly: false,
  }));
}

/** One line for each reference that the table does not allow. */
function violations(
  references: readonly Reference[],
  base: string,
  table: Record<string, readonly string[]>,
): string[] {
  return references.flatMap(({ file, target, typeOnly }) => {
    const from = layerOf(file, base, table);
    const to = layerOf(target, base, table);
    const allowed = table[from];
    if (!allowed) return [`${file}: ${from} is not in the table`];
    if (from === to || allowed.includes(to) || (typeOnly && allowed.includes(`types:${to}`))) return [];
    return [`${file}: ${from} may not use ${to}`];
  });
}

/** The rows of the table below a heading of docs/architecture.md: a folder, and the folders that it may use. */
function documentedLayers(heading: string): Record<string, readonly string[]> {
  const section =
    read("docs/architecture.md")
      .split(/^## /m)
      .find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2);
  const cells = rows.map((row) => row.split("|").map((cell) => cell.trim()));
  const toLayer = (name: string) => name.replace(/^(.*) \(types\)$/, "types:$1");
  return Object.fromEntries(
    cells.map(([, folder = "", , uses = ""]) => [folder, uses === "-" ? [] : uses.split(", ").map(toLayer)]),
  );
}

test("the tables of docs/architecture.md are those of this test", () => {
  assert.deepEqual(documentedLayers("The layers of src/"), sourceLayers);
  assert.deepEqual(documentedLayers("The layers of native/"), nativeLayers);
});

const sources = filesUnder("src", /\.tsx?$/);
const natives = filesUnder("native", /\.(cc|h)$/);

test("a file of src/ imports its own folder and the layers of its row", () => {
  assert.deepEqual(violations(sources.flatMap(importsOf), "src", sourceLayers), []);
  for (const file of sources) assert.ok(layerOf(file, "src", sourceLayers) in sourceLayers, `${file} is in no layer`);
});

test("a file of native/ includes its own folder and the layers of its row", () => {
  assert.deepEqual(violations(natives.flatMap(includesOf), "native", nativeLayers), []);
  for (const file of natives)
    assert.ok(layerOf(file, "native", nativeLayers) in nativeLayers, `${file} is in no layer`);
});

test("the unit tests of src/ stand in folders with the names of their subjects'", () => {
  const folders = filesUnder("test/unit", /\.test\.ts$/).map((file) => path.relative("test/unit", path.dirname(file)));
  const strange = [...new Set(folders)].filter((folder) => !existsSync(path.join(root, "src", folder)));
  assert.deepEqual(strange, []);
});

/** The files of one circle of references, from each to the next; null where there is none. */
function circleIn(references: readonly Reference[]): string[] | null {
  const targets = new Map<string, string[]>();
  for (const { file, target } of references) {
    const source = target.replace(/\.js$/, ".ts");
    targets.set(file, [...(targets.get(file) ?? []), sources.includes(`${source}x`) ? `${source}x` : source]);
  }
  const path: string[] = [];
  const done = new Set<string>();
  const visit = (file: string): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    path.push(file);
    for (const target of targets.get(file) ?? []) {
      const circle = visit(target);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return null;
  };
  for (const file of targets.keys()) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return null;
}

test("no files import each other in a circle, types included", () => {
  assert.equal(circleIn(sources.flatMap(importsOf)), null);
  assert.equal(circleIn(natives.flatMap(includesOf)), null);
});

test("the check finds a circle over several files", () => {
  const reference = (file: string, target: string) => ({
    file: `src/${file}.ts`,
    target: `src/${target}.js`,
    typeOnly: true,
  });
  const line = [reference("a", "b"), reference("a", "c"), reference("b", "c")];
  assert.equal(circleIn(line), null);
  assert.deepEqual(circleIn([...line, reference("c", "b")]), ["src/b.ts", "src/c.ts", "src/b.ts"]);
});

test("the check sees imports of every form, and refuses what the table does not allow", () => {
  const reference = (from: string, target: string, typeOnly = false) => ({
    file: `src/${from}/a.ts`,
    target: `src/${target}/b.js`,
    typeOnly,
  });
  assert.equal(violations([reference("base", "config")], "src", sourceLayers).length, 1);
  assert.equal(violations([reference("api/ops", "api/responses")], "src", sourceLayers).length, 1);
  assert.equal(violations([reference("chat", "engine")], "src", sourceLayers).length, 1);
  assert.equal(violations([reference("chat", "engine", true)], "src", sourceLayers).length, 0);
  assert.ok(importsOf("src/config/load.ts").some(({ target }) => target === path.join("src", "config", "options.js")));
  assert.ok(sources.flatMap(importsOf).some(({ typeOnly }) => typeOnly));
  assert.ok(natives.flatMap(includesOf).length > 0);
});

/** Code that only some files may contain, with those files. */
const owners: readonly { what: string; pattern: RegExp; files: readonly string[]; allowed: RegExp }[] = [
  { what: "process.exit", pattern: /\bprocess\.(exit|exitCode|abort|kill)\b/, files: sources, allowed: /^src\/cli\// },
  { what: "the environment", pattern: /\bprocess\.env\b/, files: sources, allowed: /^src\/(cli|daemon)\// },
  { what: "the addon", pattern: /\bcreateRequire\b|\bdlopen\b/, files: sources, allowed: /^src\/engine\/binding\.ts$/ },
  {
    what: "CPU features",
    pattern: /getauxval|__builtin_cpu_supports|__get_cpuid|cpuid\.h/,
    files: natives,
    allowed: /^native\/kernels\/cpu_features\.(cc|h)$/,
  },
  { what: "Node-API", pattern: /#\s*include\s+[<"](napi|node_api)\.h/, files: natives, allowed: /^native\/binding\// },
  {
    what: "printing",
    pattern: /\b(printf|fprintf|puts|std::cout|std::cerr)\b\s*[(<]/,
    files: natives,
    allowed: /^native\/tools\//,
  },
  {
    what: "ending the process",
    pattern: /\b(std::)?(exit|abort|_exit|terminate)\s*\(/,
    files: natives,
    allowed: /^native\/tools\//,
  },
];

for (const { what, pattern, files, allowed } of owners) {
  test(`only its owners use ${what}`, () => {
    const users = files.filter((file) => pattern.test(withoutComments(read(file))));
    assert.deepEqual(
      users.filter((file) => !allowed.test(file)),
      [],
    );
  });
}

/** Files that a program opens by a path from its own module, which the bundle moves into dist/chunks. */
test("files that are opened beside a module are found from the bundle too", () => {
  const entries = [...read("deploy/bundle.mjs").matchAll(/"src\/([\w/-]+)\.ts"/g)].map((match) => match[1]);
  const opened = sources.flatMap((file) =>
    [...read(file).matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map((match) => ({ file, to: match[1] ?? "" })),
  );
  assert.ok(opened.length > 0);
  const built = /^build\//;
  const lost = opened.filter(({ to }) => {
    const found = path.posix.join("dist/chunks", to);
    const script = /^dist\/(.+)\.js$/.exec(found)?.[1];
    if (script !== undefined) return !entries.includes(script);
    return !built.test(found) && !existsSync(path.join(root, found));
  });
  assert.deepEqual(lost, []);
});

test("kernels that are compiled for one instruction set include C headers only", () => {
  const kernels = natives.filter((file) => /^native\/kernels\/(ref|neon|avx)\w*\.(cc|h)$/.test(file));
  assert.ok(kernels.length > 0);
  const includes = kernels.flatMap((file) =>
    [...read(file).matchAll(/#\s*include\s+<([^>]+)>/g)].map((match) => `${file}: ${match[1]}`),
  );
  assert.deepEqual(
    includes.filter((line) => !line.endsWith(".h")),
    [],
  );
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}
