import assert from "node:assert/strict";
import test from "node:test";
import { version } from "../../../../src/base/version.js";
import { type Event, startServer } from "../../../helpers/server.js";

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
