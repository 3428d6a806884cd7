/** The kiosk, looked at as people do. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { until } from "../helpers/scheduler.js";
import { startServer } from "../helpers/server.js";
import { findings } from "./axe.js";
import { closeBrowser, openPage, withoutBrowser } from "./browser.js";

after(closeBrowser);

const options = { skip: withoutBrowser };
const words = "The fire is warm tonight, and the fox is back.";

test("a kiosk types an answer out, shows what the home posts, and goes on at a touch", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles(), fake: { next: scripted(words) } });
  const { page } = await openPage(t, `${server.url}/kiosk?prompt=Hello`);
  await page.getByText(words).waitFor();
  await server.post("/hearth/v1/kiosk", { text: "<b>The washing</b> is done" });
  await page.getByText("<b>The washing</b> is done").waitFor();
  await page.mouse.click(200, 200);
  await page.getByText(words).waitFor();
  const style = await page.evaluate(() => {
    const { scrollHeight, clientHeight } = document.documentElement;
    return { cursor: getComputedStyle(document.body).cursor, overflow: scrollHeight - clientHeight };
  });
  assert.deepEqual(style, { cursor: "none", overflow: 0 });
  assert.deepEqual(await findings(page), []);
});

test(
  "a day of the kiosk, with a fast clock: an answer each hour, no node more, then it loads itself anew",
  options,
  async (t) => {
    const server = await startServer(t, { pages: pageFiles(), fake: { next: scripted(words) } });
    const { page } = await openPage(t, `${server.url}/kiosk?template=clock`);
    let asked = 0;
    page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        if (String(payload).includes('"response.create"')) asked++;
      }),
    );
    const start = new Date("2026-12-01T06:30:00");
    await page.clock.install({ time: start });
    await page.goto(`${server.url}/kiosk?every=900&prompt=Hello`);
    await page.getByText(words).waitFor();
    const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
    const textOf = (id: string) => page.locator(`#${id}`).evaluate((element) => (element.textContent ?? "").trim());
    const before = await nodes();
    const places = new Set<string>();
    const faces = new Map<number, string>();
    for (let hour = 1; hour <= 24; hour++) {
      const askedBefore = asked;
      await page.clock.fastForward("01:00:00");
      await page.clock.runFor(2000);
      await until(() => asked > askedBefore);
      // The page types by its own clock, which goes as the test has it go.
      for (let i = 0; i < 120 && (await textOf("text")) !== words; i++) await page.clock.runFor(500);
      const shown = await page.evaluate(() => Date.now());
      const now = new Date(shown);
      const time = now.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit" });
      assert.deepEqual([await textOf("text"), await textOf("time"), await textOf("notice")], [words, time, ""]);
      const box = await page.locator("#text").boundingBox();
      assert.ok(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= 1440 && box.y + box.height <= 900, "in sight");
      places.add(await page.evaluate(() => document.getElementById("stage")?.style.translate ?? ""));
      faces.set(now.getHours(), await page.evaluate(() => document.documentElement.dataset.theme ?? ""));
    }
    assert.equal(await nodes(), before);
    assert.ok(places.size > 5, [...places].join(" "));
    for (const [hour, face] of faces)
      assert.equal(face, hour >= 21 || hour < 7 ? "night" : "day", `at ${hour} o'clock`);
    assert.equal(faces.size, 24);
    await page.clock.fastForward("00:10:00");
    const loaded = page.waitForEvent("load");
    await server.post("/hearth/v1/kiosk", { text: "This wakes the page up" });
    await loaded;
    await page.getByText(words).waitFor();
  },
);
