import assert from "node:assert/strict";
import test from "node:test";
import { scripted } from "../../../fake-engine/module.js";
import { type Event, startServer } from "../../../helpers/server.js";
import { fakeUpstream, sendAnswer } from "../../../helpers/upstream.js";
import { big, configured, words } from "../../../helpers/upstream-servers.js";

test("what waits too long here overflows to the upstream, and only that", async (t) => {
  const upstream = await fakeUpstream(t, ["tiny"], (_, response) => sendAnswer(response, words));
  const entry = { name: "attic", url: upstream.url, rename: { fake: "tiny" }, overflow: 2 };
  const server = await startServer(t, {
    fake: { next: scripted("from here"), stepMs: () => 60 },
    config: { "scheduler.slots": 1, ...configured([entry]) },
  });
  const here = Array.from({ length: 3 }, () => server.post("/v1/responses", { input: "Hi" }));
  for (let i = 0; i < 100 && (await waiting(server.url)) < 2; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const relieved = (await (await server.post("/v1/responses", { input: "Hi" })).json()) as Event;
  assert.equal(relieved.output[0].content[0].text, "from the attic");
  assert.equal(relieved.model, "fake");
  assert.equal(upstream.asked.at(-1)?.body.model, "tiny");
  for (const response of await Promise.all(here)) {
    assert.equal(((await response.json()) as Event).output[0].content[0].text, "from here");
  }
});

async function waiting(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^hearth_queue_length (\d+)$/m.exec(text)?.[1]);
}

test("of two upstreams for a model the healthy one is asked", async (t) => {
  const second = await fakeUpstream(t, ["big"], (_, response) => sendAnswer(response, words));
  const server = await startServer(t, {
    config: configured([
      { ...big, name: "first", url: "http://127.0.0.1:9/v1" },
      { ...big, name: "second", url: second.url },
    ]),
  });
  const answer = (await (await server.post("/v1/responses", { model: "big", input: "Hi" })).json()) as Event;
  assert.equal(answer.output[0].content[0].text, "from the attic");
});
