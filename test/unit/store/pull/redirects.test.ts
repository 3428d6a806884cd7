import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../../../src/base/errors.js";
import { nextHop } from "../../../../src/store/pull/http.js";

test("a redirect may lead from http to https, and not the other way", () => {
  assert.equal(nextHop(new URL("https://a/b/c"), "d?e").href, "https://a/b/d?e");
  assert.equal(nextHop(new URL("http://nas.local/m"), "https://b/m").href, "https://b/m");
  const isRefusal = (error: unknown) => error instanceof HearthError && error.code === "PULL_REFUSED";
  assert.throws(() => nextHop(new URL("https://a/m"), "http://a/m"), isRefusal);
  assert.throws(() => nextHop(new URL("https://a/m"), "file:///etc/passwd"), isRefusal);
});
