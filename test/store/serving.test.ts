import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { loadEngineModule } from "../../src/engine/binding.js";
import { importModel } from "../../src/store/import-model.js";
import { ModelStore } from "../../src/store/model-store.js";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { makeGguf } from "../helpers/gguf.js";
import { missing, shared } from "../helpers/shared.js";

const skip = missing("models/stories260K.gguf", "models/babyllama-Q8_0.gguf");

/** A state folder whose store has the models `stories` and `baby`. */
async function makeState(t: TestContext): Promise<{ state: string; store: ModelStore }> {
  const state = temporaryFolder(t);
  const store = new ModelStore(path.join(state, "models"), loadEngineModule());
  await importModel(store, shared("models/stories260K.gguf"), { name: "stories" });
  await importModel(store, shared("models/babyllama-Q8_0.gguf"), { name: "baby:q8" });
  return { state, store };
}

async function ask(daemon: TestDaemon, model: string): Promise<{ status: number; model?: string; code?: string }> {
  const response = await fetch(`${daemon.url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, input: "Once upon a time", max_output_tokens: 4, temperature: 0 }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  const body = (await response.json()) as any;
  return { status: response.status, model: body.model, code: body.error?.code };
}

test("the daemon serves every model of the store by name, loads it when it is asked for, and lets it go", {
  skip,
}, async (t) => {
  const { state, store } = await makeState(t);
  const env = { HEARTH_STATE: state, HEARTH_MODELS_KEEP_ALIVE_MS: "300", HEARTH_MODEL_LOAD_WAIT_MS: "60000" };
  const daemon = await startDaemon(t, { model: "stories", env });
  await daemon.logged("the model is ready");
  const names = async () => {
    const { data } = (await (await fetch(`${daemon.url}/v1/models`)).json()) as { data: { id: string }[] };
    return data.map(({ id }) => id);
  };
  assert.deepEqual(await names(), ["stories", "baby:q8", "spark"]);

  assert.equal((await ask(daemon, "default")).model, "stories");
  assert.equal((await ask(daemon, "Baby:Q8")).model, "baby:q8");
  await daemon.logged("the model was unloaded");
  assert.equal((await ask(daemon, "baby:q8")).status, 200);
  assert.deepEqual(await ask(daemon, "none"), { status: 404, model: undefined, code: "model_not_found" });

  await store.addAlias("baby:q8", "small");
  assert.equal((await ask(daemon, "small")).model, "baby:q8");
  await store.remove("baby:q8");
  assert.equal((await ask(daemon, "baby:q8")).status, 404);
  const file = path.join(temporaryFolder(t), "late.gguf");
  copyFileSync(shared("models/babyllama-Q8_0.gguf"), file);
  await importModel(store, file);
  assert.deepEqual(await names(), ["stories", "late", "spark"]);
  assert.equal((await ask(daemon, "late")).status, 200);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});

test("two models answer at the same time, each what it answers alone", { skip }, async (t) => {
  const { state } = await makeState(t);
  const daemon = await startDaemon(t, {
    model: "stories",
    env: { HEARTH_STATE: state, HEARTH_MODEL_LOAD_WAIT_MS: "60000" },
  });
  const text = async (model: string) => {
    const response = await fetch(`${daemon.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, input: "Once upon a time", max_output_tokens: 40, temperature: 0 }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
    const body = (await response.json()) as any;
    return body.output[0].content[0].text as string;
  };
  const alone = [await text("stories"), await text("baby:q8")];
  assert.notEqual(alone[0], alone[1]);
  const together = await Promise.all(["stories", "baby:q8", "stories", "baby:q8"].map(text));
  assert.deepEqual(together, [...alone, ...alone]);
});

test("a model that this hearth cannot run fails its own requests and leaves the daemon ready", { skip }, async (t) => {
  const { state, store } = await makeState(t);
  const file = path.join(temporaryFolder(t), "strange.gguf");
  writeFileSync(file, makeGguf({ bytes: 1000 }));
  await importModel(store, file);
  const daemon = await startDaemon(t, { model: "stories", env: { HEARTH_STATE: state } });
  await daemon.logged("the model is ready");
  assert.equal((await ask(daemon, "strange")).code, "model_error");
  await delay(50);
  assert.equal((await fetch(`${daemon.url}/readyz`)).status, 200);
  assert.equal((await ask(daemon, "default")).status, 200);
});

test("a model that does not fit the budget beside the configured one says so", { skip }, async (t) => {
  const { state } = await makeState(t);
  const env = { HEARTH_STATE: state, HEARTH_MODELS_MEMORY_BYTES: "2000000" };
  const daemon = await startDaemon(t, { model: "stories", env });
  await daemon.logged("the model is ready");
  assert.equal((await ask(daemon, "baby:q8")).code, "model_error");
  assert.ok(daemon.log.some(({ err }) => (err as { code?: string } | undefined)?.code === "MODEL_DOES_NOT_FIT"));
});
