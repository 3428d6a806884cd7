/** Gets published packages from npm's registry and checks that they are what was pinned. Plain Node without packages. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";

const timeoutMs = 600_000;

/** The address of a package's archive in the registry that this machine's npm uses. */
export function archiveUrl(name, version) {
  const registry = (process.env.npm_config_registry ?? "https://registry.npmjs.org").replace(/\/+$/, "");
  return `${registry}/${name}/-/${name}-${version}.tgz`;
}

/** Unpacks the archive of `url` into `folder` unless it is there. Throws where the archive cannot be had, or has another hash than `integrity`. */
export async function unpackPinned(url, integrity, folder) {
  if (existsSync(folder)) return;
  unpack(await download(url, integrity), folder);
}

async function download(url, integrity) {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  const archive = Buffer.from(await response.arrayBuffer());
  const hash = createHash("sha512").update(archive).digest("base64");
  if (`sha512-${hash}` !== integrity) throw new Error("what came is not the published file");
  return archive;
}

/** Unpacks beside the folder and renames, so that half an archive is never taken for one. */
function unpack(archive, folder) {
  const half = `${folder}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  const tar = spawnSync("tar", ["-xzf", "-", "-C", half, "--strip-components=1"], { input: archive, encoding: "utf8" });
  if (tar.status !== 0) throw new Error(tar.error?.message ?? `tar: ${tar.stderr.trim()}`);
  renameSync(half, folder);
}
