import assert from "node:assert/strict";
import test from "node:test";
import { chooseEncoding } from "../../../../src/api/web/encoding.js";
import type { PageFile } from "../../../../src/api/web/register.js";
import { startServer } from "../../../helpers/server.js";

const page: PageFile = {
  path: "/",
  type: "text/html; charset=utf-8",
  etag: "abc",
  immutable: false,
  encodings: ["br", "gzip"],
  read: async (encoding) => Buffer.from(encoding ?? "plain"),
};
const script: PageFile = { ...page, path: "/assets/a-1.js", type: "text/javascript", immutable: true, encodings: [] };
const lost: PageFile = { ...page, path: "/lost", read: () => Promise.reject(new Error("gone")) };

const html = { accept: "text/html,*/*", "accept-encoding": "identity" };

test("pages come without a key, under a policy that lets nothing else in, and are revalidated", async (t) => {
  const keys = () => [
    { id: "k", name: "k", hash: "0".repeat(64), scopes: [], requestsPerMinute: null, concurrentRequests: null },
  ];
  const { url } = await startServer(t, { pages: [page, script, lost], keys, config: { "auth.mode": "required" } });
  const response = await fetch(`${url}/`, { headers: html });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "plain");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.equal(response.headers.get("vary"), "Accept, Accept-Encoding");
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  const etag = response.headers.get("etag") ?? "";
  const again = await fetch(`${url}/`, { headers: { ...html, "if-none-match": `W/${etag}` } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${url}/v1/models`)).status, 401);
  assert.equal(await (await fetch(`${url}/`)).text(), "hearth is running");

  const asset = await fetch(`${url}/assets/a-1.js`);
  assert.match(asset.headers.get("cache-control") ?? "", /immutable/);
  assert.equal((await fetch(`${url}/lost`)).status, 404);
});

test("a page is for this device's own names alone", async (t) => {
  const { url } = await startServer(t, { pages: [page] });
  const foreign = await fetch(`${url}/`, { headers: { origin: "http://evil.example" } });
  assert.equal(foreign.status, 403);
});

test("a file is sent in the encoding that a client prefers and that there is", () => {
  const both = ["br", "gzip"] as const;
  assert.equal(chooseEncoding("gzip, deflate, br, zstd", both), "br");
  assert.equal(chooseEncoding("gzip;q=0.8, br;q=0", both), "gzip");
  assert.equal(chooseEncoding("*", both), "br");
  assert.equal(chooseEncoding("identity", both), null);
  assert.equal(chooseEncoding(undefined, both), null);
  assert.equal(chooseEncoding("br", []), null);
});
