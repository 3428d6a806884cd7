import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { verifyModel } from "../../../src/store/verify-model.js";
import { makeGguf } from "../../helpers/gguf.js";
import { Random } from "../../helpers/random.js";
import { type Handler, sendFile, serveRepository } from "../../helpers/source-server.js";
import { content, file, refused, setUp } from "./pulls.js";

test("connections cut at random places do not keep a file from arriving whole", async (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    const { source, pull } = await setUp(t);
    const random = new Random(seed);
    const cut: Handler = (request, response) => {
      const fate = random.below(4);
      if (fate === 0) return response.socket?.destroy();
      if (fate === 1) return response.writeHead(503, { "retry-after": "0" }).end();
      return sendFile(request, response, content, { cutAfter: fate === 2 ? random.below(120_000) : undefined });
    };
    serveRepository(source, "me/m", file(cut));
    const settings = {
      retry: { attempts: 30, firstMs: 1, longestMs: 2, unresolvedMs: 300 },
      segmentBytes: 20_000 + random.below(200_000),
    };
    const { model } = await pull("hf:me/m", {}, settings);
    await verifyModel(model);
  }
});

test("a pull that failed goes on where it stopped, and asks only for what is missing", async (t) => {
  const { source, pull, named } = await setUp(t);
  let broken = true;
  let sent = 0;
  const url = `${source.url}/m.gguf`;
  source.routes.set("/m.gguf", async (request, response) => {
    if (broken && sent > 500_000) return response.socket?.destroy();
    sent += 100_000;
    return sendFile(request, response, content, { etag: '"v1"' });
  });
  await assert.rejects(pull(url), refused("PULL_FAILED"));
  assert.deepEqual(named(), []);
  broken = false;
  const before = { sent: source.bytesSent, requests: source.requests.length };
  const { model } = await pull(url);
  await verifyModel(model);
  assert.ok(source.bytesSent - before.sent < 600_000, `${source.bytesSent - before.sent} bytes were sent again`);
  const again = source.requests.slice(before.requests + 1);
  assert.ok(again.length > 0 && again.every(({ headers }) => headers["if-range"] === '"v1"' && headers.range));
});

test("a file that changes between two pulls starts over and is the new one", async (t) => {
  const { source, store, pull } = await setUp(t);
  const fresh = makeGguf({ bytes: 1_000_000, seed: 2 });
  const url = `${source.url}/m.gguf`;
  source.routes.set("/m.gguf", (request, response, n) =>
    n > 5 ? response.socket?.destroy() : sendFile(request, response, content, { etag: '"v1"' }),
  );
  await assert.rejects(pull(url), refused("PULL_FAILED"));
  source.routes.set("/m.gguf", (request, response) => sendFile(request, response, fresh, { etag: '"v2"' }));
  const { model } = await pull(url);
  assert.ok(readFileSync(model.path).equals(fresh));
  source.routes.set("/m.gguf", (request, response) => sendFile(request, response, content, { etag: '"v3"' }));
  const { model: updated } = await pull(url);
  assert.equal(updated.name, model.name);
  assert.ok(readFileSync(updated.path).equals(content));
  assert.equal(store.scan().models.length, 1);
});

test("a file that changes in the middle of a pull is never mixed", async (t) => {
  const fresh = makeGguf({ bytes: 1_000_000, seed: 2 });
  for (const change of [3, 4, 5, 9]) {
    const { source, pull } = await setUp(t);
    source.routes.set("/m.gguf", (request, response, n) =>
      sendFile(request, response, n < change ? content : fresh, { etag: n < change ? '"v1"' : '"v2"' }),
    );
    const { model } = await pull(`${source.url}/m.gguf`);
    assert.ok(readFileSync(model.path).equals(fresh), `changed at request ${change}`);
  }
});

test("a server without ranges is read in one piece, from the start after each cut", async (t) => {
  const { source, pull } = await setUp(t);
  const whole: Handler = (request, response, n) =>
    sendFile(request, response, content, { ranges: false, cutAfter: n < 4 ? 300_000 : undefined });
  serveRepository(source, "me/m", file(whole));
  const seen: number[] = [];
  const { model } = await pull("hf:me/m", { onProgress: (p) => p.phase === "download" && seen.push(p.completed) });
  await verifyModel(model);
  assert.equal(seen.at(-1), content.length);
});

test("a wrong hash is an error, and leaves nothing to go on with", async (t) => {
  const { source, pull, named, store } = await setUp(t);
  const wrong = Buffer.from(content);
  wrong[500_000] = (wrong[500_000] ?? 0) ^ 1;
  serveRepository(
    source,
    "me/m",
    file((request, response) => sendFile(request, response, wrong)),
  );
  await assert.rejects(pull("hf:me/m"), refused("PULL_BAD_HASH"));
  assert.deepEqual(named(), []);
  assert.ok(!readdirSync(store.folder, { recursive: true, encoding: "utf8" }).some((name) => name.includes(".part")));
});

test("bytes that the disk lost between two pulls are fetched again", async (t) => {
  const { source, store, pull } = await setUp(t);
  let broken = true;
  const handler: Handler = (request, response, n) =>
    broken && n > 6 ? response.socket?.destroy() : sendFile(request, response, content);
  serveRepository(source, "me/m", file(handler));
  await assert.rejects(pull("hf:me/m"), refused("PULL_FAILED"));
  const part = readdirSync(store.folder, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith(".part"));
  assert.ok(part);
  const partial = path.join(store.folder, part);
  const bytes = readFileSync(partial);
  writeFileSync(partial, bytes.fill(0, 0, 50_000));
  broken = false;
  const { model } = await pull("hf:me/m");
  assert.ok(readFileSync(model.path).equals(content));
});

const lies: readonly { what: string; code: string; handler: Handler }[] = [
  {
    what: "another total length",
    code: "PULL_BAD_LENGTH",
    handler: (_request, response) => {
      response.writeHead(206, { "content-range": "bytes 0-99999/5000000" }).end(content.subarray(0, 100_000));
    },
  },
  {
    what: "another range than was asked for",
    code: "PULL_BAD_LENGTH",
    handler: (_request, response) => {
      response.writeHead(206, { "content-range": `bytes 7-99999/${content.length}` }).end(content.subarray(7, 100_000));
    },
  },
  {
    what: "no range at all",
    code: "PULL_BAD_LENGTH",
    handler: (_request, response) => response.writeHead(206).end(content.subarray(0, 100_000)),
  },
  {
    what: "more than the range",
    code: "PULL_BAD_LENGTH",
    handler: (request, response) => {
      const [start = 0] = (/\d+/.exec(request.headers.range ?? "") ?? []).map(Number);
      const end = Math.min(start + 100_000, content.length);
      response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${content.length}` });
      response.end(Buffer.alloc(300_000));
    },
  },
  {
    what: "a whole file of another length",
    code: "PULL_BAD_LENGTH",
    handler: (_request, response) => response.writeHead(200, { "content-length": 10 }).end(content.subarray(0, 10)),
  },
  {
    what: "a whole file that never ends",
    code: "PULL_BAD_LENGTH",
    handler: (_request, response) => response.writeHead(200).end(Buffer.alloc(content.length + 1)),
  },
  {
    what: "always less than it says",
    code: "PULL_FAILED",
    handler: (request, response) => sendFile(request, response, content, { cutAfter: 0 }),
  },
  {
    what: "a packed file",
    code: "PULL_BAD_RESPONSE",
    handler: (_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(content),
  },
];

for (const { what, code, handler } of lies) {
  test(`a server that sends ${what} is ${code}`, async (t) => {
    const { source, pull, named } = await setUp(t);
    serveRepository(source, "me/m", file(handler));
    await assert.rejects(pull("hf:me/m"), refused(code));
    assert.deepEqual(named(), []);
  });
}

test("no more connections than configured are open at the same time", async (t) => {
  for (const connections of [1, 3]) {
    const { source, pull } = await setUp(t);
    serveRepository(
      source,
      "me/m",
      file((request, response) => sendFile(request, response, content, { pauseMs: 2 })),
    );
    await pull("hf:me/m", {}, { connections });
    assert.equal(source.mostActive, connections);
  }
});
