/**
 * Finds npm, or gets it: Debian's nodejs comes without, and Debian's package of npm brings 600 others. Knows npm's registry; nothing
 * of what is installed with it. Plain Node without packages.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { findProgram } from "./files.mjs";

/** The newest that runs on every Node from 20 on; what the registry has of it is published, and never changes. */
const pinned = {
  version: "10.9.9",
  integrity: "sha512-1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==",
};
const timeoutMs = 120_000;

/** The words of a command that runs npm. Throws an error of one sentence where it is neither there nor to be had. */
export async function npmCommand(root, say) {
  if (findProgram("npm")) return ["npm"];
  const folder = path.join(root, "build", `npm-${pinned.version}`);
  const command = [process.execPath, path.join(folder, "bin", "npm-cli.js")];
  if (existsSync(folder)) return command;
  const registry = (process.env.npm_config_registry ?? "https://registry.npmjs.org").replace(/\/+$/, "");
  const url = `${registry}/npm/-/npm-${pinned.version}.tgz`;
  say(`getting npm ${pinned.version}, which this Node comes without`);
  try {
    unpack(await download(url), folder);
  } catch (error) {
    const reason = error.cause?.message ?? error.message;
    throw new Error(
      `npm is missing and cannot be got from ${url}: ${reason}. Try again when the network is there, or install a Node that brings npm, as those of nodejs.org do.`,
    );
  }
  return command;
}

async function download(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  const archive = Buffer.from(await response.arrayBuffer());
  const hash = createHash("sha512").update(archive).digest("base64");
  if (`sha512-${hash}` !== pinned.integrity) throw new Error("what came is not the published file");
  return archive;
}

/** Beside its place and then into it, so that half an npm is never taken for one. */
function unpack(archive, folder) {
  const half = `${folder}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  const tar = spawnSync("tar", ["-xzf", "-", "-C", half, "--strip-components=1"], { input: archive, encoding: "utf8" });
  if (tar.status !== 0) throw new Error(tar.error?.message ?? `tar: ${tar.stderr.trim()}`);
  renameSync(half, folder);
}
