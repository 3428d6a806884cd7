/** Files of the folder beside the checkout: models and reference results. Tests that need one are skipped without it. */
import { existsSync } from "node:fs";
import path from "node:path";

/** The checkout. */
export const root = path.join(import.meta.dirname, "..", "..");

/** The path of a file in ../shared, such as "models/stories260K.gguf". */
export function shared(file: string): string {
  return path.join(root, "..", "shared", file);
}

/** For a test's `skip`: a reason where one of the files is missing, else false. */
export function missing(...files: readonly string[]): string | false {
  const absent = files.filter((file) => !existsSync(shared(file)));
  return absent.length > 0 && `../shared/${absent[0]} is not there`;
}
