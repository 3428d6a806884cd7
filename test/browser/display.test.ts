/** The unit of deploy/kiosk under a systemd, with cage and Chromium on a screen that nobody sees. */
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { root } from "../helpers/shared.js";
import { startDisplayBox, unitName, withoutDisplayBox } from "./display-box.js";

/** The background of the kiosk by day and by night. */
const backgrounds = ["#fcfaf7", "#171310"];

test("the page fills the screen, comes back when its browser or its own process is killed, and stays below its memory", {
  skip: withoutDisplayBox,
}, async (t) => {
  const box = await startDisplayBox(t);
  const file = path.join(root, "build/pages/display.png");
  assert.match(box.property("After"), /hearthd\.service/);
  const shown = (text: string) => box.until("The page", () => box.show(text) === 1);
  box.run("systemctl", "start", unitName);
  await shown("The washing is done.");
  const picture = await box.until("The text", () => {
    const now = box.picture(file);
    const [[background = "", pixels = 0] = []] = [...now.colours].sort(([, a], [, b]) => b - a);
    const isPage = backgrounds.includes(background) && pixels < 0.995 * now.width * now.height;
    return isPage ? now : null;
  });
  const edges = [0, picture.width - 1].flatMap((x) => [0, picture.height - 1].map((y) => picture.at(x, y)));
  assert.ok(
    edges.every((colour) => backgrounds.includes(colour)),
    `full screen: the corners are ${edges}`,
  );

  const isBrowser = (command: string) => /chromium/.test(command) && !/--type=|kiosk\/browser|^cage/.test(command);
  const cap = Number(box.property("MemoryMax"));
  assert.ok(cap > 0 && cap <= 1e9, `MemoryMax is ${cap}`);
  const memory = box.memory();
  t.diagnostic(
    `${box.processes().length} processes take ${Math.round(memory / 1e6)} MB (PSS) of ${Math.round(cap / 1e6)} MB`,
  );
  assert.ok(memory < cap, `${memory} bytes of ${cap}`);
  const current = Number(box.property("MemoryCurrent"));
  assert.ok(current > 0 && current <= cap, `the control group has ${current} bytes`);

  const kill = (what: (command: string) => boolean) => {
    const killed = box.processes().filter(({ command }) => what(command));
    assert.ok(killed.length > 0, JSON.stringify(box.processes(), null, 1));
    box.run("kill", "-KILL", ...killed.map(({ pid }) => String(pid)));
  };
  kill(isBrowser);
  await box.until("A restart", () => box.property("NRestarts") === "1");
  await shown("The browser is back.");
  await delay(5000); // the page has been seen
  kill((command) => command.includes("--type=renderer"));
  await box.until("Another restart", () => box.property("NRestarts") === "2");
  await shown("The page is back.");
});
