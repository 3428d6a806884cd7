/**
 * Small files of the kernel's folders /proc and /sys, below a root that tests have a folder of their own for. A file that is not
 * there, or cannot be read, is null: boards, containers and sandboxes show different ones.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

export class MachineFiles {
  readonly root: string;

  constructor(root = "/") {
    this.root = root;
  }

  /** The text without white space around it. `file`: absolute, as on a machine. */
  async text(file: string): Promise<string | null> {
    try {
      return (await readFile(path.join(this.root, file), "utf8")).trim();
    } catch {
      return null;
    }
  }

  /** A decimal integer that is all of the file. */
  async integer(file: string): Promise<number | null> {
    const text = await this.text(file);
    return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
  }

  async bytes(file: string): Promise<Buffer | null> {
    try {
      return await readFile(path.join(this.root, file));
    } catch {
      return null;
    }
  }

  /** The names in a folder, sorted; none where it cannot be read. */
  async names(folder: string): Promise<readonly string[]> {
    try {
      return (await readdir(path.join(this.root, folder))).sort(new Intl.Collator("en", { numeric: true }).compare);
    } catch {
      return [];
    }
  }

  /** Paths that a pattern stands for, in which `*` is any part of one name; whether the last one exists is not looked at without a `*` in it. */
  async find(pattern: string): Promise<readonly string[]> {
    let found: readonly string[] = [""];
    for (const part of pattern.split("/").slice(1)) {
      const next = found.map(async (folder) => {
        if (!part.includes("*")) return [`${folder}/${part}`];
        const names = await this.names(folder || "/");
        return names.filter((name) => matches(name, part)).map((name) => `${folder}/${name}`);
      });
      found = (await Promise.all(next)).flat();
    }
    return found;
  }
}

function matches(name: string, pattern: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[^\w]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}
