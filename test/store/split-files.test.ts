/** A model in several files, from its first one: on the command line, in a daemon, in the store. */
import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, type TestContext, test } from "node:test";
import { embeddedModel } from "../../src/daemon/model-file.js";
import { hearth } from "../helpers/command.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { splitGguf } from "../helpers/gguf-split.js";

let parts: Buffer[] = [];
before(() => {
  parts = splitGguf(embeddedModel.path, 3);
});

/** Spark in three files; the first one's path comes back. */
function splitModel(t: TestContext): string {
  const folder = temporaryFolder(t);
  for (const [i, bytes] of parts.entries()) writeFileSync(path.join(folder, `s-0000${i + 1}-of-00003.gguf`), bytes);
  return path.join(folder, "s-00001-of-00003.gguf");
}

const question = ["--prompt", "Hello! Who are you?", "--temperature", "0"];
const answer = "I am Spark, the small model built into hearthd.\n";

test("run answers from a model in parts as from the whole one", async (t) => {
  const { status, stdout, stderr } = await hearth(t, ["run", splitModel(t), ...question]);
  assert.equal(stderr, "");
  assert.deepEqual([status, stdout], [0, answer]);
});

test("serve answers from a model in parts", async (t) => {
  const daemon = await startDaemon(t, { model: splitModel(t) });
  const response = await fetch(`${daemon.url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", input: "Hello! Who are you?", temperature: 0 }),
  });
  const body = (await response.json()) as { output: { content: { text: string }[] }[] };
  assert.equal(`${body.output[0]?.content[0]?.text}\n`, answer);
});

test("bench measures a model in parts", async (t) => {
  const { status, stdout } = await hearth(t, ["bench", splitModel(t), "-p", "8", "-n", "4", "-r", "1", "--json"]);
  assert.equal(status, 0, stdout);
});

test("an imported model in parts answers by its name", async (t) => {
  const env = { HEARTH_STATE: temporaryFolder(t) };
  const imported = await hearth(t, ["models", "import", splitModel(t), "--name", "three"], { env });
  assert.equal(imported.status, 0, imported.stderr);
  assert.equal((await hearth(t, ["run", "three", ...question], { env })).stdout, answer);
});

test("a first part under another name is refused with what it is, by run and by import", async (t) => {
  const first = splitModel(t);
  const renamed = path.join(path.dirname(first), "model.gguf");
  renameSync(first, renamed);
  for (const args of [
    ["run", renamed, ...question],
    ["models", "import", renamed],
  ]) {
    const { status, stderr } = await hearth(t, args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /MODEL_PART_INVALID: .* is (part 1 of 3 of a model|a part of a model of 3 files)/);
  }
});

test("a part that is missing is named", async (t) => {
  const first = splitModel(t);
  rmSync(first.replace("00001", "00002"));
  const { status, stderr } = await hearth(t, ["run", first, ...question]);
  assert.equal(status, 2);
  assert.match(stderr, /FILE_OPEN_FAILED: .*s-00002-of-00003\.gguf/);
});
