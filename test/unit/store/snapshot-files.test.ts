import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { FakeClock } from "../../../src/base/clock.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { folderOf, type RunOptions, run, system } from "../../helpers/prefixes.js";

const dayMs = 86_400_000;

test("another model's and another build's prefixes are not used; those of the build before are removed", async (t) => {
  const folder = folderOf(t);
  const begin = system("the mill");
  const first = await run(folder);
  for (const question of ["Lights?", "Heating?"]) await first.ask(begin + question);
  await first.rest();
  writeFileSync(path.join(folder, "x.kv.1-1.tmp"), "half");
  const other = await run(folder, { model: "other.gguf" });
  assert.equal((await other.ask(`${begin}Doors?`)).cached, 0);
  assert.equal(other.stored().length, 1);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".tmp")),
    [],
  );
  const upgraded = await run(folder, { build: "another" });
  assert.deepEqual(upgraded.stored(), []);
  assert.equal((await upgraded.ask(`${begin}Doors?`)).cached, 0);
});

test("the day's limit holds over restarts and when the clock is set back", async (t) => {
  const folder = folderOf(t);
  const clock = new FakeClock();
  await clock.advance(20 * dayMs);
  const limits = { bytesADay: 100_000 };
  const write = async (house: string, options: RunOptions = {}) => {
    const process = await run(folder, { clock, limits, ...options });
    for (const question of ["Lights?", "Heating?"]) await process.ask(system(house) + question);
    const before = process.stored().length;
    await process.rest();
    return process.stored().length - before;
  };
  // Some 450 tokens of 128 bytes are expected; the fake's files are smaller, and it is those that count in the end.
  let written = 0;
  while (written < 100 && (await write(`house ${written}`)) > 0) written++;
  assert.ok(written > 1 && written < 100, `${written} files`);
  assert.equal(await write("one more"), 0);
  assert.equal(await write("one more", { clock: new FakeClock() }), 0, "a board without a clock starts in 1970");
  await clock.advance(dayMs);
  assert.equal(await write("one more"), 1);
});

test("the files used longest ago make room for new ones", async (t) => {
  const folder = folderOf(t);
  const limits = { bytes: 80_000 };
  const first = await run(folder, { limits, engine: { prefixBytes: 1e6 } });
  const houses = Array.from({ length: 40 }, (_, i) => `house ${i}`);
  for (const house of houses) {
    for (const question of ["Lights?", "Heating?"]) await first.ask(system(house) + question);
    await first.rest();
    assert.ok(first.files.bytes <= limits.bytes);
  }
  assert.ok(first.stored().length > 1 && first.stored().length < 40, `${first.stored().length} files`);
  const second = await run(folder, { limits });
  assert.equal((await second.ask(`${system("house 39")}Doors?`)).cached, system("house 39").length + 1);
  assert.equal((await second.ask(`${system("house 0")}Doors?`)).cached < 40, true);
});

test("a longer prefix takes the place of the shorter one", async (t) => {
  const folder = folderOf(t);
  const { ask, rest, stored } = await run(folder);
  const begin = system("the mill");
  const longer = `${begin}${"Its rooms have many lamps. ".repeat(30)}`;
  for (const prompt of [begin, longer]) {
    for (const question of ["Lights?", "Heating?"]) await ask(prompt + question);
    await rest();
    assert.equal(stored().length, 1);
  }
  assert.equal((await (await run(folder)).ask(`${longer}Doors?`)).cached, longer.length + 1);
  assert.equal((await (await run(folder)).ask(`${begin}Doors?`)).cached, begin.length + 1);
});

test("a folder that cannot be used turns it off, with one log line", async (t) => {
  const file = path.join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  const { ask, rest, log } = await run(path.join(file, "prefixes"));
  for (const question of ["Lights?", "Heating?"]) await ask(system("the mill") + question);
  await rest().catch(() => {});
  assert.deepEqual(
    log.map(({ msg }) => msg),
    ["prefixes cannot be stored"],
  );
});
