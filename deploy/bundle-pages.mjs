/**
 * Builds the pages of src/web into dist/web: scripts and styles whose names have a hash of their content, each compressed as browsers
 * ask for it, and a manifest for the server. Types are checked by `npm run lint`.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const source = path.join(root, "src", "web");
const folder = path.join(root, "dist", "web");

/** Each page: its address, its HTML, and the script that it runs. */
const pages = [
  { path: "/", name: "chat", script: "src/web/chat/main.tsx" },
  { path: "/status", name: "status", script: "src/web/status/main.tsx" },
  { path: "/kiosk", name: "kiosk", script: "src/web/kiosk/main.ts" },
];

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Browsers from the summer of 2024 on, which know light-dark(). */
const targets = ["chrome123", "firefox120", "safari17.5"];

/** Smaller files gain nothing. */
const leastBytes = 512;

const manifest = [];

function add(address, file, bytes, immutable) {
  const full = path.join(folder, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, bytes);
  const encodings = [];
  if (bytes.length >= leastBytes) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(`${full}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${full}.gz`, gzipSync(bytes, { level: 9 }));
    encodings.push("br", "gzip");
  }
  const etag = createHash("sha256").update(bytes).digest("hex").slice(0, 20);
  manifest.push({ path: address, file, type: types[path.extname(file)], etag, immutable, encodings });
}

rmSync(folder, { recursive: true, force: true });
const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(pages.map(({ name, script }) => [name, script])),
  bundle: true,
  splitting: true,
  minify: true,
  write: false,
  metafile: true,
  outdir: path.join("dist", "web", "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  format: "esm",
  platform: "browser",
  target: targets,
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "eof",
  tsconfig: path.join("src", "web", "tsconfig.json"),
  logLevel: "warning",
});
for (const { path: file, contents } of outputFiles) {
  const name = path.relative(folder, file);
  add(`/${name}`, name, Buffer.from(contents), true);
}

const addressOf = (output) => `/${path.relative(path.join("dist", "web"), output)}`;

for (const { path: address, name, script } of pages) {
  const [file, output] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === script);
  const shared = output.imports.filter(({ kind }) => kind === "import-statement");
  const tags = [
    ...(output.cssBundle ? [`<link rel="stylesheet" href="${addressOf(output.cssBundle)}">`] : []),
    ...shared.map((chunk) => `<link rel="modulepreload" href="${addressOf(chunk.path)}">`),
    `<script type="module" src="${addressOf(file)}"></script>`,
  ];
  const html = readFileSync(path.join(source, "pages", `${name}.html`), "utf8");
  add(address, `${name}.html`, Buffer.from(html.replace("<!-- assets -->", tags.join("\n    "))), false);
}
add("/icon.svg", "icon.svg", readFileSync(path.join(source, "pages", "icon.svg")), false);
writeFileSync(path.join(folder, "manifest.json"), `${JSON.stringify({ files: manifest })}\n`);
