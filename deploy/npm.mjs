/**
 * Finds npm, or gets it: Debian's nodejs comes without, and Debian's package of npm brings 600 others. Knows npm's registry; nothing
 * of what is installed with it. Plain Node without packages.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { findProgram } from "./files.mjs";
import { archiveUrl, unpackPinned } from "./registry.mjs";

/** The newest that runs on every Node from 20 on; what the registry has of it is published, and never changes. */
const pinned = {
  version: "10.9.9",
  integrity: "sha512-1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==",
};

/** The words of a command that runs npm. Throws an error of one sentence where it is neither there nor to be had. */
export async function npmCommand(root, say) {
  if (findProgram("npm")) return ["npm"];
  const folder = path.join(root, "build", `npm-${pinned.version}`);
  const command = [process.execPath, path.join(folder, "bin", "npm-cli.js")];
  if (existsSync(folder)) return command;
  const url = archiveUrl("npm", pinned.version);
  say(`getting npm ${pinned.version}, which this Node comes without`);
  try {
    await unpackPinned(url, pinned.integrity, folder);
  } catch (error) {
    const reason = error.cause?.message ?? error.message;
    throw new Error(
      `npm is missing and cannot be got from ${url}: ${reason}. Try again when the network is there, or install a Node that brings npm, as those of nodejs.org do.`,
    );
  }
  return command;
}
