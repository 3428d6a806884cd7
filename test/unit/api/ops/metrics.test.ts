import assert from "node:assert/strict";
import test from "node:test";
import { startServer } from "../../../helpers/server.js";

test("metrics are served in the Prometheus format", async (t) => {
  const server = await startServer(t);
  await server.post("/v1/responses", { input: "Hi", max_output_tokens: 3 });
  const text = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(text, /^hearth_generated_tokens_total 3$/m);
  assert.match(text, /^hearth_slots_busy 0$/m);
  assert.match(text, /^hearth_websockets 0$/m);
});
