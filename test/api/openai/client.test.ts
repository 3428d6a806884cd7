/** The npm client `openai` against a real daemon with a real model, over every transport of the Responses API. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { ResponsesWS } from "openai/resources/responses/ws";
import { startDaemon, type TestDaemon } from "../../helpers/daemon.js";
import { missing, shared } from "../../helpers/shared.js";

const skip = missing("models/stories260K.gguf", "models/greedy.json");
interface Story {
  readonly prompt: string;
  readonly tokens: readonly number[];
  readonly greedy: readonly number[];
}
const stories = (): Story[] => JSON.parse(readFileSync(shared("models/greedy.json"), "utf8")).stories260K;

/** Our token ids, which the client's types do not know. */
const include = ["hearth.token_ids" as "message.output_text.logprobs"];
const greedy = { model: "default", temperature: 0, max_output_tokens: 64, include };

function clientOf(daemon: TestDaemon, apiKey = "any"): OpenAI {
  return new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey, maxRetries: 0 });
}

/** Sends one request and collects its events. */
function askSocket(socket: ResponsesWS, request: object): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("event", (event) => {
      events.push(event);
      if (["response.completed", "response.incomplete", "response.failed"].includes(event.type)) resolve([...events]);
    });
    socket.send({ type: "response.create", ...request });
  });
}

function openSocket(client: OpenAI): Promise<ResponsesWS> {
  const socket = new ResponsesWS(client);
  return new Promise((resolve, reject) => {
    socket.socket.once("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

const tokenIds = (events: readonly object[]) =>
  events.flatMap((event) => ("hearth:token_ids" in event ? (event["hearth:token_ids"] as number[]) : []));

test("the openai client and a model that tells stories", { skip }, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.logged("the model is ready");
  const client = clientOf(daemon);

  await t.test("ResponsesWS: greedy token ids equal the reference", async () => {
    for (const { prompt, tokens, greedy: expected } of stories()) {
      const socket = await openSocket(client);
      const events = await askSocket(socket, { ...greedy, input: prompt });
      socket.close();
      assert.deepEqual(tokenIds(events), expected, prompt);
      const last = events.at(-1);
      assert.ok(last?.type === "response.incomplete");
      assert.equal(last.response.usage?.input_tokens, tokens.length);
    }
  });

  await t.test(
    "responses.stream over SSE: greedy token ids equal the reference, and the text is the deltas'",
    async () => {
      for (const { prompt, greedy: expected } of stories()) {
        const stream = client.responses.stream({ ...greedy, input: prompt });
        const events: object[] = [];
        let text = "";
        stream.on("event", (event) => events.push(event));
        stream.on("response.output_text.delta", ({ delta }) => {
          text += delta;
        });
        const final = await stream.finalResponse();
        assert.deepEqual(tokenIds(events), expected, prompt);
        const [item] = final.output;
        assert.ok(item?.type === "message" && item.content[0]?.type === "output_text");
        assert.equal(item.content[0].text, text);
      }
    },
  );

  await t.test("responses.create: the same text, and usage that adds up", async () => {
    const [story] = stories();
    assert.ok(story);
    const first = await client.responses.create({ ...greedy, input: story.prompt });
    const again = await client.responses.create({ ...greedy, input: [{ role: "user", content: story.prompt }] });
    assert.equal(first.output_text, again.output_text);
    assert.match(first.output_text, /^, there was a little girl named Lily\. /);
    assert.equal(first.status, "incomplete");
    assert.equal(first.incomplete_details?.reason, "max_output_tokens");
    assert.equal(first.usage?.output_tokens, 64);
  });

  await t.test("a prompt asked twice is read once", async () => {
    const input = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";
    const first = await client.responses.create({ ...greedy, input });
    const again = await client.responses.create({ ...greedy, input });
    assert.equal(again.usage?.input_tokens_details.cached_tokens, (first.usage?.input_tokens ?? 0) - 1);
    assert.equal(again.output_text, first.output_text);
  });

  await t.test("four at once give what each gives alone", async () => {
    const answers = await Promise.all(
      stories().map(({ prompt }) => client.responses.create({ ...greedy, input: prompt })),
    );
    for (const [i, { greedy: expected }] of stories().entries()) {
      assert.deepEqual(
        tokenIds(answers[i]?.output.flatMap((item) => ("content" in item ? [...(item.content ?? [])] : [])) ?? []),
        expected,
      );
    }
  });

  await t.test("a story goes on by previous_response_id as if it had been asked for whole", async () => {
    const [story] = stories();
    assert.ok(story);
    const half = { ...greedy, max_output_tokens: 32 };
    const first = await client.responses.create({ ...half, input: story.prompt });
    const second = await client.responses.create({ ...half, input: [], previous_response_id: first.id });
    const whole = await client.responses.create({ ...greedy, input: story.prompt });
    assert.equal(first.output_text + second.output_text, whole.output_text);
  });

  await t.test("a seed repeats an answer", async () => {
    const request = { model: "default", input: "One day", temperature: 1, max_output_tokens: 30 };
    const answer = async (seed: number) =>
      (await client.responses.create({ ...request, seed } as OpenAI.Responses.ResponseCreateParamsNonStreaming))
        .output_text;
    assert.equal(await answer(7), await answer(7));
    assert.notEqual(await answer(7), await answer(8));
  });

  await t.test("retrieve, delete, list of models", async () => {
    const made = await client.responses.create({ ...greedy, max_output_tokens: 4, input: "Hi" });
    assert.equal((await client.responses.retrieve(made.id)).output_text, made.output_text);
    await client.responses.delete(made.id);
    await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
    const names = [];
    for await (const { id } of client.models.list()) names.push(id);
    assert.deepEqual(names, ["stories260K", "spark"]);
    assert.equal((await client.models.retrieve("stories260K")).owned_by, "hearth");
  });

  await t.test("errors come as the client's own classes, with code and param", async () => {
    await assert.rejects(
      client.responses.create({ model: "gpt-5", input: "Hi" }),
      (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found" && error.param === "model",
    );
    await assert.rejects(
      client.responses.create({ model: "default", input: "word ".repeat(500) }),
      (error) => error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded",
    );
    const socket = await openSocket(client);
    const failure = new Promise<{ error?: unknown }>((resolve) => {
      socket.on("error", resolve);
    });
    socket.send({ type: "response.create", model: "default", input: "Hi", temperature: 9 });
    assert.equal(JSON.parse(JSON.stringify((await failure).error)).status, 400);
    const events = await askSocket(await openSocket(client), { ...greedy, max_output_tokens: 2, input: "Hi" });
    assert.equal(events.at(-1)?.type, "response.incomplete");
    socket.close();
  });
});

test("a key that the network needs is the client's apiKey", { skip }, async (t) => {
  const keys = createHash("sha256").update("kitchen").digest("hex");
  const daemon = await startDaemon(t, { env: { HEARTH_AUTH_MODE: "required", HEARTH_AUTH_KEYS: keys } });
  const request = { ...greedy, max_output_tokens: 2, input: "Hi" };
  assert.equal((await clientOf(daemon, "kitchen").responses.create(request)).usage?.output_tokens, 2);
  await assert.rejects(clientOf(daemon, "wrong").responses.create(request), OpenAI.AuthenticationError);
  await assert.rejects(openSocket(clientOf(daemon, "wrong")), /401/);
  const socket = await openSocket(clientOf(daemon, "kitchen"));
  assert.equal((await askSocket(socket, request)).at(-1)?.type, "response.incomplete");
  socket.close();
});
