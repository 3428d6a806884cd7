/** Models of files that a client sent. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import path from "node:path";
import { Readable } from "node:stream";
import test from "node:test";
import { loadEngineModule } from "../../src/engine/binding.js";
import { Blobs } from "../../src/store/blobs.js";
import { createFromBlobs } from "../../src/store/create-model.js";
import { ModelStore } from "../../src/store/model-store.js";
import { temporaryFolder } from "../helpers/folder.js";

for (const [name, content] of Object.entries({
  "no GGUF": "x",
  "a damaged header": "GGUF\x03\0\0\0\x7f\x7f\x7f\x7f",
})) {
  test(`a sent file that is no model is the fault of the request, not of the device: ${name}`, async (t) => {
    const store = new ModelStore(path.join(temporaryFolder(t), "models"), loadEngineModule());
    const blobs = new Blobs(store, 1e6);
    const bytes = Buffer.from(content, "latin1");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await blobs.receive(sha256, Readable.from([bytes]), bytes.length);
    await assert.rejects(createFromBlobs(store, blobs, "bad", [`sha256:${sha256}`], {}), { code: "REQUEST_INVALID" });
    assert.deepEqual(store.scan().models, []);
  });
}
