import assert from "node:assert/strict";
import { test } from "node:test";
import { exchange } from "../../../../src/base/http/exchange.js";
import { sendAndClose, startRaw } from "../../../helpers/raw-server.js";
import { answers, ask, content, length, options } from "./raw-answers.js";

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
