/** Finds programs and source files for the build scripts. Plain Node without packages. */
import { createHash } from "node:crypto";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Whether `name` is a program in PATH. */
export function findProgram(name) {
  return (process.env.PATH ?? "").split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Paths, relative to `root` and sorted, of all files in a folder and below it. */
export function filesUnder(root, folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const inner = path.join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(root, inner) : [inner];
    })
    .sort();
}

/** One hash of the files' names and contents and of `extra`. */
export function hashFiles(root, files, extra) {
  const hash = createHash("sha256").update(extra);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest("hex");
}
