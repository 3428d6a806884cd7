import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import test from "node:test";

const folder = path.join(import.meta.dirname, "..", "..", "..", "dist", "web");
const skip = !existsSync(path.join(folder, "manifest.json")) && "The pages are not built. Run: npm run build";

/** Compressed bytes of all that a page may load, chunks that come later included. */
function bytesOf(page: string): number {
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(path.join(folder, file), "utf8");
    const names = readdirSync(path.join(folder, "assets")).filter((name) => /\.(js|css)$/.test(name));
    for (const name of names) if (text.includes(name)) visit(path.join("assets", name));
  };
  visit(`${page}.html`);
  assert.ok(seen.size > 2, "a page loads a script and a style");
  return [...seen].reduce((sum, file) => sum + statSync(path.join(folder, `${file}.gz`)).size, 0);
}

test("the chat takes less than 150 kB, compressed for every browser", { skip }, () => {
  assert.ok(bytesOf("chat") < 150_000, `${bytesOf("chat")} bytes`);
});

test("the kiosk takes less than 40 kB", { skip }, () => {
  assert.ok(bytesOf("kiosk") < 40_000, `${bytesOf("kiosk")} bytes`);
});
