import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../helpers/command.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing, shared } from "../helpers/shared.js";

test("the commands import, list, show, verify and remove, and run serves by name", {
  skip: missing("models/stories260K.gguf"),
}, async (t) => {
  const state = temporaryFolder(t);
  const command = (...args: string[]) => hearth(t, args, { env: { HEARTH_STATE: state } });
  const source = path.join(state, "Stories.gguf");
  copyFileSync(shared("models/stories260K.gguf"), source);

  const imported = await command("models", "import", source, "--name", "stories:260k", "--alias", "tiny");
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(imported.stdout, /^stories:260k: 1\.2 MB in the store\n$/);

  const listed = await command("models", "list");
  assert.match(listed.stdout, /^NAME +SIZE +TYPE +ARCHITECTURE +ADDED \(UTC\)\n/);
  assert.match(listed.stdout, /^stories:260k, tiny +1\.2 MB +F32 +llama +20\d\d-/m);
  assert.match(listed.stdout, /^spark +/m);
  const [first] = JSON.parse((await command("models", "list", "--json")).stdout);
  assert.equal(first.name, "stories:260k");
  assert.equal(first.architecture, "llama");

  const shown = await command("models", "show", "tiny");
  assert.match(shown.stdout, /^parameters +293 k$/m);
  assert.match(shown.stdout, /^memory +2\.1 MB with a context of 128$/m);

  const answer = await command(
    "run",
    "stories:260k",
    "--prompt",
    "Once upon a time",
    "--max-tokens",
    "3",
    "--seed",
    "1",
  );
  assert.equal(answer.status, 0, answer.stderr);
  const unknown = await command("run", "stories:1m", "--prompt", "x");
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /MODEL_NOT_FOUND/);

  const verified = await command("models", "verify");
  assert.equal(verified.stdout, "stories:260k: sound\n");
  const removed = await command("models", "rm", "stories:260k");
  assert.equal(removed.status, 0, removed.stderr);
  assert.doesNotMatch((await command("models", "list")).stdout, /stories/);
});
