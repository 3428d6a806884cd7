/**
 * Gets the newest Node that npm's packages have, into the cache of the tests. Knows npm; nothing of what is run with it. One that is
 * there already is used when the registry does not answer.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../debian/folder.mjs";

/** Path of the program, or null where none is to be had. */
export function newestNode() {
  const folder = path.join(cacheFolder, "newest-node");
  const name = `node-linux-${process.arch}`;
  mkdirSync(folder, { recursive: true });
  const args = [
    "install",
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  spawnSync("npm", [...args, "--prefix", folder, `${name}@latest`], {
    stdio: ["ignore", "ignore", 2],
    timeout: 300_000,
  });
  const program = path.join(folder, "node_modules", name, "bin", "node");
  return existsSync(program) ? program : null;
}
