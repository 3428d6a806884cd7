import assert from "node:assert/strict";
import test from "node:test";
import { driftAt, isNight, promptFor, settingsOf } from "../../../src/kiosk/settings.js";

test("a kiosk's address says what it shows, and nonsense in it changes nothing", () => {
  const settings = settingsOf("?template=story&prompt=A&prompt=B&every=60&theme=night&max_tokens=50");
  assert.deepEqual([settings.template, settings.prompts, settings.everyMs], ["story", ["A", "B"], 60_000]);
  assert.deepEqual([settings.theme, settings.maxTokens], ["night", 50]);
  const plain = settingsOf("?template=x&every=-3&theme=pink&max_tokens=1e9&prompt=%20");
  assert.deepEqual([plain.template, plain.prompts, plain.everyMs, plain.theme], ["mixed", [], null, "auto"]);
  assert.ok(plain.maxTokens <= 600);
});

test("prompts take turns: those of the address, of the server, of the template; a clock asks for none", () => {
  const at = (turn: number) => ({ turn, now: new Date(2026, 11, 1, 8, 5), language: "en" as const });
  const prompts = (template: "mixed" | "clock" | "story", own: string[], server: string[]) =>
    [0, 1, 2].map((turn) => promptFor({ template, prompts: own }, server, at(turn)));
  assert.deepEqual(prompts("mixed", ["a", "b"], ["c"]), ["a", "b", "a"]);
  assert.deepEqual(prompts("mixed", [], ["c", "d {day}"]), ["c", "d Tuesday", "c"]);
  assert.deepEqual(prompts("clock", [], ["c"]), [null, null, null]);
  assert.equal(new Set(prompts("mixed", [], [])).size, 3);
  assert.match(prompts("mixed", [], [])[0] ?? "", /8:05/);
});

test("the picture moves within a hundred and forty minutes over the whole of its field, and never far", () => {
  const places = Array.from({ length: 144 }, (_, minute) => driftAt(minute));
  assert.ok(new Set(places.map(({ x, y }) => `${x} ${y}`)).size > 40);
  assert.ok(places.every(({ x, y }) => Math.abs(x) <= 9 && Math.abs(y) <= 9));
  assert.deepEqual(
    [6, 12, 22].map((hour) => isNight(new Date(2026, 0, 1, hour))),
    [true, false, true],
  );
});
