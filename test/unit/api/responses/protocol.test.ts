import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { refusedFields } from "../../../../src/api/responses/schema.js";
import { toolFormatNames } from "../../../../src/chat/answers/formats.js";
import { callShapes } from "../../../../src/chat/grammar/calls.js";

const file = path.join(import.meta.dirname, "..", "..", "..", "..", "src", "api", "responses", "PROTOCOL.md");
const page = readFileSync(file, "utf8").replace(/\s+/g, " ");

/** The words in code marks of the part of the page between two texts. */
function namesBetween(start: string, end: string): string[] {
  const from = page.indexOf(start);
  const to = page.indexOf(end, from);
  assert.ok(from >= 0 && to > from, `PROTOCOL.md has ${start} ... ${end}`);
  return [...page.slice(from, to).matchAll(/`([\w-]+)`/g)].map(([, name = ""]) => name);
}

test("PROTOCOL.md lists every form in which calls are read, and a grammar holds each of them", () => {
  const listed = namesBetween("in every form in which they are read:", "No form is read without being held.");
  assert.deepEqual(listed.sort(), [...toolFormatNames].sort());
  assert.deepEqual(Object.keys(callShapes).sort(), [...toolFormatNames].sort());
});

test("PROTOCOL.md lists the fields that are refused", () => {
  const listed = namesBetween("## Not yet", "## More");
  assert.deepEqual(
    ["unsupported_parameter", "background", ...refusedFields].filter((name) => !listed.includes(name)),
    [],
  );
});
