import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const ofProgram: Package = JSON.parse(read("package.json"));
const ofBuild: Package = JSON.parse(read("deploy/package.json"));

/** The packages that the files of src/ import, Node's own modules excepted. */
function importedPackages(): string[] {
  const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => /\.tsx?$/.test(file)).map((file) => read(path.join("src", file)));
  const statement = /^(?:import|export)\b[^;"=]*? from "([a-z@][^":]*)"|\bimport\("([a-z@][^":]*)"\)/gm;
  const names = sources.flatMap((text) => [...text.matchAll(statement)].map(([, first, second]) => first ?? second));
  const packages = names
    .filter((name) => name !== undefined)
    .map((name) => name.replace(/^(@[^/]+\/[^/]+|[^@/]+)\/.*$/, "$1"));
  return [...new Set(packages)].sort();
}

test("the program's dependencies are the packages that src/ imports, without those that only build it", () => {
  assert.deepEqual(importedPackages(), Object.keys(ofProgram.dependencies).sort());
});

test("the packages that build hearth stand in deploy/package.json alone, and a fresh clone gets them from the lock file", () => {
  const lock = JSON.parse(read("package-lock.json")).packages;
  for (const name of ["cmake-js", "esbuild", "node-addon-api"]) {
    assert.ok(name in ofBuild.dependencies, name);
    assert.ok(!(name in ofProgram.dependencies) && !(name in (ofProgram.devDependencies ?? {})), name);
    // `npm ci --omit=dev` leaves out packages that are marked with `dev`.
    assert.ok(lock[`node_modules/${name}`] && !lock[`node_modules/${name}`].dev, name);
  }
  assert.deepEqual(lock.deploy.dependencies, ofBuild.dependencies);
});

test("the version is one number wherever it is said, and the list of changes has it", () => {
  const lock = JSON.parse(read("package-lock.json"));
  const versions = [ofBuild.version, lock.version, lock.packages[""].version, lock.packages.deploy.version];
  assert.deepEqual(new Set(versions), new Set([ofProgram.version]));
  assert.match(read("CHANGELOG.md"), new RegExp(`^## ${ofProgram.version.replaceAll(".", "\\.")}\\b`, "m"));
});
