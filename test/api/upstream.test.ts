/** A daemon that is the upstream of another one: both real, with real models. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { WebSocket } from "ws";
import { startDaemon } from "../helpers/daemon.js";
import { homeInstructions, homeTools, spark } from "../helpers/home.js";
import { assertStream } from "../helpers/open-responses.js";
import { type Event, TestSocket } from "../helpers/server.js";
import { missing } from "../helpers/shared.js";

const skip = missing("models/stories260K.gguf");

test("a board hands requests for a model on to a daemon with more memory", { skip }, async (t) => {
  const attic = await startDaemon(t, { model: spark, args: ["--context", "4096", "--alias", "spark"] });
  await attic.logged("the model is ready");
  const entry = { name: "attic", url: `${attic.url}/v1`, models: ["spark"], health_ms: 500 };
  const board = await startDaemon(t, { env: { HEARTH_UPSTREAM: JSON.stringify([entry]) } });
  await board.logged("the model is ready");
  const tools = homeTools().map((tool) => ({ type: "function" as const, strict: false, ...tool }));
  const request = { model: "spark", instructions: homeInstructions, tools, temperature: 0, max_output_tokens: 100 };
  const input = "Turn on the kitchen light";

  await t.test("the same call as from the daemon itself, over a WebSocket and HTTP", async () => {
    const [direct, routed] = [attic, board].map(
      ({ url }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 }),
    ) as [OpenAI, OpenAI];
    const own = await direct.responses.create({ ...request, input });
    const handed = await routed.responses.create({ ...request, input });
    const calls = ({ output }: typeof own) =>
      output.flatMap((item) => (item.type === "function_call" ? [[item.name, item.arguments]] : []));
    assert.deepEqual(calls(handed), calls(own));
    assert.equal(calls(own)[0]?.[0], "HassTurnOn");
    assert.equal(handed.usage?.output_tokens, own.usage?.output_tokens);
    assert.equal(handed.usage?.input_tokens, own.usage?.input_tokens);

    const client = await TestSocket.open(new WebSocket(`${board.url.replace("http", "ws")}/v1/responses`));
    const events = await client.ask({ ...request, input }, 30_000);
    assertStream(events);
    const { response } = events.at(-1) as Event;
    const result = [{ type: "function_call_output", call_id: response.output[0].call_id, output: '{"success": true}' }];
    assertStream(await client.ask({ ...request, input: result, previous_response_id: response.id }, 30_000));
    client.socket.close();

    const vectors = await Promise.all(
      [direct, routed].map((each) => each.embeddings.create({ model: "spark", input: "Turn on the light" })),
    );
    assert.deepEqual(vectors[1]?.data[0]?.embedding, vectors[0]?.data[0]?.embedding);
  });

  await t.test("Ollama's client finds it in the list", async () => {
    const ollama = new Ollama({ host: board.url });
    const names = (await ollama.list()).models.map(({ name }) => name);
    assert.ok(names.includes("spark:latest"), String(names));
    const messages = [{ role: "user", content: "Hello! Who are you?" }];
    const { message } = await ollama.chat({ model: "spark:latest", messages, options: { temperature: 0 } });
    assert.match(message.content, /Spark/);
  });

  await t.test("it dies: an error that says so, a condition, and the board still answers for itself", async () => {
    attic.kill("SIGKILL");
    await attic.exited;
    const ask = (model: string) =>
      fetch(`${board.url}/v1/responses`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, input: "Once upon a time", max_output_tokens: 5 }),
      });
    const lost = await ask("spark");
    assert.equal(lost.status, 502);
    assert.match(((await lost.json()) as Event).error.message, /attic/);
    assert.equal((await ask("default")).status, 200);
    await board.logged("unhealthy");
    assert.equal((await fetch(`${board.url}/readyz`)).status, 200);
  });
});
