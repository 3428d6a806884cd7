import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../fake-engine/module.js";
import { startServer } from "../../helpers/server.js";

test("only JSON bodies of objects are read", async (t) => {
  const server = await startServer(t);
  const cases: [string, Record<string, string>, number, string][] = [
    ["x=1", { "content-type": "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
    ['{"input":"Hi"}', { "content-type": "text/plain" }, 415, "unsupported_media_type"],
    ["{", {}, 400, "invalid_value"],
    ["", {}, 400, "invalid_value"],
    ["[]", {}, 400, "invalid_value"],
    ["null", {}, 400, "invalid_value"],
    [`{"input":"${"x".repeat(2 * 1024 * 1024)}"}`, {}, 413, "request_too_large"],
  ];
  for (const [body, headers, status, code] of cases) {
    const response = await server.post("/v1/responses", body, headers);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.deepEqual([response.status, error.code], [status, code], body.slice(0, 40));
    assert.ok(error.message.length > 10);
  }
});

test("an error of a path that there is not is JSON with a code, too", async (t) => {
  const server = await startServer(t);
  const missing = await fetch(`${server.url}/nothing`);
  assert.equal(missing.status, 404);
  assert.equal(((await missing.json()) as { error: { code: string } }).error.code, "not_found");
});

test("keys that would change prototypes are left out of bodies, at any depth", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const poison = '"__proto__":{"a":"b"},"constructor":{"prototype":{"a":"b"}}';
  const response = await server.post(
    "/v1/responses",
    `{${poison},"model":"default","input":"Hi","metadata":{"__proto__":{"a":1},"b":"c"}}`,
  );
  assert.equal(response.status, 200);
  assert.deepEqual(((await response.json()) as { metadata: object }).metadata, { b: "c" });
  assert.equal(({} as { a?: string }).a, undefined);
});
