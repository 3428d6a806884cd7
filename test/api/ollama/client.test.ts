import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ollama } from "ollama";
import { startDaemon } from "../../helpers/daemon.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { homeInstructions, homeTools, spark } from "../../helpers/home.js";
import { type Handler, sendFile, serveRepository, startSource } from "../../helpers/source-server.js";

const question = [{ role: "user" as const, content: "Hello! Who are you?" }];

test("ollama: chat, generate, embed, list, show, ps, pull, copy, delete, version", async (t) => {
  const source = await startSource(t);
  const file = readFileSync(spark);
  const sha256 = createHash("sha256").update(file).digest("hex");
  const handler: Handler = (request, response) => sendFile(request, response, file, { pauseMs: 1 });
  serveRepository(source, "me/m", { "m-Q8_0.gguf": { content: file, sha256, handler } });
  const env = {
    ...{ HEARTH_STATE: temporaryFolder(t), HEARTH_MODEL_LOAD_WAIT_MS: "60000" },
    HEARTH_PULL_HF_ENDPOINT: source.url,
    ...{ OLLAMA_CONTEXT_LENGTH: "1024", OLLAMA_FLASH_ATTENTION: "1" },
  };
  const daemon = await startDaemon(t, { model: spark, args: ["--alias", "spark"], env });
  await daemon.logged("the model is ready");
  const client = new Ollama({ host: daemon.url });
  const options = { temperature: 0 };

  await t.test("the same words whole and streamed, from chat and from generate", async () => {
    const whole = await client.chat({ model: "spark", messages: question, options });
    assert.match(whole.message.content, /Spark/);
    let streamed = "";
    for await (const { message } of await client.chat({
      model: "spark:latest",
      messages: question,
      options,
      stream: true,
    })) {
      streamed += message.content;
    }
    assert.equal(streamed, whole.message.content);
    const generated = await client.generate({ model: "spark", prompt: "Hello! Who are you?", options });
    assert.equal(generated.response, whole.message.content);
    assert.equal(generated.eval_count, whole.eval_count);
  });

  await t.test("generate: a stream, with system, format and options", async () => {
    const request = {
      ...{ model: "spark", prompt: "Hello! Who are you?", system: "You are Spark." },
      options: { temperature: 1, seed: 4, num_predict: 20, top_k: 20, top_p: 0.9, repeat_penalty: 1.1, stop: ["!"] },
    };
    const whole = await client.generate(request);
    let streamed = "";
    for await (const { response } of await client.generate({ ...request, stream: true })) streamed += response;
    assert.equal(streamed, whole.response);
    assert.ok(!streamed.includes("!") && whole.eval_count <= 20);
    const { response } = await client.generate({ ...request, format: { enum: ["yes", "no"] } });
    assert.match(JSON.parse(response ?? ""), /^(yes|no)$/);
  });

  await t.test("tools and think: a call in a chunk of its own", async () => {
    for (const think of [false, true, "low"] as const) {
      const stream = await client.chat({
        ...{ model: "spark", stream: true as const, think, options: { temperature: 0, num_ctx: 8192 } },
        messages: [
          { role: "system", content: homeInstructions },
          { role: "user", content: "Turn on the kitchen light" },
        ],
        tools: homeTools()
          .filter(({ name }) => /Turn/.test(name))
          .map((tool) => ({ type: "function", function: tool })) as never,
      });
      const calls = [];
      for await (const { message } of stream) calls.push(...(message.tool_calls ?? []));
      assert.ok(calls.length > 0 && calls.every(({ function: called }) => typeof called.arguments === "object"));
    }
    assert.ok(
      daemon.log.some(({ msg }) => /8192.*context\.tokens/.test(msg)),
      "the smaller context is named",
    );
  });

  await t.test("pull with progress, keep_alive, ps, copy, delete", async () => {
    const statuses = new Set<string>();
    let most = 0;
    for await (const { status, completed = 0, total } of await client.pull({ model: "hf:me/m", stream: true })) {
      statuses.add(status);
      most = Math.max(most, completed);
      assert.ok(total === undefined || total === file.length);
    }
    assert.ok(statuses.has("success") && statuses.has("pulling model") && most === file.length, [...statuses].join());
    const names = async () => (await client.list()).models.map((model) => model.name);
    const [pulled = ""] = (await names()).filter((each) => each !== "spark:latest");
    const loaded = async () => (await client.ps()).models.map((model) => model.name);
    await client.chat({ model: pulled, messages: question, keep_alive: "5m", options: { num_predict: 2 } });
    assert.deepEqual((await loaded()).sort(), [pulled, "spark:latest"].sort());
    const { models } = await client.ps();
    const expires = models.find((model) => model.name === pulled)?.expires_at;
    assert.ok(Math.abs(new Date(String(expires)).getTime() - Date.now() - 300_000) < 60_000, String(expires));
    await client.generate({ model: pulled, prompt: "", keep_alive: 0 });
    assert.deepEqual(await loaded(), ["spark:latest"]);
    await client.copy({ source: pulled, destination: "second" });
    assert.ok((await names()).includes("second:latest"));
    await client.delete({ model: "second" });
    await client.delete({ model: pulled });
    assert.deepEqual(await names(), ["spark:latest"]);
  });

  await t.test("create: a name with a system message, made, told, asked and removed", async () => {
    const statuses: string[] = [];
    const request = { model: "poet", from: "spark", system: "You are a poet.", parameters: { num_predict: 3 } };
    for await (const { status } of await client.create({ ...request, stream: true })) statuses.push(status);
    assert.equal(statuses.at(-1), "success");
    assert.match((await client.show({ model: "poet" })).modelfile, /FROM spark\nSYSTEM """You are a poet\."""/);
    assert.equal((await client.chat({ model: "poet", messages: question })).eval_count, 3);
    await client.delete({ model: "poet" });
  });

  await t.test("Ollama's environment: what means something here holds, the rest is named", async () => {
    assert.equal(((await client.ps()).models[0] as unknown as { context_length: number }).context_length, 1024);
    assert.ok(daemon.log.some(({ msg }) => msg.includes("OLLAMA_FLASH_ATTENTION")));
  });

  await t.test("format: a schema is kept", async () => {
    const format = { type: "object", properties: { room: { enum: ["kitchen", "hall"] } }, required: ["room"] };
    const { message } = await client.chat({
      model: "spark",
      messages: question,
      format,
      options: { ...options, num_predict: 40 },
    });
    assert.match(JSON.parse(message.content).room, /^(kitchen|hall)$/);
  });

  await t.test("list, show, ps, version, embed, pull of what is there", async () => {
    assert.deepEqual(
      (await client.list()).models.map(({ name }) => name),
      ["spark:latest"],
    );
    assert.ok((await client.show({ model: "spark" })).capabilities.includes("tools"));
    assert.equal((await client.ps()).models[0]?.name, "spark:latest");
    assert.match((await client.version()).version, /^\d+\./);
    const { embeddings } = await client.embed({ model: "spark", input: ["a", "b"] });
    assert.equal(embeddings.length, 2);
    assert.equal((await client.pull({ model: "spark" })).status, "success");
  });

  await t.test("errors carry their status; a stream that is aborted gives its slot back", async () => {
    await assert.rejects(client.chat({ model: "other", messages: question }), { status_code: 404 });
    await assert.rejects(client.delete({ model: "other" }), { status_code: 404 });
    await assert.rejects(client.copy({ source: "other", destination: "x" }), { status_code: 404 });
    // Held to a long answer, so that it cannot be over before the client aborts.
    const format = { type: "array", items: { type: "integer" }, minItems: 400 };
    const stream = await client.chat({ model: "spark", messages: question, stream: true, format });
    await assert.rejects(async () => {
      for await (const _chunk of stream) stream.abort();
    });
    const deadline = Date.now() + 5000;
    while ((await daemon.metric("hearth_slots_busy")) > 0) assert.ok(Date.now() < deadline);
  });
});
