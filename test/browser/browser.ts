/** Debian's Chromium with a page of hearth in it. Tests fail on errors of the console and on requests to other hosts. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import os from "node:os";
import type { TestContext } from "node:test";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

/** For a test's `skip`. */
export const withoutBrowser =
  executablePath === undefined && "Chromium is missing. Install with: sudo apt-get install chromium";

export const widths = [360, 1440] as const;
export const themes = ["light", "dark"] as const;

let shared: Promise<Browser> | null = null;

/** One browser for all tests of a file: `after` of the file's root closes it. */
function browser(): Promise<Browser> {
  shared ??= chromium.launch({
    executablePath: executablePath ?? "",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--js-flags=--expose-gc"],
  });
  return shared;
}

export async function closeBrowser(): Promise<void> {
  await (await shared)?.close();
}

export interface PageOptions {
  readonly width?: number;
  readonly theme?: "light" | "dark";
  readonly locale?: string;
  /** Errors of the console that the test expects, such as those of a server that is away. */
  readonly allowErrors?: RegExp;
}

export interface TestPage {
  readonly page: Page;
  readonly context: BrowserContext;
}

export async function openPage(t: TestContext, url: string, options: PageOptions = {}): Promise<TestPage> {
  const { width = 1440, theme = "light", locale = "en-US", allowErrors } = options;
  const context = await (await browser()).newContext({
    viewport: { width, height: width < 600 ? 740 : 900 },
    colorScheme: theme,
    locale,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    // A server that the test has stopped is no fault of the page.
    const isExpected = allowErrors?.test(message.text()) || message.text().includes("ERR_CONNECTION");
    if (message.type() === "error" && !isExpected) problems.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (["http:", "https:", "ws:", "wss:"].includes(protocol) && host !== new URL(url).host) {
      problems.push(`a request to ${host}`);
    }
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(url);
  return { page, context };
}

/** Writes a message and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.keyboard.press("Enter");
}

/** Resolves when no answer is on its way. */
export async function answered(page: Page, limitMs = 30_000): Promise<void> {
  await page.getByRole("button", { name: "Send", exact: true }).waitFor({ timeout: limitMs });
}

/** How many programs want each processor, at least 1: by so much everything takes longer than it would alone. */
export function busyness(): number {
  return Math.max(1, (os.loadavg()[0] ?? 0) / os.availableParallelism());
}
