/** The version of hearth, as package.json has it. */
import { readFileSync } from "node:fs";

const packageFile = new URL("../../package.json", import.meta.url);

export const version: string = readVersion(readFileSync(packageFile, "utf8"));

function readVersion(text: string): string {
  const { version } = JSON.parse(text);
  if (typeof version !== "string") throw new Error("package.json has no version.");
  return version;
}
