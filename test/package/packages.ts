/** Builds the packages of this checkout, once for all tests of a run, and unpacks them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { missingPackages } from "../../deploy/deb/architectures.mjs";
import { temporaryFolder } from "../helpers/folder.js";
import { root } from "../helpers/shared.js";

export type Architecture = "amd64" | "arm64";

/** For a test's `skip`. */
export function missingTools(...names: readonly Architecture[]): string | false {
  const packages = [...new Set(names.flatMap(missingPackages))];
  return packages.length > 0 && `install with sudo apt-get install ${packages.join(" ")}`;
}

const built = new Map<Architecture, string>();

/** Path of the architecture's package. */
export function packageOf(name: Architecture): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  build(name);
  const folder = path.join(root, "build", "deb");
  const file = readdirSync(folder).find((each) => new RegExp(`^hearthd_[^_]+_${name}\\.deb$`).test(each));
  assert.ok(file);
  built.set(name, path.join(folder, file));
  return path.join(folder, file);
}

export function build(name: Architecture): void {
  const script = path.join(root, "deploy", "deb", "build.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, name], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** A folder with the files of the package; its control files are in DEBIAN/. */
export function unpack(t: TestContext, name: Architecture): string {
  const folder = path.join(temporaryFolder(t), "package");
  const { status, stderr } = spawnSync("dpkg-deb", ["-R", packageOf(name), folder], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return folder;
}
