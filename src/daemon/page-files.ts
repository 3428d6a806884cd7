/** Finds the built pages beside the program. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Encoding } from "../api/web/encoding.js";
import type { PageFile } from "../api/web/register.js";
import { isMissing } from "../base/files.js";

/** Written by deploy/bundle-pages.mjs. */
interface Manifest {
  readonly files: readonly (Omit<PageFile, "read"> & { readonly file: string })[];
}

const folder = new URL("../../dist/web/", import.meta.url);

/** None where the pages were not built, as when the sources run without a build. */
export function pageFiles(): PageFile[] {
  let text: string;
  try {
    text = readFileSync(new URL("manifest.json", folder), "utf8");
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const { files }: Manifest = JSON.parse(text);
  return files.map(({ file, ...described }) => ({
    ...described,
    read: (encoding) => readFile(fileURLToPath(new URL(`${file}${suffixOf(encoding)}`, folder))),
  }));
}

function suffixOf(encoding: Encoding | null): string {
  return encoding === null ? "" : encoding === "br" ? ".br" : ".gz";
}
