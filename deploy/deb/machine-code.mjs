/** Makes the machine code of a package: the addon for its architecture, and the Node that runs it. Knows compilers, nothing of packages. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../files.mjs";
import { archiveUrl, unpackPinned } from "../registry.mjs";
import { architectures, isOwn, toolFor } from "./architectures.mjs";

const pinnedNode = JSON.parse(readFileSync(new URL("./node.json", import.meta.url), "utf8"));
/** Pages of 64 KB are the largest that ARM has; a segment that is aligned to them suits smaller ones too. */
const largestPage = { arm64: 0x10000, amd64: 0x1000 };

/** The folder of Node's package for the architecture: bin/node, include/, LICENSE. Gets it once. */
export async function nodeFolder(root, name) {
  const { version, integrity } = pinnedNode;
  const folder = path.join(root, "build", "deb", `node-${version}-${name}`);
  const url = archiveUrl(`node-linux-${architectures[name].node}`, version);
  try {
    await unpackPinned(url, integrity[name], folder);
  } catch (error) {
    throw new Error(`Node cannot be got from ${url}: ${error.cause?.message ?? error.message}.`);
  }
  return folder;
}

/** Path of hearth.node for the architecture: that of the set-up for this machine, else a cross-compiled one. */
export function buildAddon(root, name, node) {
  if (isOwn(name)) return path.join(root, "build", "Release", "hearth.node");
  const folder = path.join(root, "build", `native-${architectures[name].machine}`); // of the suite arm, too
  const includes = [path.join(node, "include", "node"), path.join(root, "node_modules", "node-addon-api")];
  const jobs = Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 2 ** 30)));
  const cache = findProgram("ccache") ? ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] : [];
  run("cmake", [
    ...["-S", path.join(root, "native"), "-B", folder, "-DCMAKE_BUILD_TYPE=Release"],
    `-DCMAKE_TOOLCHAIN_FILE=${path.join(root, "native", architectures[name].toolchain)}`,
    `-DCMAKE_JS_INC=${includes.join(";")}`,
    ...cache,
  ]);
  run("cmake", ["--build", folder, "--target", "hearth", "--parallel", String(jobs)]);
  return path.join(folder, "hearth.node");
}

/** Copies a program or library without what only a debugger reads. */
export function installStripped(name, from, to, mode) {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
  run(toolFor(name, "strip"), ["--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", to]);
}

/** The C and C++ libraries that the files need, as Debian says it: `libc6 (>= 2.34)`. Throws where a segment does not suit the machine's pages. */
export function libraryDependencies(name, files) {
  const newest = { GLIBC: [0, 0, 0], GLIBCXX: [0, 0, 0] };
  for (const file of files) {
    checkSegments(name, file);
    const symbols = run("readelf", ["--dyn-syms", "--wide", file]);
    for (const [, library, version] of symbols.matchAll(/@(GLIBC|GLIBCXX)_([\d.]+)/g)) {
      const numbers = version.split(".").map(Number);
      if (compare(numbers, newest[library]) > 0) newest[library] = numbers;
    }
  }
  const gcc = newest.GLIBCXX[2] ?? 0;
  return [`libc6 (>= ${newest.GLIBC.slice(0, 2).join(".")})`, "libgcc-s1", `libstdc++6 (>= ${gccOf(gcc)})`];
}

/** The version of Debian's libstdc++6 that first had GLIBCXX_3.4.`minor`. */
function gccOf(minor) {
  const first = [
    [33, "14"],
    [32, "13.2"],
    [31, "13.1"],
    [30, "12"],
    [29, "11"],
    [26, "9"],
  ];
  return first.find(([since]) => minor >= since)?.[1] ?? "8";
}

function checkSegments(name, file) {
  const segments = run("readelf", ["--program-headers", "--wide", file]).match(/^\s+LOAD .*$/gm) ?? [];
  const small = segments.filter((line) => Number(line.trim().split(/\s+/).at(-1)) < largestPage[name]);
  if (segments.length > 0 && small.length === 0) return;
  throw new Error(`${file}: segments have to be aligned to ${largestPage[name]} bytes: ${small.join(" ").trim()}`);
}

const compare = (a, b) => (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0) || (a[2] ?? 0) - (b[2] ?? 0);

/** Runs a command with its errors on stderr, and returns what it printed. */
function run(command, args) {
  const { status, stdout, error } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2],
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stdout.trim().slice(-2000)}`);
  return stdout;
}
