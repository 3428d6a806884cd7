import assert from "node:assert/strict";
import test from "node:test";
import { version } from "../../src/base/version.js";
import { driftAt, isNight, promptFor, settingsOf } from "../../src/web/kiosk/settings.js";
import { lineOf, readMetrics, total, withPoint } from "../../src/web/status/metrics.js";
import { type Event, startServer } from "../helpers/server.js";

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

test("figures of the server are read, and an hour of them is kept", () => {
  const metrics = readMetrics('# HELP a b\na{kind="x\\"y",b="2"} 3\na{kind="z"} 4.5\nplain 1e3\n');
  assert.equal(total(metrics, "a"), 7.5);
  assert.equal(total(metrics, "plain"), 1000);
  assert.equal(total(metrics, "none"), 0);
  let points: readonly { at: number; value: number }[] = [];
  for (let i = 0; i < 2000; i++) points = withPoint(points, { at: i * 5000, value: i });
  assert.ok(points.length <= 721);
  assert.match(lineOf(points, { width: 100, height: 10, top: 2000 }), /100\.0,[\d.]+$/);
});

test("what the home wants shown reaches a kiosk that waits, at once", async (t) => {
  const server = await startServer(t, { config: { "kiosk.prompts": ["Say hello"], "kiosk.every_ms": 60_000 } });
  const get = async (query = "") => (await (await fetch(`${server.url}/hearth/v1/kiosk${query}`)).json()) as Event;
  const first = await get();
  assert.deepEqual([first.version, first.prompts, first.every_ms], [version, ["Say hello"], 60_000]);
  const waiting = get(`?after=${first.number}`);
  const early = await Promise.race([waiting, new Promise((resolve) => setTimeout(() => resolve("waits"), 200))]);
  assert.equal(early, "waits");
  const posted = await server.post("/hearth/v1/kiosk", { text: "The washing is done" });
  assert.equal(((await posted.json()) as Event).kiosks, 1);
  const news = await waiting;
  assert.equal(news.text, "The washing is done");
  assert.ok(news.number > first.number);
  for (const bad of [{}, { text: "a", prompt: "b" }, { text: "" }, { text: "x".repeat(5000) }]) {
    assert.equal((await server.post("/hearth/v1/kiosk", bad)).status, 400, JSON.stringify(bad).slice(0, 40));
  }
});
