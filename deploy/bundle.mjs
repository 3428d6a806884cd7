/**
 * Bundles the program into dist: one file for each command, with the packages in it. Node takes longer to find and open a
 * thousand small files than to compile them, and an installed hearth needs no node_modules. Types are checked by `npm run lint`.
 */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [, , target] = process.argv; // as esbuild names it: node20
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
// Packages that are CommonJS call require() for Node's own modules.
const requireAsInCommonJs =
  'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);';

rmSync(path.join(root, "dist"), { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["src/cli/main.ts", "src/chat/template-worker.ts", "src/chat/grammar/grammar-worker.ts"],
  bundle: true,
  splitting: true,
  outdir: "dist",
  outbase: "src",
  chunkNames: "chunks/[name]-[hash]", // as deep as the source, whose paths to package.json and the addon stay right
  platform: "node",
  target,
  format: "esm",
  banner: { js: requireAsInCommonJs },
  external: ["bufferutil", "utf-8-validate"], // ws works without these two
  logLevel: "warning",
  metafile: true,
});

// The packages of which something is in the bundle: whoever hands it on hands on their licences, too.
const folders = Object.keys(metafile.inputs).flatMap(
  (file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
);
writeFileSync(path.join(root, "dist", "packages.json"), JSON.stringify([...new Set(folders)].sort(), null, 2));
