import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { exchange } from "../../src/base/http/exchange.js";
import { HttpFailure } from "../../src/base/http/failure.js";
import { proxyFor } from "../../src/base/http/proxy.js";
import { sendAndClose, startRaw } from "../helpers/raw-server.js";

const options = {
  method: "GET",
  headers: {},
  body: null,
  connectMs: 2000,
  lookupMs: 2000,
  headMs: 2000,
  idleMs: 2000,
  addresses: "any",
  proxy: null,
  signal: new AbortController().signal,
} as const;
type Options = { -readonly [key in keyof typeof options]?: unknown };

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly failure: HttpFailure | null;
}

/** Reads the answer, slowly where `pauseMs` says so. */
async function ask(url: string, more: Options = {}, pauseMs = 0): Promise<Outcome> {
  let status = 0;
  let text = "";
  try {
    const answer = await exchange(new URL(url), { ...options, ...more } as Parameters<typeof exchange>[1]);
    status = answer.status;
    if (pauseMs > 0) await delay(pauseMs);
    for await (const piece of answer.body) text += piece.toString("latin1");
    return { status, text, failure: null };
  } catch (failure) {
    assert.ok(failure instanceof HttpFailure, String(failure));
    return { status, text, failure };
  }
}

const content = "x".repeat(60);
const length = `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`;
const chunk = "14\r\n".concat(content.slice(0, 20), "\r\n");
const answers = {
  "a length": { head: length, body: content },
  "a length, and says that it closes": {
    head: length.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    body: content,
  },
  chunks: { head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body: `${chunk}${chunk}${chunk}0\r\n\r\n` },
  "an early hint before it": { head: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${length}`, body: content },
};

for (const [what, { head, body }] of Object.entries(answers)) {
  for (const how of ["close", "reset"] as const) {
    test(`a ${how} at any byte of an answer with ${what} is a failure, and what came before is read`, async (t) => {
      const bytes = Buffer.from(head + body);
      for (const pauseMs of [0, 5]) {
        const server = await startRaw(t, (socket, _head, n) => sendAndClose(socket, bytes, n - 1, how));
        for (let sent = 0; sent < bytes.length; sent++) {
          const { status, text, failure } = await ask(server.url, {}, pauseMs);
          assert.ok(failure, `${sent} bytes`);
          assert.equal(failure.kind, "closed", `${sent} bytes: ${failure.message}`);
          if (how === "reset") continue; // the kernel may throw away what it had received
          assert.equal(status, sent < head.length ? 0 : 200);
          if (what !== "chunks") assert.equal(text.length, Math.max(0, sent - head.length));
        }
        if (how === "close") assert.deepEqual(await ask(server.url), { status: 200, text: content, failure: null });
      }
    });
  }
}

test("a body without a length ends with the connection, and is no whole one where that breaks", async (t) => {
  const bytes = Buffer.from(`HTTP/1.0 200 OK\r\n\r\n${content}`);
  const server = await startRaw(t, (socket, _head, n) => {
    if (n === 1) sendAndClose(socket, bytes, bytes.length, "close");
    else socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
  assert.deepEqual(await ask(server.url), { status: 200, text: content, failure: null });
  const { text, failure } = await ask(server.url);
  assert.deepEqual([text, failure?.kind], [content, "closed"]);
});

test("a source that closes while nobody reads on ends no process, and all that it sent is read", async (t) => {
  const large = "y".repeat(1_000_000);
  const server = await startRaw(t, (socket) => {
    socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${large.length}\r\n\r\n${large}`);
  });
  for (let i = 0; i < 20; i++) assert.equal((await ask(server.url, {}, 20)).text.length, large.length);
});

const oddities: Record<string, { readonly send: string; readonly kind: string | null; readonly text?: string }> = {
  "nothing but an end of line": { send: "\r\n\r\n", kind: "late" },
  "what is no HTTP": { send: "SSH-2.0-OpenSSH_9.2\r\n\r\n", kind: "malformed" },
  "two lengths": { send: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", kind: "malformed" },
  "a length that is none": { send: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc", kind: "malformed" },
  "a chunk without a size": { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", kind: "closed" },
  "garbage after its body": {
    send: `${length}${content}${"HTTP/1.1 garbage\r\n".repeat(100)}`,
    kind: null,
    text: content,
  },
  "a second answer": { send: `${length}${content}${length}${"z".repeat(60)}`, kind: null, text: content },
  "a body of no bytes": { send: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", kind: null, text: "" },
  "a switch of protocols": {
    send: "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    kind: "closed",
  },
  "too long a head": { send: `HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}\r\n\r\n`, kind: "malformed" },
  "a body that stops": { send: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", kind: "late", text: "abc" },
};

for (const [what, { send, kind, text }] of Object.entries(oddities)) {
  test(`a source that sends ${what} gives ${kind === null ? "its body" : `the failure "${kind}"`}`, async (t) => {
    const server = await startRaw(t, (socket) => socket.write(send));
    const outcome = await ask(server.url, { headMs: 300, idleMs: 300 });
    assert.equal(outcome.failure?.kind ?? null, kind, outcome.failure?.message);
    if (text !== undefined) assert.equal(outcome.text, text);
  });
}

for (const [what, start, drop] of [
  ["a head that drips", "HTTP/1.1 200 OK\r\n", "X: y\r\n"],
  ["a head without end of hints", "", "HTTP/1.1 103 Early Hints\r\n\r\n"],
] as const) {
  test(`${what} is given up in time`, async (t) => {
    const server = await startRaw(t, (socket) => {
      socket.write(start);
      const timer = setInterval(() => socket.write(drop), 10);
      socket.on("close", () => clearInterval(timer));
    });
    assert.equal((await ask(server.url, { headMs: 200 })).failure?.kind, "late");
  });
}

test("a signal ends a request at any time with its reason", async (t) => {
  const reason = new Error("enough");
  const server = await startRaw(t, (socket, head) => {
    if (!head.startsWith("GET /head")) socket.write(`${length}abc`);
  });
  for (const [path, read] of [
    ["/head", false],
    ["/body", true],
  ] as const) {
    const controller = new AbortController();
    const asked = exchange(new URL(server.url + path), { ...options, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    const ended = read
      ? asked.then(async ({ body }) => {
          for await (const _ of body);
        })
      : asked;
    await assert.rejects(ended as Promise<unknown>, reason);
  }
});

test("a source that reads nothing, or closes before it has read a long body, ends no process", async (t) => {
  const server = await startRaw(t, (socket) => socket.resetAndDestroy());
  for (let i = 0; i < 20; i++) {
    const { failure } = await ask(server.url, { method: "POST", body: "x".repeat(3_000_000) });
    assert.equal(failure?.kind, "closed");
  }
});

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

test("a name whose address is not public is not connected to, whatever it was when it was checked", async (t) => {
  const server = await startRaw(t, (socket) => socket.end(length + content));
  const { failure } = await ask(server.url.replace("127.0.0.1", "localhost"), { addresses: "public" });
  assert.equal(failure?.kind, "refused");
  assert.match(failure?.message ?? "", /is at (127\.0\.0\.1|::1), which is not a public address/);
  assert.equal(server.count, 0);
});

test("a name without an address is told from a host that does not answer", async () => {
  assert.equal((await ask("http://nobody.invalid/", { lookupMs: 500 })).failure?.kind, "unresolved");
  assert.equal((await ask("http://127.0.0.1:1/")).failure?.kind, "unreachable");
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
