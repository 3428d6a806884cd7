import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { errorCatalogue, HearthError, isErrorCode } from "../../src/base/errors.js";

const root = path.join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** The codes and advice of native/include/errors.h. */
function nativeErrors(): Map<string, string> {
  const entries = [...read("native/include/errors.h").matchAll(/^\s+X\((\w+),\s*"([^"]*)"\)/gm)];
  return new Map(entries.map((match) => [match[1] ?? "", match[2] ?? ""]));
}

function sources(folder: string, pattern: RegExp): string {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => pattern.test(file) && !/^(base|include)\/errors\.(ts|h)$/.test(file))
    .map((file) => read(path.join(folder, file)))
    .join("\n");
}

test("every native error is in the catalogue, with the same advice", () => {
  const native = nativeErrors();
  assert.ok(native.size > 20);
  for (const [code, advice] of native) {
    assert.ok(isErrorCode(code), code);
    assert.equal(errorCatalogue[code].advice, advice, code);
  }
});

test("ERRORS.md documents the catalogue and nothing else", () => {
  const rows = read("src/base/ERRORS.md")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.replace(/ +/g, " "));
  const expected = Object.entries(errorCatalogue).map(
    ([code, { status, wireCode, retryable, advice }]) =>
      `| \`${code}\` | ${status} | \`${wireCode}\` | ${retryable ? "yes" : "no"} | ${advice} |`,
  );
  assert.deepEqual(rows.toSorted(), expected.toSorted());
});

test("every code is used, on the side that it belongs to", () => {
  const native = nativeErrors();
  const cpp = sources("native", /\.(cc|h)$/);
  const typescript = sources("src", /\.ts$/);
  for (const code of Object.keys(errorCatalogue)) {
    const used = (native.has(code) && cpp.includes(`Code::${code}`)) || typescript.includes(`"${code}"`);
    assert.ok(used, `${code} is never raised`);
  }
});

test("an error that may be retried has a status that says so", () => {
  for (const [code, { status, retryable }] of Object.entries(errorCatalogue)) {
    assert.ok(!retryable || [429, 503].includes(status), code);
    assert.ok(status >= 400 && status < 600, code);
  }
});

test("advice is a sentence", () => {
  for (const [code, { advice }] of Object.entries(errorCatalogue)) assert.match(advice, /^[A-Z].*\.$/, code);
});

test("an error knows its kind, the field at fault and its cause", () => {
  const cause = new Error("inner");
  const error = new HearthError("REQUEST_INVALID", "temperature is 11.", { param: "temperature", cause });
  assert.equal(error.kind.status, 400);
  assert.equal(error.param, "temperature");
  assert.equal(error.cause, cause);
});
