/** Requests that Home Assistant 2026.11 really sent, by all three of its integrations, against a daemon with Spark. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startDaemon } from "../helpers/daemon.js";
import { spark } from "../helpers/home.js";
import type { Event } from "../helpers/server.js";
import { missing, shared } from "../helpers/shared.js";

const folder = "golden/home";
const routes: Readonly<Record<string, string>> = {
  ollama: "/api/chat",
  llama_cpp: "/v1/chat/completions",
  openai: "/v1/responses",
};
const recorded = existsSync(shared(folder)) ? readdirSync(shared(folder)).filter((file) => file.endsWith(".json")) : [];

test("every recorded request is answered, and what Spark's context cannot hold is told", {
  skip: missing(folder),
}, async (t) => {
  const daemon = await startDaemon(t, { model: spark, args: ["--context", "8192", "--alias", "spark"] });
  await daemon.logged("the model is ready");
  assert.ok(recorded.length >= 10);
  for (const file of recorded) {
    await t.test(file, async () => {
      const route = routes[file.split("-")[0] ?? ""];
      assert.ok(route, "of no known integration");
      const request: Event = JSON.parse(readFileSync(shared(`${folder}/${file}`), "utf8"));
      const response = await fetch(`${daemon.url}${route}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...request, model: "spark" }),
      });
      const text = await response.text();
      assert.equal(response.status, 200, text.slice(0, 500));
      assert.doesNotMatch(text, /"error":(?!null)|response\.failed/);
      assert.equal(response.headers.has("x-hearth-left-out"), file === "ollama-largest.json");
    });
  }
  const notices = daemon.log.filter(({ numCtx }) => numCtx !== undefined);
  assert.deepEqual(
    notices.map(({ model, numCtx, contextTokens }) => [model, numCtx, contextTokens]),
    [["spark", 8192, 4096]],
    "the notice compares with the model's own limit, though the configuration allows 8192",
  );
});
