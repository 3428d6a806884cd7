/** Pictures of each page, in both themes and at both widths: docs/pages has them, and the README shows some. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import test, { after } from "node:test";
import { pageFiles } from "../../src/daemon/page-files.js";
import { scripted } from "../fake-engine/module.js";
import { startDaemon } from "../helpers/daemon.js";
import { startServer } from "../helpers/server.js";
import { root } from "../helpers/shared.js";
import { answered, closeBrowser, openPage, say, themes, widths, withoutBrowser } from "./browser.js";

after(closeBrowser);

/** Pictures that the documents show: written there when somebody asks for it, because each run makes slightly other ones. */
const ofDocuments = ["chat-1440-light", "chat-1440-dark", "chat-360-light", "kiosk-1440-dark", "status-1440-light"];

/** The file that the picture of a page goes to; makes its folder. */
function pictureFile(name: string, width: number, theme: string): string {
  const file = `${name}-${width}-${theme}`;
  const isShown = process.env.HEARTH_PICTURES === "docs" && ofDocuments.includes(file);
  const folder = path.join(root, isShown ? "docs/pages" : "build/pages");
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${file}.png`);
}

const answer = `A Raspberry Pi 5 can do it. **Three things** matter:

1. The *weights* have to fit in memory.
2. A token takes as long as reading all of them: $t = \\frac{\\text{bytes}}{\\text{bandwidth}}$
3. Reading the prompt takes longer than you think.

| model        | file   | tokens/s |
| ------------ | -----: | -------: |
| qwen3-0.6b   | 339 MB |       34 |
| llama-3.2-1b | 698 MB |       16 |

\`\`\`python
def seconds_per_token(file_bytes: int, bandwidth: float) -> float:
    """The least time that a token takes."""
    return file_bytes / bandwidth  # 698 MB at 11.3 GB/s: 62 ms
\`\`\`

> Nothing that you write leaves the house.
`;

const greeting = "Good evening! The fire is lit, the fox is back in the garden, and supper is almost ready.";

for (const width of widths) {
  for (const theme of themes) {
    test(`the chat at ${width} px, ${theme}`, { skip: withoutBrowser }, async (t) => {
      const fake = { next: scripted(answer), contextTrained: 8000, stepMs: () => 1 };
      const server = await startServer(t, { pages: pageFiles(), fake });
      const { page } = await openPage(t, server.url, { width, theme });
      await say(page, "Which model fits my board, and how fast is it?");
      await answered(page);
      await page.locator("math").first().waitFor();
      const picture = (name: string) => pictureFile(name, width, theme);
      await page.screenshot({ path: picture("chat") });
      if (width < 600) {
        await page.getByRole("button", { name: "Show chats" }).click();
        await page.locator(".sidebar.open").waitFor();
        await page.screenshot({ path: picture("chats"), animations: "disabled" });
      } else {
        await page.getByRole("button", { name: "Settings of this chat" }).click();
        await page.screenshot({ path: picture("settings") });
      }
    });

    test(`status and kiosk at ${width} px, ${theme}`, { skip: withoutBrowser }, async (t) => {
      const server = await startServer(t, { pages: pageFiles(), fake: { next: scripted(greeting), stepMs: () => 1 } });
      const picture = (name: string) => pictureFile(name, width, theme);
      const kioskTheme = theme === "dark" ? "night" : "day";
      const kiosk = `${server.url}/kiosk?prompt=Greet&theme=${kioskTheme}`;
      const { page } = await openPage(t, kiosk, { width, theme });
      await page.getByText(greeting).waitFor();
      await page.screenshot({ path: picture("kiosk"), animations: "disabled" });
      const daemon = await startDaemon(t, { model: "" });
      const status = (await openPage(t, `${daemon.url}/status`, { width, theme })).page;
      await status.getByText("Ready to answer").waitFor();
      for (let i = 0; i < 3; i++) {
        const body = JSON.stringify({ model: "default", input: "Once upon a time", max_output_tokens: 60 });
        const headers = { "content-type": "application/json" };
        for (let j = 0; j <= i; j++) await fetch(`${daemon.url}/v1/responses`, { method: "POST", headers, body });
        await status.waitForTimeout(5000);
      }
      await status.screenshot({ path: picture("status"), fullPage: true });
    });
  }
}
