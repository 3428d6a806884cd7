/** Hours of mixed clients in minutes: HEARTH_SOAK_SECONDS (600 unless set) of streams, cancels, long and bad requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { MemoryProbe } from "../helpers/memory.js";
import { Random } from "../helpers/random.js";
import { missing } from "../helpers/shared.js";

const seconds = Number(process.env.HEARTH_SOAK_SECONDS ?? 600);
const words = ["Once", "upon", "a", "time", "Lily", "saw", "the", "big", "dog", "and", "ran"] as const;

async function oneRequest(daemon: TestDaemon, random: Random): Promise<void> {
  const input = Array.from({ length: 1 + random.below(60) }, () => random.pick(words)).join(" ");
  const controller = new AbortController();
  if (random.below(3) === 0) setTimeout(() => controller.abort(), random.below(50));
  const body = {
    model: "default",
    input,
    stream: random.below(2) === 0,
    max_output_tokens: 1 + random.below(100),
    store: random.below(2) === 0,
  };
  try {
    const response = await fetch(`${daemon.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: controller.signal,
    });
    assert.ok(response.status < 500 || response.status === 503, `${response.status}`);
    await response.text();
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
}

test(`${seconds} seconds of mixed clients: memory stays, nothing leaks`, {
  skip: missing("models/stories260K.gguf"),
}, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.logged("the model is ready");
  const random = new Random(11);
  const end = Date.now() + seconds * 1000;
  const memory = new MemoryProbe(daemon);
  t.after(() => memory.stop());
  const floorsMiB: number[] = [];
  const quarters = setInterval(() => floorsMiB.push(memory.takeFloorMiB()), seconds * 250);
  t.after(() => clearInterval(quarters));
  let requests = 0;
  const client = async () => {
    while (Date.now() < end) {
      await oneRequest(daemon, random);
      requests++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  const [, second = 0, , last = memory.takeFloorMiB()] = floorsMiB;
  t.diagnostic(
    `${requests} requests; memory in use, by quarters: ${floorsMiB.map((floor) => floor.toFixed(1)).join(", ")} MiB`,
  );
  assert.ok(last - second < 8, `${(last - second).toFixed(1)} MiB`);
  assert.equal(await daemon.metric("hearth_slots_busy"), 0);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});
