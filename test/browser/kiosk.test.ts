/** The kiosk, looked at as people do. */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
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
  "a day of the kiosk, with a fast clock, leaves as many nodes as there were, and moves the picture",
  options,
  async (t) => {
    const server = await startServer(t, { pages: pageFiles(), fake: { next: scripted(words) } });
    const { page } = await openPage(t, `${server.url}/kiosk?template=clock`);
    await page.clock.install({ time: new Date("2026-12-01T06:30:00") });
    await page.goto(`${server.url}/kiosk?every=900&prompt=Hello`);
    await page.getByText(words).waitFor();
    const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
    const before = await nodes();
    const places = new Set<string>();
    const faces = new Set<string>();
    for (let hour = 0; hour < 23; hour++) {
      await page.clock.fastForward("01:00:07");
      await page.clock.runFor(2000);
      places.add(await page.evaluate(() => document.getElementById("stage")?.style.translate ?? ""));
      faces.add(await page.evaluate(() => document.documentElement.dataset.theme ?? ""));
    }
    assert.equal(await nodes(), before);
    assert.ok(places.size > 5, [...places].join(" "));
    assert.deepEqual([...faces].sort(), ["day", "night"]);
  },
);
