/** The chat page against a real daemon with Spark: what people do with it, at both widths and in both themes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test, { after } from "node:test";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { findings } from "./axe.js";
import { answered, closeBrowser, openPage, say, themes, widths, withoutBrowser } from "./browser.js";

after(closeBrowser);

const spark = { model: "" };
const options = { skip: withoutBrowser };

for (const width of widths) {
  for (const theme of themes) {
    test(`a question is answered at ${width} px, ${theme}, and axe finds nothing serious`, options, async (t) => {
      const daemon = await startDaemon(t, spark);
      const { page } = await openPage(t, daemon.url, { width, theme });
      await page.getByText("What can I do for you?").waitFor();
      assert.deepEqual(await findings(page), []);
      await say(page, "Hello! Who are you?");
      await answered(page);
      await page.getByText("I am Spark").waitFor();
      assert.match((await page.locator(".figures").textContent()) ?? "", /spark[\s\S]*tokens/);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px too wide`);
      assert.deepEqual(await findings(page), []);
      await page.getByRole("button", { name: "Settings of this chat" }).click();
      await page.getByRole("dialog").waitFor();
      assert.deepEqual(await findings(page), []);
    });
  }
}

test(
  "an answer is asked for again and a question edited: each a branch that can be gone back to",
  options,
  async (t) => {
    const daemon = await startDaemon(t, spark);
    const { page } = await openPage(t, daemon.url);
    await say(page, "Hello! Who are you?");
    await answered(page);
    await page.getByRole("button", { name: "Answer again" }).click();
    await answered(page);
    await page.getByText("2/2").waitFor();
    await page.getByRole("button", { name: "Previous version" }).click();
    await page.getByText("1/2").waitFor();
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.locator(".editing textarea").fill("What can you do?");
    await page.locator(".editing").getByRole("button", { name: "Send" }).click();
    await answered(page);
    await page.locator(".bubble", { hasText: "What can you do?" }).waitFor();
    await page.locator(".question").getByRole("button", { name: "Previous version" }).click();
    await page.locator(".bubble", { hasText: "Hello! Who are you?" }).waitFor();
  },
);

test("a chat is there in a second browser, is found, renamed, exported, deleted and imported", options, async (t) => {
  const daemon = await startDaemon(t, spark);
  const conflict = { allowErrors: /409/ };
  const { page } = await openPage(t, daemon.url, conflict);
  await say(page, "Hello! Who are you?");
  await answered(page);
  const other = (await openPage(t, daemon.url, conflict)).page;
  await other.locator(".chats .open", { hasText: "Hello! Who are you?" }).click();
  await other.getByText("I am Spark").waitFor();
  await say(other, "Tell me more");
  await answered(other);

  await page.locator(".chats li").first().hover();
  await page.getByRole("button", { name: "Rename: Hello! Who are you?" }).click();
  await page.getByLabel("New name of the chat").fill("About Spark");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "About Spark" }).waitFor();
  // Both devices changed it, and nothing is lost.
  await page.reload();
  await page.getByText("Tell me more").waitFor();

  await page.getByRole("searchbox").fill("I am Spark");
  await page.locator(".chats .open", { hasText: "About Spark" }).waitFor();
  await page.getByRole("searchbox").fill("nobody said this");
  await page.getByText("Nothing found").waitFor();
  await page.getByRole("searchbox").fill("");

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export all chats" }).click(),
  ]);
  const file = path.join(temporaryFolder(t), "chats.json");
  await download.saveAs(file);
  assert.match(readFileSync(file, "utf8"), /About Spark/);
  await page.locator(".chats li").first().hover();
  await page.getByRole("button", { name: "Delete: About Spark" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("No chats yet").waitFor();
  await page.locator("input[type=file]").setInputFiles(file);
  await page.locator(".chats .open", { hasText: "About Spark" }).click();
  await page.getByText("I am Spark").first().waitFor();
});

test("a chat that is kept in the browser alone leaves nothing on the server", options, async (t) => {
  const daemon = await startDaemon(t, spark);
  const { page } = await openPage(t, daemon.url);
  await page.getByRole("button", { name: "Settings of this chat" }).click();
  await page.getByLabel("In this browser only").check();
  await page.keyboard.press("Escape");
  await say(page, "Hello! Who are you?");
  await answered(page);
  await page.reload();
  await page.getByText("I am Spark").waitFor();
  const kept = await (await fetch(`${daemon.url}/hearth/v1/chats`)).json();
  assert.deepEqual(kept, { object: "list", data: [] });
});

test("the page speaks German to a German browser, and remembers a choice of colours", options, async (t) => {
  const daemon = await startDaemon(t, spark);
  const { page } = await openPage(t, daemon.url, { locale: "de-DE" });
  await page.getByText("Was kann ich für dich tun?").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  await page.getByRole("button", { name: "Einstellungen dieses Chats" }).click();
  await page.getByLabel("Farben").selectOption("dark");
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body.parentElement as Element).colorScheme), "dark");
});

test("an answer obeys the schema of the settings", options, async (t) => {
  const daemon = await startDaemon(t, spark);
  const { page } = await openPage(t, daemon.url);
  await page.getByRole("button", { name: "Settings of this chat" }).click();
  await page.getByText("Structured output").click();
  const schema = {
    type: "object",
    properties: { room: { enum: ["kitchen", "attic"] }, lamps: { type: "integer" }, isWarm: { type: "boolean" } },
    required: ["room", "lamps", "isWarm"],
    additionalProperties: false,
  };
  const field = page.getByLabel("JSON schema that answers have to match");
  await field.fill("{");
  await page.getByText("This is no JSON object.").waitFor();
  await field.fill(JSON.stringify(schema));
  await page.getByText("This is no JSON object.").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await say(page, "Tell me about my home");
  await answered(page);
  const text = (await page.locator(".message.answer .markdown").textContent()) ?? "";
  const { room, lamps, isWarm, ...rest } = JSON.parse(text);
  assert.ok(schema.properties.room.enum.includes(room), text);
  assert.ok(Number.isInteger(lamps) && typeof isWarm === "boolean", text);
  assert.deepEqual(rest, {});
});

test("whoever types a word to search for asks the server once", options, async (t) => {
  const daemon = await startDaemon(t, spark);
  const { page } = await openPage(t, daemon.url);
  await say(page, "Hello! Who are you?");
  await answered(page);
  const asked: string[] = [];
  page.on("request", (request) => {
    const search = new URL(request.url()).searchParams.get("search");
    if (search !== null) asked.push(search);
  });
  await page.getByRole("searchbox").pressSequentially("chimney", { delay: 40 });
  await page.getByText("Nothing found").waitFor();
  assert.deepEqual(asked, ["chimney"]);
});

test("a tool of the settings is asked with; a call is shown and its result sent", options, async (t) => {
  const daemon = await startDaemon(t, spark);
  const { page } = await openPage(t, daemon.url);
  await page.getByRole("button", { name: "Settings of this chat" }).click();
  await page.getByLabel("System prompt").fill("You control a home.\n- names: Kitchen Light\n  domain: light");
  await page.getByText("Structured output").click();
  const parameters = { type: "object", properties: { name: { type: "string" } } };
  const tools = [{ type: "function", name: "HassTurnOn", description: "Turns on a device", parameters }];
  await page.getByLabel("Tools as a JSON array of functions").fill(JSON.stringify(tools));
  await page.keyboard.press("Escape");
  await say(page, "Turn on the kitchen light");
  await answered(page);
  await page.getByText("Calls HassTurnOn").waitFor();
  await page.getByLabel("Result of HassTurnOn").fill('{"success": true}');
  await page.getByRole("button", { name: "Send the results" }).click();
  await answered(page);
  assert.equal(await page.locator(".message.answer").count(), 2);
});
