import test from "node:test";
import { until } from "../../../helpers/scheduler.js";
import { startServer } from "../../../helpers/server.js";

test("an HTTP client that goes away cancels its request, streamed or not, where nobody can come back", async (t) => {
  const config = { "responses.resume_ms": 0, "context.tokens": 100_000 };
  const server = await startServer(t, { fake: { stepMs: () => 1, contextTrained: 100_000 }, config });
  for (const stream of [true, false]) {
    const controller = new AbortController();
    const answer = fetch(`${server.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "default", input: "Tell me a story", stream }),
      signal: controller.signal,
    });
    await until(() => (server.module.engines[0]?.plans.length ?? 0) > 3);
    controller.abort();
    await answer.then((response) => response.text()).catch(() => {});
    await server.atRest();
  }
});
