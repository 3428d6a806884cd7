/** Every class of fault that the project holds itself to has a test with its name. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { missing, shared } from "../helpers/shared.js";

test("each row of the list of faults has a test named after it", { skip: missing("facts/security.md") }, () => {
  const rows = readFileSync(shared("facts/security.md"), "utf8").matchAll(/^\| ([^|]+?) \|/gm);
  const names = [...rows].map(([, name]) => name ?? "").filter((name) => !/^(class|-+)$/.test(name));
  assert.ok(names.length > 10);
  const sources = readdirSync(import.meta.dirname).map((file) =>
    readFileSync(path.join(import.meta.dirname, file), "utf8"),
  );
  const untested = names.filter((name) => !sources.some((source) => source.includes(`test("${name}: `)));
  assert.deepEqual(untested, []);
});
