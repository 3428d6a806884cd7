import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import type { ApiKey } from "../../../src/base/api-key.js";
import type { Priority } from "../../../src/base/demand.js";
import { HearthError } from "../../../src/base/errors.js";
import { demandOf } from "../../../src/net/demand.js";
import { scripted } from "../../fake-engine/module.js";
import { until } from "../../helpers/scheduler.js";
import { type Event, startServer } from "../../helpers/server.js";

const key = (name: string, priority?: Priority): ApiKey => ({
  id: name,
  name,
  hash: createHash("sha256").update(name).digest("hex"),
  scopes: ["generate"],
  requestsPerMinute: null,
  concurrentRequests: null,
  ...(priority && { priority }),
});
const nobody = { id: "192.168.1.7", key: null, local: false };
const client = (priority?: Priority) => ({ id: "k", key: key("k", priority), local: false });

test("service_tier and the header say how urgent a request is, as far as its key may", () => {
  const priority = (who: typeof nobody | ReturnType<typeof client>, header?: string, tier?: string) =>
    demandOf(who, header ? { "x-hearth-priority": header } : {}, tier).priority;
  assert.deepEqual(
    ["priority", "flex", "auto", "default", "whatever"].map((tier) => priority(nobody, undefined, tier)),
    ["high", "low", "default", "default", "default"],
  );
  assert.equal(priority(nobody, "low", "priority"), "low");
  assert.equal(priority(client(), "high"), "default");
  assert.equal(priority(client("high")), "high");
  assert.equal(priority(client("high"), "low"), "low");
  assert.equal(priority(client("low"), "high"), "low");
  for (const headers of [{ "x-hearth-priority": "urgent" }, { "x-hearth-max-queue-ms": "soon" }]) {
    assert.throws(
      () => demandOf(nobody, headers),
      (error) => error instanceof HearthError && error.code === "REQUEST_INVALID",
    );
  }
});

test("a request that may not wait long is a 503 with Retry-After, over HTTP and over a WebSocket", async (t) => {
  const fake = { next: scripted("A long story. ".repeat(100)), stepMs: () => 5 };
  const server = await startServer(t, { fake, config: { "scheduler.slots": 1 } });
  const first = await server.connect();
  first.send({ type: "response.create", input: "Tell me a story" });
  await until(() => first.events.length > 3);
  const messages = [{ role: "user", content: "Hi" }];
  const response = await server.post(
    "/v1/chat/completions",
    { model: "fake", messages },
    { "x-hearth-max-queue-ms": "50" },
  );
  assert.equal(response.status, 503);
  assert.ok(Number(response.headers.get("retry-after")) > 0);
  assert.equal(((await response.json()) as Event).error.code, "queue_timeout");
  const second = await server.connect();
  const last = (await second.ask({ input: "Hi", max_queue_ms: 50 })).at(-1);
  assert.equal(last?.response.error.code, "queue_timeout");
  first.socket.close();
  await server.atRest();
});

test("an urgent request passes those that wait, its tier is told, and the place in the queue too", async (t) => {
  const server = await startServer(t, {
    fake: { next: scripted("ok".repeat(20)), stepMs: () => 30 }, // the first answer lasts until all others wait
    config: { "scheduler.slots": 1 },
  });
  const order: string[] = [];
  const short = { max_output_tokens: 1 };
  const ask = async (name: string, more: Event) => {
    const client = await server.connect();
    client.send({ type: "response.create", input: name, include: ["hearth.progress"], ...more });
    const events = await client.answer();
    order.push(name);
    return events;
  };
  const running = ask("running", {});
  await until(() => (server.module.engines[0]?.plans.length ?? 0) > 0);
  const flex = ask("flex", { service_tier: "flex", ...short });
  const usual = ask("usual", short);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const urgent = ask("urgent", { service_tier: "priority", ...short });
  const tiers = (await Promise.all([urgent, usual, flex, running])).map(
    (events) => events.at(-1)?.response.service_tier,
  );
  assert.deepEqual(tiers, ["priority", "default", "flex", "default"]);
  assert.deepEqual(order, ["running", "urgent", "usual", "flex"]);
  const positions = (await flex).flatMap(({ type, position }) => (type === "hearth:queued" ? [position] : []));
  assert.equal(positions.at(-1), 1);
  assert.ok(Math.max(...positions) >= 2, String(positions));
});
