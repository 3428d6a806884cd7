import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { loadEngineModule } from "../../src/engine/binding.js";
import { ModelStore } from "../../src/store/model-store.js";
import {
  defaultPullSettings,
  type PullOptions,
  type PullSettings,
  pullModel,
} from "../../src/store/pull/model-pull.js";
import { verifyModel } from "../../src/store/verify-model.js";
import { temporaryFolder } from "../helpers/folder.js";
import { makeGguf } from "../helpers/gguf.js";
import { Random } from "../helpers/random.js";
import { type Handler, type SourceServer, sendFile, serveRepository, startSource } from "../helpers/source-server.js";

const engine = loadEngineModule();
const refused = (code: string) => (error: unknown) => error instanceof HearthError && error.code === code;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const content = makeGguf({ bytes: 1_000_000 });
const hash = sha256(content);
/** A repository with the file `m-Q4_0.gguf`. */
const file = (handler?: Handler) => ({ "m-Q4_0.gguf": { content, sha256: hash, ...(handler && { handler }) } });

interface Puller {
  readonly store: ModelStore;
  readonly settings: PullSettings;
  pull(text: string, options?: Partial<PullOptions>, settings?: Partial<PullSettings>): ReturnType<typeof pullModel>;
  /** Files under names that a model could be loaded from. */
  named(): string[];
}

function makePuller(t: TestContext, source: SourceServer): Puller {
  const store = new ModelStore(path.join(temporaryFolder(t), "models"), engine);
  const settings: PullSettings = {
    ...defaultPullSettings,
    huggingFace: new URL(source.url),
    ollama: new URL(source.url),
    budgetBytes: 1e9,
    segmentBytes: 100_000,
    retry: { attempts: 6, firstMs: 1, longestMs: 5, unresolvedMs: 300 },
    journalMs: 5,
    idleMs: 3000,
  };
  const signal = new AbortController().signal;
  return {
    store,
    settings,
    pull: (text, options = {}, more = {}) =>
      pullModel(store, text, { ...settings, ...more }, { signal, trustAddress: true, ...options }),
    named: () =>
      readdirSync(store.folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".gguf")),
  };
}

async function setUp(t: TestContext) {
  const source = await startSource(t);
  return { source, ...makePuller(t, source) };
}

test("a file of Hugging Face is verified and gets a name, and the next pull does nothing", async (t) => {
  const { source, store, pull } = await setUp(t);
  serveRepository(source, "me/m-GGUF", file());
  const phases: string[] = [];
  const { model, upToDate } = await pull("hf:me/m-GGUF", { onProgress: ({ phase }) => phases.push(phase) });
  assert.equal(model.name, "me/m-GGUF:Q4_0");
  assert.equal(model.source, "hf:me/m-GGUF:Q4_0");
  assert.equal(upToDate, false);
  assert.ok(readFileSync(model.path).equals(content));
  assert.deepEqual([...new Set(phases)], ["resolve", "download", "verify"]);
  await verifyModel(store.get("me/m-gguf:q4_0"));
  const sent = source.bytesSent;
  assert.equal((await pull("hf:me/m-GGUF:q4_0")).upToDate, true);
  assert.equal(source.bytesSent, sent);
});

test("a model of Ollama's library is the layer that its manifest names, behind a redirect", async (t) => {
  const { source, pull } = await setUp(t);
  const layer = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: `sha256:${sha256(bytes)}`,
    size: bytes.length,
  });
  source.routes.set("/v2/library/qwen3/manifests/0.6b", (request, response) => {
    assert.match(request.headers.accept ?? "", /docker\.distribution\.manifest\.v2/);
    const layers = [
      layer("application/vnd.ollama.image.template", Buffer.from("{{ .Prompt }}")),
      layer("application/vnd.ollama.image.model", content),
    ];
    response.end(JSON.stringify({ schemaVersion: 2, layers }));
  });
  source.routes.set(`/v2/library/qwen3/blobs/sha256:${hash}`, (_request, response) => {
    response.writeHead(307, { location: "/storage/blob?signature=x" }).end();
  });
  source.routes.set("/storage/blob", (request, response) => sendFile(request, response, content));
  const { model } = await pull("qwen3:0.6b");
  assert.equal(model.name, "qwen3:0.6b");
  assert.ok(readFileSync(model.path).equals(content));
});

test("an address is pulled with the hash that is given, or by its length and header", async (t) => {
  const { source, pull, named } = await setUp(t);
  source.routes.set("/files/Tiny-Q4_0.gguf", (request, response) =>
    sendFile(request, response, content, { etag: '"1"' }),
  );
  const { model } = await pull(`${source.url}/files/Tiny-Q4_0.gguf?token=secret#sha256=${hash}`);
  assert.equal(model.name, "Tiny:Q4_0");
  assert.equal(model.source, `${source.url}/files/Tiny-Q4_0.gguf`);
  const other = await pull(`${source.url}/files/Tiny-Q4_0.gguf`, { name: "other" });
  assert.equal(other.model.files[0]?.sha256, hash);
  const before = named();
  await assert.rejects(
    pull(`${source.url}/files/Tiny-Q4_0.gguf#sha256=${"0".repeat(64)}`, { name: "third" }),
    refused("PULL_BAD_HASH"),
  );
  source.routes.set("/page.gguf", (_request, response) => response.end("<html>Please log in</html>"));
  await assert.rejects(pull(`${source.url}/page.gguf`), refused("GGUF_BAD_MAGIC"));
  assert.deepEqual(named(), before);
});

test("the parts of a split model are pulled together", async (t) => {
  const { source, pull } = await setUp(t);
  const parts = [1, 2, 3].map((seed) => makeGguf({ bytes: 100_000 * seed, seed, keys: { "split.count": 3 } }));
  const files = parts.map((bytes, i) => [
    `Q8_0/m-Q8_0-0000${i + 1}-of-00003.gguf`,
    { content: bytes, sha256: sha256(bytes) },
  ]);
  serveRepository(source, "me/m", Object.fromEntries(files));
  const { model } = await pull("hf:me/m");
  assert.equal(model.files.length, 3);
  assert.equal(model.description.parameters, 150_000);
  await verifyModel(model);
});

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

test("a repository that changes in the middle is asked again, and one that always does is given up", async (t) => {
  const { source, pull, named } = await setUp(t);
  const linked =
    (etag: string): Handler =>
    (request, response) =>
      sendFile(request, response, content, { headers: { "x-linked-etag": `"${etag}"` } });
  serveRepository(source, "me/m", file(linked(sha256(Buffer.from("other")))));
  await assert.rejects(pull("hf:me/m"), refused("PULL_SOURCE_CHANGED"));
  assert.deepEqual(named(), []);
  serveRepository(source, "me/m", file(linked(hash)));
  await pull("hf:me/m");
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

test("redirects to addresses that are not public are refused before anything is asked there", async (t) => {
  const { source, pull, named } = await setUp(t);
  const inside = await startSource(t);
  inside.routes.set("/m.gguf", (request, response) => sendFile(request, response, content));
  const port = new URL(inside.url).port;
  for (const location of [
    `${inside.url}/m.gguf`,
    `http://localhost:${port}/m.gguf`,
    `https://localhost:${port}/m.gguf`,
    `https://127.0.0.1:${port}/m.gguf`,
    `https://[::1]:${port}/m.gguf`,
    `https://[::ffff:127.0.0.1]:${port}/m.gguf`,
    "http://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/m.gguf",
    "https://192.168.1.1/m.gguf",
    "https://0.0.0.0/m.gguf",
    "https://2130706433/m.gguf",
    "https://user:password@huggingface.co/m.gguf",
    "file:///etc/passwd",
    "ftp://huggingface.co/m.gguf",
  ]) {
    serveRepository(
      source,
      "me/m",
      file((_request, response) => response.writeHead(302, { location }).end()),
    );
    await assert.rejects(pull("hf:me/m"), refused("PULL_REFUSED"), location);
  }
  assert.equal(inside.requests.length, 0);
  assert.deepEqual(named(), []);
});

test("an address that a client gives may not be of the own network", async (t) => {
  const { source, pull } = await setUp(t);
  const inside = await startSource(t);
  const asClient = { trustAddress: false };
  for (const url of [
    `${inside.url}/m.gguf`,
    `${inside.url.replace("http", "https")}/m.gguf`,
    "http://example.com/m.gguf",
  ]) {
    await assert.rejects(pull(url, asClient), refused("PULL_REFUSED"), url);
  }
  await assert.rejects(pull("http://example.com/m.gguf"), refused("PULL_REFUSED"), "plain http is for the own network");
  assert.equal(inside.requests.length + source.requests.length, 0);
});

test("redirects without end or aim are refused", async (t) => {
  const { source, pull } = await setUp(t);
  serveRepository(
    source,
    "me/m",
    file((_request, response) => response.writeHead(302, { location: "?" }).end()),
  );
  await assert.rejects(pull("hf:me/m"), refused("PULL_REFUSED"));
  serveRepository(
    source,
    "me/m",
    file((_request, response) => response.writeHead(302).end()),
  );
  await assert.rejects(pull("hf:me/m"), refused("PULL_BAD_RESPONSE"));
});

test("the token goes to Hugging Face and to no other origin", async (t) => {
  const { source, pull } = await setUp(t);
  const storage = await startSource(t);
  storage.routes.set("/blob", (request, response) => sendFile(request, response, content));
  const elsewhere: Handler = (_request, response) => {
    response.writeHead(302, { location: `${storage.url}/blob` }).end();
  };
  serveRepository(source, "me/m", file(elsewhere));
  // The registry's origin is one that a redirect may lead to.
  await pull("hf:me/m", {}, { ollama: new URL(storage.url), huggingFaceToken: "hf_secret" });
  assert.ok(source.requests.every(({ headers }) => headers.authorization === "Bearer hf_secret"));
  assert.ok(storage.requests.length > 0);
  assert.ok(storage.requests.every(({ headers }) => headers.authorization === undefined));
});

test("refusals of the source tell what to do", async (t) => {
  const { source, pull } = await setUp(t);
  await assert.rejects(pull("hf:me/none"), refused("PULL_NOT_FOUND"));
  await assert.rejects(pull("none:1b"), refused("PULL_NOT_FOUND"));
  const answer = (status: number, body: string) => {
    source.routes.set("/api/models/me/m/tree/main", (_request, response) => response.writeHead(status).end(body));
    return pull("hf:me/m");
  };
  await assert.rejects(answer(401, ""), refused("PULL_DENIED"));
  await assert.rejects(answer(403, ""), refused("PULL_DENIED"));
  await assert.rejects(answer(500, ""), refused("PULL_FAILED"));
  await assert.rejects(answer(418, ""), refused("PULL_BAD_RESPONSE"));
  await assert.rejects(answer(200, "<html>"), refused("PULL_BAD_RESPONSE"));
  await assert.rejects(answer(200, '{"error": 1}'), refused("PULL_BAD_RESPONSE"));
  await assert.rejects(answer(200, "[]"), refused("PULL_NOT_FOUND"));
});

test("lists and manifests with hostile names, lengths and hashes are refused", async (t) => {
  const { source, pull, store } = await setUp(t);
  const entry = { type: "file", path: "m-Q4_0.gguf", size: 1000, lfs: { oid: hash, size: 1000 } };
  const hostile = [
    [{ ...entry, path: "../../m.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: "/etc/m.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: "a\\..\\m.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: "a\u0000.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: `${"x".repeat(5000)}.gguf` }, "MODEL_NAME_INVALID"],
    [{ ...entry, lfs: { oid: "../../etc/passwd", size: 1000 } }, "PULL_BAD_RESPONSE"],
    [{ ...entry, lfs: { oid: hash, size: -1 } }, "PULL_BAD_RESPONSE"],
    [{ ...entry, lfs: { oid: hash, size: 1e300 } }, "PULL_BAD_RESPONSE"],
    [{ ...entry, lfs: { oid: hash, size: 9e15 } }, "MODEL_DOES_NOT_FIT"],
  ] as const;
  for (const [file, code] of hostile) {
    source.routes.set("/api/models/me/m/tree/main", (_request, response) => response.end(JSON.stringify([file])));
    await assert.rejects(pull("hf:me/m"), refused(code), JSON.stringify(file).slice(0, 200));
  }
  await assert.rejects(pull("hf:me/m:Q4_0"), refused("DISK_FULL"), "what no disk holds is not begun");
  const layer = { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${hash}`, size: 1000 };
  for (const layers of [
    [],
    [layer, layer],
    [{ ...layer, digest: "sha256:../../../etc/passwd" }],
    [{ ...layer, digest: `md5:${hash}` }],
    [{ ...layer, size: "many" }],
  ]) {
    source.routes.set("/v2/library/m/manifests/latest", (_request, response) =>
      response.end(JSON.stringify({ layers })),
    );
    await assert.rejects(pull("m"), refused("PULL_BAD_RESPONSE"), JSON.stringify(layers));
  }
  assert.deepEqual(store.scan().models, []);
});

test("a list of several pages is read to its end, of its own origin only", async (t) => {
  const { source, pull } = await setUp(t);
  const entry = (path: string) => ({ type: "file", path, lfs: { oid: hash, size: content.length } });
  const tree = "/api/models/me/m/tree/main";
  source.routes.set(tree, (request, response) => {
    const isSecond = request.url?.includes("cursor=2");
    const link = isSecond ? "<https://evil.example/list>" : `<${source.url}${tree}?cursor=2>`;
    response.setHeader("link", `${link}; rel="next"`);
    response.end(JSON.stringify([entry(isSecond ? "m-Q4_K_M.gguf" : "m-Q8_0.gguf")]));
  });
  source.routes.set("/me/m/resolve/main/m-Q4_K_M.gguf", (request, response) => sendFile(request, response, content));
  assert.equal((await pull("hf:me/m")).model.name, "me/m:Q4_K_M");
});

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

test("of two pulls of one model at the same time one does the work, and the other says so", async (t) => {
  const { source, store, pull, settings } = await setUp(t);
  serveRepository(
    source,
    "me/m",
    file((request, response) => sendFile(request, response, content, { pauseMs: 1 })),
  );
  const other = new ModelStore(store.folder, engine);
  const signal = new AbortController().signal;
  const results = await Promise.allSettled([
    pull("hf:me/m"),
    pullModel(other, "hf:me/m", settings, { signal, trustAddress: true }),
  ]);
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason.code] : []));
  assert.deepEqual(failures, ["STORE_BUSY"]);
  await verifyModel(store.get("me/m:Q4_0"));
});

test("a name that another model has is not overwritten", async (t) => {
  const { source, store, pull } = await setUp(t);
  serveRepository(source, "me/m", file());
  const other = makeGguf({ bytes: 5000, seed: 2 });
  serveRepository(source, "me/other", { "m.gguf": { content: other, sha256: sha256(other) } });
  await pull("hf:me/m", { name: "mine" });
  await assert.rejects(pull("hf:me/other", { name: "mine" }), refused("MODEL_EXISTS"));
  assert.equal(store.get("mine").source, "hf:me/m:Q4_0");
  await verifyModel(store.get("mine"));
});

test("an aborted pull ends at once with the signal's reason, and can be gone on with", async (t) => {
  const { source, store, pull, named } = await setUp(t);
  let slow = true;
  const handler: Handler = (request, response) => sendFile(request, response, content, { pauseMs: slow ? 20 : 0 });
  serveRepository(source, "me/m", file(handler));
  const controller = new AbortController();
  const reason = new HearthError("STOPPED", "Stopped.");
  const pulling = pull("hf:me/m", {
    signal: controller.signal,
    onProgress: ({ completed }) => completed > 200_000 && controller.abort(reason),
  });
  await assert.rejects(pulling, refused("STOPPED"));
  assert.deepEqual(named(), []);
  slow = false;
  const before = source.bytesSent;
  await pull("hf:me/m");
  assert.ok(source.bytesSent - before < 850_000);
  await verifyModel(store.get("me/m:Q4_0"));
});
