/** Pulls from sources that close, cut and lie, at any byte: no one of them may end the process or leave a wrong file. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { HearthError } from "../../../src/base/errors.js";
import { loadEngineModule } from "../../../src/engine/binding.js";
import { ModelStore } from "../../../src/store/model-store.js";
import type { StoreProgress } from "../../../src/store/progress.js";
import { defaultPullSettings, type PullSettings, pullModel } from "../../../src/store/pull/model-pull.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { makeGguf } from "../../helpers/gguf.js";
import { sendAndClose, startRaw } from "../../helpers/raw-server.js";

const engine = loadEngineModule();
const content = makeGguf({ bytes: 400 });
const hash = createHash("sha256").update(content).digest("hex");
const manifest = JSON.stringify({
  layers: [{ mediaType: "application/vnd.ollama.image.model", digest: `sha256:${hash}`, size: content.length }],
});
const retry = { attempts: 4, firstMs: 1, longestMs: 2, unresolvedMs: 300 };

function makePuller(t: TestContext, url: string) {
  const store = new ModelStore(path.join(temporaryFolder(t), "models"), engine);
  const settings = { ...defaultPullSettings, ollama: new URL(url), budgetBytes: 1e9, idleMs: 300, retry };
  const pull = (name: string, more: Partial<PullSettings> = {}, onProgress: (p: StoreProgress) => void = () => {}) => {
    const signal = new AbortController().signal;
    return pullModel(store, name, { ...settings, ...more }, { signal, trustAddress: true, onProgress });
  };
  return { pull, named: () => store.scan().models.map(({ name }) => name) };
}

const head = (status: string, headers: Record<string, string | number> = {}) =>
  `HTTP/1.1 ${status}\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
const joined = (start: string, body: Buffer | string) => Buffer.concat([Buffer.from(start), Buffer.from(body)]);

/** The bytes that the request asks for, from one to before another. */
function askedRange(request: string): { readonly from: number; readonly end: number } {
  const [, from = 0, last = content.length - 1] = /range: bytes=(\d+)-(\d+)/i.exec(request) ?? [];
  return { from: Number(from), end: Math.min(Number(last) + 1, content.length) };
}

/** A right answer of the registry. */
function answerTo(request: string): Buffer {
  if (request.includes("/manifests/")) return joined(head("200 OK", { "Content-Length": manifest.length }), manifest);
  const { from, end } = askedRange(request);
  const range = { "Content-Range": `bytes ${from}-${end - 1}/${content.length}`, "Content-Length": end - from };
  return joined(head("206 Partial Content", range), content.subarray(from, end));
}

for (const how of ["close", "reset"] as const) {
  for (const what of ["manifests", "blobs"] as const) {
    test(`a ${how} within any part of an answer about ${what} is asked again, and the file arrives whole`, async (t) => {
      let cutAt = 0;
      let pending = true;
      const source = await startRaw(t, (socket, request) => {
        const answer = answerTo(request);
        const cut = pending && request.includes(`/${what}/`);
        if (cut) pending = false;
        sendAndClose(socket, answer, cut ? Math.min(cutAt, answer.length) : answer.length, cut ? how : "close");
      });
      const longest = answerTo(`/${what}/`).length;
      for (cutAt = 0; cutAt < longest; cutAt += 13) {
        pending = true;
        const { pull } = makePuller(t, source.url);
        const { model } = await pull("m:1b");
        assert.ok(!pending && readFileSync(model.path).equals(content), `cut after ${cutAt} bytes`);
      }
    });
  }
}

interface Source {
  /** null: the model arrives. */
  readonly code: string | null;
  readonly send: (socket: Socket, request: string, n: number) => unknown;
}
const blob =
  (send: Source["send"]): Source["send"] =>
  (socket, request, n) =>
    request.includes("/manifests/") ? socket.end(answerTo(request)) : send(socket, request, n);
const whole = head("200 OK", { "Content-Length": content.length });
const partial = (more: Record<string, string | number>) =>
  head("206 Partial Content", { "Content-Range": `bytes 0-${content.length - 1}/${content.length}`, ...more });
const gzipped = gzipSync(manifest);

const sources: Record<string, Source> = {
  "closes each connection at once": { code: "PULL_FAILED", send: (socket) => socket.end() },
  "resets each connection at once": { code: "PULL_FAILED", send: (socket) => socket.resetAndDestroy() },
  "never answers": { code: "PULL_FAILED", send: () => {} },
  "sends only hints": {
    code: "PULL_FAILED",
    send: (socket) => {
      const timer = setInterval(() => socket.write(head("103 Early Hints", { Link: "</a>" })), 20);
      socket.on("close", () => clearInterval(timer));
    },
  },
  "speaks another protocol": { code: "PULL_FAILED", send: (socket) => socket.end("220 ftp.example ESMTP\r\n") },
  "answers with nothing where a manifest is due": {
    code: "PULL_BAD_RESPONSE",
    send: (socket) => socket.end(head("200 OK", { "Content-Length": 0 })),
  },
  "packs its manifest": {
    code: "PULL_BAD_RESPONSE",
    send: (socket) =>
      socket.end(joined(head("200 OK", { "Content-Encoding": "gzip", "Content-Length": gzipped.length }), gzipped)),
  },
  "redirects in a circle": {
    code: "PULL_REFUSED",
    send: (socket, request) => socket.end(head("302 Found", { Location: request.split(" ")[1] ?? "" })),
  },
  "drips its manifest": {
    code: "PULL_FAILED",
    send: (socket) => {
      socket.write(head("200 OK", { "Content-Length": 100_000 }));
      const timer = setInterval(() => socket.write(" "), 50);
      socket.on("close", () => clearInterval(timer));
    },
  },
  "closes without a length, as HTTP/1.0 has it": {
    code: null,
    send: blob((socket) => socket.end(joined("HTTP/1.0 200 OK\r\n\r\n", content))),
  },
  "cuts a body without a length": {
    code: "PULL_FAILED",
    send: blob((socket) => socket.end(joined("HTTP/1.0 200 OK\r\n\r\n", content.subarray(0, 300)))),
  },
  "keeps the connection of a body without a length": {
    code: null,
    send: blob((socket) => socket.write(joined(partial({}), content))),
  },
  "sends a byte at a time": {
    code: null,
    send: blob(async (socket) => {
      socket.write(whole);
      for (const byte of content) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }),
  },
  "cuts each answer after another byte": {
    code: null,
    send: blob((socket, request) => {
      const answer = answerTo(request);
      sendAndClose(socket, answer, answer.indexOf("\r\n\r\n") + 4 + 1, "close");
    }),
  },
  "says a longer length than the range": {
    code: "PULL_BAD_LENGTH",
    send: blob((socket) => socket.write(joined(partial({ "Content-Length": content.length + 1000 }), content))),
  },
  "says a shorter length than the range": {
    code: "PULL_BAD_LENGTH",
    send: blob((socket) => socket.write(joined(partial({ "Content-Length": content.length - 10 }), content))),
  },
  "sends a range backwards": {
    code: "PULL_BAD_LENGTH",
    send: blob((socket) => socket.end(head("206 OK", { "Content-Range": `bytes 0--1/${content.length}` }))),
  },
  "sends nothing as a range": { code: "PULL_FAILED", send: blob((socket) => socket.end(partial({}))) },
  "sends a broken chunk": {
    code: "PULL_FAILED",
    send: blob((socket) => socket.write(`${partial({ "Transfer-Encoding": "chunked" })}zz\r\n`)),
  },
  "sends garbage after its answer": {
    code: null,
    send: blob((socket, request) =>
      socket.write(Buffer.concat([answerTo(request), Buffer.from("HTTP/1.1 garbage\r\n".repeat(100))])),
    ),
  },
  "sends other bytes of the same length": {
    code: "PULL_BAD_HASH",
    send: blob((socket) => socket.end(joined(whole, Buffer.alloc(content.length)))),
  },
};

for (const [what, { code, send }] of Object.entries(sources)) {
  test(`a source that ${what} ${code === null ? "gives the whole file" : `is ${code}`}`, async (t) => {
    const source = await startRaw(t, send);
    const { pull, named } = makePuller(t, source.url);
    if (code === null) {
      const { model } = await pull("m:1b");
      assert.ok(readFileSync(model.path).equals(content));
    } else {
      await assert.rejects(pull("m:1b"), (error) => error instanceof HearthError && error.code === code);
      assert.deepEqual(named(), []);
    }
  });
}

test("a source that closes while the body waits for the disk ends no process, and the file arrives whole", async (t) => {
  // Longer than what the kernel and the client keep, so that the source has closed before all of it is written.
  const large = makeGguf({ bytes: 3_000_000 });
  const range = { "Content-Range": `bytes 0-${large.length - 1}/${large.length}`, "Content-Length": large.length };
  const answer = joined(head("206 Partial Content", { ...range, Connection: "close" }), large);
  const source = await startRaw(t, (socket) => socket.end(answer));
  for (let i = 0; i < 20; i++) {
    const { model } = await makePuller(t, source.url).pull(`${source.url}/m.gguf`);
    assert.ok(readFileSync(model.path).equals(large));
  }
});

test("a name without an address is asked for a limited time, and the pull says that it tries again", async (t) => {
  const { pull } = makePuller(t, "https://nobody.invalid");
  const patient = { idleMs: 5000, lookupMs: 200 };
  const said = new Set<string>();
  const started = performance.now();
  const failed = pull("m:1b", patient, ({ retrying }) => retrying !== undefined && said.add(retrying));
  await assert.rejects(
    failed,
    /^HearthError: nobody\.invalid (has no address \(\w+\)|was not found within 0\.2 seconds), for 0\.3 seconds\.$/,
  );
  assert.ok(performance.now() - started < 5000);
  assert.match([...said].join("\n"), /^nobody\.invalid (has no address|was not found)/);
});

test("what fails twice in a row is told, and what was only cut is not", async (t) => {
  const source = await startRaw(t, (socket, request, n) => {
    if ([1, 3, 4].includes(n)) socket.resetAndDestroy();
    else socket.end(answerTo(request));
  });
  const said: string[] = [];
  await makePuller(t, source.url).pull("m:1b", {}, ({ phase, retrying }) => retrying !== undefined && said.push(phase));
  assert.deepEqual(said, ["download"]);
});
