import assert from "node:assert/strict";
import test from "node:test";
import { type Event, startServer } from "../../../helpers/server.js";

test("the models are listed as OpenAI lists them", async (t) => {
  const server = await startServer(t);
  const list = (await (await fetch(`${server.url}/v1/models`)).json()) as Event;
  assert.equal(list.object, "list");
  assert.equal(list.data[0].id, "fake");
});

test("a model is found by its name and as default, and by no other name", async (t) => {
  const server = await startServer(t);
  const list = (await (await fetch(`${server.url}/v1/models`)).json()) as Event;
  for (const name of ["fake", "default"]) {
    const model = (await (await fetch(`${server.url}/v1/models/${name}`)).json()) as Event;
    assert.deepEqual(model, list.data[0]);
  }
  assert.equal((await fetch(`${server.url}/v1/models/other/one`)).status, 404);
});
