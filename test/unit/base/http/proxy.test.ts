import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { proxyFor } from "../../../../src/base/http/proxy.js";
import { sendAndClose, startRaw } from "../../../helpers/raw-server.js";
import { ask, content, length } from "./raw-answers.js";

test("a proxy may close at any byte of its answer, and is named in the failure", async (t) => {
  const bytes = Buffer.from("HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n");
  for (const how of ["close", "reset"] as const) {
    const proxy = await startRaw(t, (socket, _head, n) => sendAndClose(socket, bytes, n - 1, how));
    for (let sent = 0; sent <= bytes.length; sent++) {
      for (const url of ["http://models.internal/m", "https://models.internal/m"].slice(
        0,
        sent < bytes.length ? 1 : 2,
      )) {
        const { failure } = await ask(url, { proxy: new URL(proxy.url) });
        assert.ok(failure, `${sent} bytes`);
        if (sent < bytes.length) assert.match(failure.message, /is behind the proxy 127\.0\.0\.1:\d+, which closed/);
      }
    }
  }
});

for (const [what, answer, words] of [
  ["refuses", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", /which answers 407/],
  ["is no proxy", "SSH-2.0-OpenSSH_9.2\r\n\r\n", /which sends what is no HTTP/],
  ["speaks first", "HTTP/1.1 200 OK\r\n\r\nhello", /which sends something before it was asked/],
  ["says nothing", "", /gives no connection within 0\.3 seconds/],
] as const) {
  test(`a proxy that ${what} is a failure that says so`, async (t) => {
    const proxy = await startRaw(t, (socket) => socket.write(answer));
    const { failure } = await ask("https://models.internal/m", { proxy: new URL(proxy.url), connectMs: 300 });
    assert.match(failure?.message ?? "", words);
  });
}

test("a proxy gets its user name and password, and the host is not told them", async (t) => {
  const heads: string[] = [];
  const proxy = await startRaw(t, (socket, head) => {
    heads.push(head);
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    socket.once("data", (piece) => {
      heads.push(String(piece));
      socket.end(length + content);
    });
  });
  const through = new URL(proxy.url.replace("//", "//user:p%40ss@"));
  assert.equal((await ask("http://models.internal/m?a=b", { proxy: through })).text, content);
  assert.match(heads[0] ?? "", /^CONNECT models\.internal:80 HTTP\/1\.1\r\n/);
  assert.match(
    heads[0] ?? "",
    new RegExp(`proxy-authorization: Basic ${Buffer.from("user:p@ss").toString("base64")}`, "i"),
  );
  assert.match(heads[1] ?? "", /^GET \/m\?a=b HTTP\/1\.1\r\nhost: models\.internal\r\n/i);
  assert.doesNotMatch(heads[1] ?? "", /authorization/i);
});

/** Sets variables of the environment for the test. */
function setEnvironment(t: TestContext, values: Readonly<Record<string, string>>): void {
  const names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, values);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

test("the environment says which proxy an address is behind", async (t) => {
  setEnvironment(t, { HTTP_PROXY: "http://a:1", NO_PROXY: "near.lan,.inside.lan,exact.lan:8443" });
  const proxy = (url: string) => proxyFor(new URL(url))?.host ?? null;
  assert.equal(proxy("http://x.org/"), "a:1");
  assert.equal(proxy("https://x.org/"), "a:1", "the only proxy is for everything");
  process.env.HTTPS_PROXY = "http://b:2";
  assert.equal(proxy("https://x.org/"), "b:2");
  for (const [url, expected] of [
    ["https://near.lan/", null],
    ["https://a.inside.lan/", null],
    ["https://exact.lan:8443/", null],
    ["https://exact.lan/", "b:2"],
  ] as const) {
    assert.equal(proxy(url), expected, url);
  }
  process.env.HTTPS_PROXY = "socks5://user:secret@b:2";
  assert.throws(
    () => proxy("https://x.org/"),
    /^HearthError: The proxy that HTTPS_PROXY or HTTP_PROXY names is no http/,
  );
});
