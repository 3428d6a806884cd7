import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { folderOf, run, system, value } from "../../helpers/prefixes.js";

test("a damaged file costs a cold start and a log line, nothing else", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  const file = path.join(folder, first.stored()[0] ?? "");
  const whole = readFileSync(file);
  for (const when of ["before the start", "after it"]) {
    const damage = () => writeFileSync(file, whole.subarray(0, whole.length / 2));
    writeFileSync(file, whole);
    if (when === "before the start") damage();
    const second = await run(folder);
    if (when === "after it") damage();
    const { cached, answer } = await second.ask(`${begin}Doors?`);
    assert.equal(cached, 0);
    assert.equal(answer, (await (await run(folderOf(t))).ask(`${begin}Doors?`)).answer);
    assert.deepEqual(
      second.log.map(({ msg }) => msg),
      ["a stored prefix cannot be used and was removed"],
    );
    assert.deepEqual(second.stored(), []);
    assert.equal(await value(second.registry, "hearth_prefix_damaged_total"), 1);
    await second.ask(`${begin}Windows?`);
    await second.rest();
    assert.equal(second.stored().length, 1, "it is written anew");
  }
});

test("whatever of it fails, requests are answered, and once it works again prefixes are kept again", async (t) => {
  const begin = system("the mill");
  const questions = ["Lights?", "Heating?"];
  for (const [method, code] of [
    ["saveSnapshot", "KV_FULL"],
    ["saveSnapshotResult", "FILE_WRITE_FAILED"],
    ["restoreSnapshot", "KV_FULL"],
    ["restoreSnapshot", "FILE_READ_FAILED"],
  ] as const) {
    const folder = folderOf(t);
    const first = await run(folder);
    if (method !== "restoreSnapshot") first.module.failCall(method, 1, code);
    for (const question of questions) await first.ask(begin + question);
    await first.rest();
    await first.ask(`${begin}Windows?`);
    await first.rest();
    assert.equal(first.stored().length, 1, method);
    const second = await run(folder);
    if (method === "restoreSnapshot") second.module.failCall(method, 1, code);
    const { cached } = await second.ask(`${begin}Doors?`);
    assert.equal(cached, method === "restoreSnapshot" ? 0 : begin.length + 1, method);
    assert.equal(second.stored().length, code === "FILE_READ_FAILED" ? 0 : 1, code);
  }
});
