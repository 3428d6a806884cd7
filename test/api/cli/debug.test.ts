import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { firstStory, model, skip } from "./commands.js";

test("debug logits writes float32 of [tokens, vocabulary], whose last row says the greedy token", {
  skip,
}, async (t) => {
  const out = path.join(temporaryFolder(t), "logits");
  const { tokens, greedy } = firstStory();
  const result = await hearth(t, ["debug", "logits", model, "--tokens", tokens.join(" "), "--out", out]);
  assert.equal(result.status, 0, result.stderr);
  const bytes = readFileSync(out);
  const vocabulary = 512;
  assert.equal(bytes.length, 4 * vocabulary * tokens.length);
  const row = Array.from({ length: vocabulary }, (_, i) =>
    bytes.readFloatLE(4 * ((tokens.length - 1) * vocabulary + i)),
  );
  assert.equal(row.indexOf(Math.max(...row)), greedy[0]);
});

test("debug logits that fails leaves no file", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const result = await hearth(t, ["debug", "logits", model, "--tokens", "1 512", "--out", path.join(folder, "x")]);
  assert.equal(result.status, 2);
  assert.match(result.stderr, /^hearth: TOKEN_OUT_OF_RANGE: /);
  assert.deepEqual(readdirSync(folder), []);
  const unwritable = await hearth(t, [
    "debug",
    "logits",
    model,
    "--tokens",
    "1",
    "--out",
    path.join(folder, "no", "x"),
  ]);
  assert.match(unwritable.stderr, /^hearth: FILE_WRITE_FAILED: .*ENOENT/);
});

test("debug tokenize prints one array of ids a line, without BOS", { skip }, async (t) => {
  const { prompt, tokens } = firstStory();
  const result = await hearth(t, ["debug", "tokenize", model], { stdin: JSON.stringify([prompt, "", "<s>"]) });
  assert.equal(result.status, 0, result.stderr);
  const [first, second, third, ...rest] = result.stdout.trimEnd().split("\n");
  assert.deepEqual(JSON.parse(first ?? ""), tokens.slice(1));
  assert.equal(second, "[]");
  assert.ok(JSON.parse(third ?? "").length > 1, "text became a control token");
  assert.deepEqual(rest, []);
});

test("debug template renders each of an array at its time, and says what Jinja2 would refuse", { skip }, async (t) => {
  const file = path.join(temporaryFolder(t), "chat.jinja");
  writeFileSync(file, "{{ x }} {{ strftime_now('%H:%M') }}");
  const input = [
    '{"args": {"x": [1.0, 1, 12345678901234567890, {"2": true, "1": null}]}, "now": "2026-11-23T09:30:00+05:00"}',
    `{"source": "{{ raise_exception('no') }}"}`,
    '{"source": "{{ x", "args": {}}',
    '{"source": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"}',
    '{"source": "ok"}',
  ];
  const { status, stdout } = await hearth(t, ["debug", "template", file], { stdin: `[${input.join(",")}]` });
  assert.equal(status, 0);
  const [first, refused, broken, endless, last] = JSON.parse(stdout);
  assert.deepEqual(first, { text: "[1.0, 1, 12345678901234567890, {'2': True, '1': None}] 09:30" });
  assert.deepEqual(refused, { error: "no" });
  assert.match(broken.error, /cannot be parsed/);
  assert.match(endless.error, /took more than \d+ steps|did not end/);
  assert.deepEqual(last, { text: "ok" });
});

test("debug template wants an array of objects, and a source for each", { skip }, async (t) => {
  for (const stdin of ["{}", "[1]", '[{"args": {}}]', "[", '[{"source": "x", "now": "soon"}]']) {
    const { status, stderr } = await hearth(t, ["debug", "template"], { stdin });
    assert.equal(status, 2, stdin);
    assert.match(stderr, /COMMAND_INVALID/);
  }
});
