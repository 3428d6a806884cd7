import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HearthError } from "../../../src/base/errors.js";
import { ModelStore } from "../../../src/store/model-store.js";
import { pullModel } from "../../../src/store/pull/model-pull.js";
import { verifyModel } from "../../../src/store/verify-model.js";
import { makeGguf } from "../../helpers/gguf.js";
import { type Handler, sendFile, serveRepository } from "../../helpers/source-server.js";
import { content, engine, file, hash, refused, setUp, sha256 } from "./pulls.js";

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
