import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { errorFiles } from "../../../deploy/error-files.js";
import { engineErrors, requestErrors, startErrors, storeErrors } from "../../../src/base/error-catalogue.js";
import { errorCatalogue, HearthError } from "../../../src/base/errors.js";

const root = path.join(import.meta.dirname, "..", "..", "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

function sources(folder: string, pattern: RegExp): string {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => pattern.test(file) && !/^(base\/error-catalogue\.ts|include\/errors\.h)$/.test(file))
    .map((file) => read(path.join(folder, file)))
    .join("\n");
}

test("the catalogue names each code once", () => {
  const sections = [engineErrors, startErrors, storeErrors, requestErrors];
  const codes = sections.flatMap((section) => Object.keys(section));
  assert.equal(new Set(codes).size, codes.length);
});

for (const [file, text] of Object.entries(errorFiles)) {
  test(`${file} is what the catalogue makes of it`, () => {
    assert.equal(read(file), text, "npm run format writes it");
  });
}

test("every code is used, on the side that it belongs to", () => {
  const cpp = sources("native", /\.(cc|h)$/);
  const typescript = sources("src", /\.ts$/);
  for (const code of Object.keys(errorCatalogue)) {
    const used = (code in engineErrors && cpp.includes(`Code::${code}`)) || typescript.includes(`"${code}"`);
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
