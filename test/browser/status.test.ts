/** The status page, looked at as its owner does and as others do. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import test, { after } from "node:test";
import { HearthError } from "../../src/base/errors.js";
import { pageFiles } from "../../src/daemon/page-files.js";
import { startDaemon } from "../helpers/daemon.js";
import { startServer } from "../helpers/server.js";
import { root } from "../helpers/shared.js";
import { findings } from "./axe.js";
import { closeBrowser, openPage, themes, widths, withoutBrowser } from "./browser.js";

after(closeBrowser);

const options = { skip: withoutBrowser };

for (const width of widths) {
  for (const theme of themes) {
    test(`the status page shows model, memory and board at ${width} px, ${theme}`, options, async (t) => {
      const daemon = await startDaemon(t, { model: "" });
      await fetch(`${daemon.url}/v1/responses`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "default", input: "Hello! Who are you?" }),
      });
      const { page } = await openPage(t, `${daemon.url}/status`, { width, theme });
      await page.getByText("Ready to answer").waitFor();
      await page.locator(".models .name", { hasText: "spark" }).waitFor();
      const card = (title: string) =>
        page.locator(".card", { has: page.getByRole("heading", { name: title, exact: true }) });
      assert.match(
        (await card("Model").textContent()) ?? "",
        /^Modelspark.*Speed of an answer.*Weights and conversations\d+ MB.*tokens.*threads/,
      );
      const memory = (await card("Memory").textContent()) ?? "";
      assert.match(memory, /[\d.,]+ GB of [\d.,]+ GB free.*hearth and its models.*Free/);
      assert.match((await card("Board").textContent()) ?? "", /cores.*Linux.*Who asked lately.*1/);
      const bar = await card("Memory")
        .locator("rect")
        .evaluateAll((all) => all.map((each) => Number(each.getAttribute("width"))));
      assert.equal(bar.length, 2);
      assert.ok(bar.every((each) => each > 0) && bar.reduce((sum, each) => sum + each, 0) < 100, String(bar));
      assert.equal(await page.getByText("is shown on the device itself").count(), 0);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px too wide`);
      assert.deepEqual(await findings(page), []);
    });
  }
}

test("a browser whose key is not the owner's is told so in a line, once, and sees the rest", options, async (t) => {
  const daemon = await startDaemon(t, { model: "" });
  const { page, context } = await openPage(t, daemon.url, { allowErrors: /403/ });
  let asked = 0;
  // From the network the server answers so; from this machine a test cannot come from there.
  await context.route("**/hearth/v1/status", (route) => {
    asked++;
    const error = { code: "insufficient_permissions", message: "The key phone lacks the scope admin." };
    return route.fulfill({ status: 403, json: { error } });
  });
  await page.goto(`${daemon.url}/status`);
  await page.getByText("to a key of “hearth key create NAME --scope generate,admin”").waitFor();
  await page.locator(".models .name", { hasText: "spark" }).waitFor();
  await page.getByText("Answers being written").waitFor();
  await page.waitForTimeout(6000);
  assert.equal(asked, 1);
  assert.equal(await page.getByRole("heading", { name: "Board" }).count(), 0);
  assert.equal(await page.getByLabel("Get a model").count(), 0);
  assert.equal(await page.getByRole("button", { name: "See what is wrong" }).count(), 0);
});

test("an owner gets a model with its progress, and reads why one does not come", options, async (t) => {
  const board = { name: null, cores: 4, kernel: "6.12" };
  const memory = { residentBytes: 1e8, totalBytes: 4e9, availableBytes: 3e9 };
  const pace = { cores: 4, threads: 4, workShare: 1, restraints: [], heat: { celsius: null, throttle: null } };
  const warnings = [{ at: Date.now(), level: "warn", text: "unhealthy: the \u202ecard\u202c is full", times: 3 }];
  const status = async () => ({ uptimeSeconds: 60, models: [], board, memory, pace, clients: [] });
  let goOn = () => {};
  const halfway = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const server = await startServer(t, {
    pages: pageFiles(),
    status,
    warnings,
    pull: async (name, onProgress) => {
      if (name !== "qwen3:0.6b") throw new Error("the source has no such model");
      onProgress({ phase: "download", completed: 100e6, total: 400e6 });
      await halfway;
    },
  });
  const { page } = await openPage(t, `${server.url}/status`);
  await page.locator(".warnings", { hasText: "unhealthy: the ⟨U+202E⟩card⟨U+202C⟩ is full (3 times)" }).waitFor();
  await page.getByLabel("Get a model").fill("qwen3:0.6b");
  await page.getByRole("button", { name: "Get it" }).click();
  await page.getByText("100 MB of 400 MB").waitFor();
  assert.equal(await page.locator("progress").evaluate((bar: HTMLProgressElement) => bar.position), 0.25);
  goOn();
  await page.getByText("qwen3:0.6b is here.").waitFor();
  await page.getByLabel("Get a model").fill("nothing:1b");
  await page.keyboard.press("Enter");
  await page.locator(".pull [role=alert]").waitFor();
});

test("an owner has the doctor look at the machine of a running daemon", options, async (t) => {
  const daemon = await startDaemon(t, { model: "" });
  const { page } = await openPage(t, `${daemon.url}/status`);
  await page.getByRole("button", { name: "See what is wrong" }).click();
  await page.locator(".doctor [role=status]", { hasText: /mended:|^Nothing is wrong/ }).waitFor();
  await page.getByText("What was looked at").click();
  const seen = (await page.locator(".doctor details").textContent()) ?? "";
  assert.match(
    seen,
    /processor.*kernels.*memory.*available.*model.*spark: Q8_0 llama, answers.*address.*answers at 127/,
  );
});

const doctor = async () => ({
  facts: [{ check: "swap", text: "none" }],
  findings: [
    {
      ...{ check: "service", severity: "fault", mend: "sudo systemctl enable hearthd" },
      found: "The service does not start at the boot.",
    },
    {
      ...{ check: "memory", severity: "advice", found: "qwen3:8b\u202e does not fit: 3.1 GB of 5.2 GB are read." },
      mend: "`hearth models find`, then `hearth use NAME` with one that fits.",
    },
  ],
  unseen: [{ check: "log", why: "The log of the service cannot be read here. More is seen by `sudo hearth doctor`" }],
});

const boardOfOwner = async () => ({
  ...{ uptimeSeconds: 60, models: [], clients: [], board: { name: "A board", cores: 4, kernel: "6.12" } },
  memory: { residentBytes: 1e8, totalBytes: 4e9, availableBytes: 3e9 },
  pace: { cores: 4, threads: 4, workShare: 1, restraints: [], heat: { celsius: null, throttle: null } },
});

/** For whoever changes the page to look at. */
function picture(name: string): string {
  const folder = path.join(root, "build/pages");
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${name}.png`);
}

const languages = {
  "en-US": { look: "See what is wrong", sum: "2 things can be mended:", fault: "Wrong", unseen: "Not seen from here" },
  "de-DE": {
    ...{ look: "Nachsehen, was nicht stimmt", sum: "2 Dinge lassen sich beheben:" },
    ...{ fault: "Fehler", unseen: "Von hier aus nicht zu sehen" },
  },
} as const;

for (const [locale, width, theme] of [
  ["en-US", 1440, "light"],
  ["en-US", 360, "dark"],
  ["de-DE", 360, "light"],
  ["de-DE", 1440, "dark"],
] as const) {
  test(`the doctor's findings stand with commands to copy at ${width} px, ${theme}, ${locale}`, options, async (t) => {
    const server = await startServer(t, { pages: pageFiles(), status: boardOfOwner, doctor });
    const { page, context } = await openPage(t, `${server.url}/status`, { width, theme, locale });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const { look, sum, fault, unseen } = languages[locale];
    const button = page.getByRole("button", { name: look });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText(sum).waitFor();
    const findingsShown = await page.locator(".findings > li").allTextContents();
    assert.match(findingsShown[0] ?? "", new RegExp(`^${fault}service: The service does not start at the boot\\.`));
    assert.match(findingsShown[1] ?? "", /qwen3:8b⟨U\+202E⟩ does not fit/);
    await page.getByRole("heading", { name: unseen }).waitFor();
    assert.deepEqual(await page.locator(".command code").allTextContents(), [
      ...["sudo systemctl enable hearthd", "hearth models find", "hearth use NAME", "sudo hearth doctor"],
    ]);
    await page.getByRole("button", { name: "hearth use NAME" }).click();
    await page.getByRole("button", { name: /^(Copied|Kopiert)$/ }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "hearth use NAME");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    assert.deepEqual(await findings(page), []);
    await page.locator(".doctor").screenshot({ path: picture(`doctor-${width}-${theme}-${locale.slice(0, 2)}`) });
  });
}

test("a look that fails says why, and another one can follow", options, async (t) => {
  let looks = 0;
  const failing = async () => {
    if (looks++ === 0) throw new HearthError("RATE_LIMITED", "The kettle asks too often.");
    return { facts: [], findings: [], unseen: [] };
  };
  const server = await startServer(t, { pages: pageFiles(), status: boardOfOwner, doctor: failing });
  const { page } = await openPage(t, `${server.url}/status`, { allowErrors: /429/ });
  await page.getByRole("button", { name: "See what is wrong" }).click();
  await page.locator(".doctor [role=alert]", { hasText: "The kettle asks too often." }).waitFor();
  await page.getByRole("button", { name: "See what is wrong" }).click();
  await page.getByText("Nothing is wrong.", { exact: true }).waitFor();
  assert.equal(await page.locator(".doctor [role=alert]").count(), 0);
});
