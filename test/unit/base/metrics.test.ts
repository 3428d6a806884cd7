import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../../src/base/metrics.js";

test("metrics are rendered with help, labels and values", async () => {
  const metrics = new Metrics();
  metrics.counter({ name: "hearth_tokens_total", help: "Tokens.", labels: ["phase"] }).inc({ phase: "decode" }, 5);
  let busy = 1;
  metrics.gauge({ name: "hearth_slots_busy", help: "Slots.", read: () => busy });
  metrics.histogram({ name: "hearth_step_seconds", help: "Steps.", buckets: [0.1, 1] }).observe(0.5);
  busy = 3;
  const text = await metrics.render();
  assert.match(text, /^# HELP hearth_tokens_total Tokens\.$/m);
  assert.match(text, /^hearth_tokens_total\{phase="decode"\} 5$/m);
  assert.match(text, /^hearth_slots_busy 3$/m);
  assert.match(text, /^hearth_step_seconds_bucket\{le="1"\} 1$/m);
  assert.match(text, /^hearth_step_seconds_bucket\{le="0\.1"\} 0$/m);
});

test("two registries do not know of each other", async () => {
  const [first, second] = [new Metrics(), new Metrics()];
  first.counter({ name: "hearth_a_total", help: "A." });
  second.counter({ name: "hearth_a_total", help: "A." }).inc();
  assert.match(await first.render(), /^hearth_a_total 0$/m);
});
