/** Clients that are killed in mid-stream and come back, against a real daemon with a real model. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import OpenAI from "openai";
import { WebSocket } from "ws";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { until } from "../helpers/scheduler.js";
import type { Event } from "../helpers/server.js";
import { missing } from "../helpers/shared.js";

const skip = missing("models/stories260K.gguf");
const root = path.join(import.meta.dirname, "..", "..");
const story = { model: "default", input: "Once upon a time", temperature: 0, max_output_tokens: 400 };

/** A client of its own that writes down what it sees, and dies by SIGKILL at the n-th event. */
const client = `
  import { writeSync } from "node:fs";
  import { WebSocket } from "ws";
  const [url, request, last] = process.argv.slice(-3);
  const socket = new WebSocket(url);
  socket.on("open", () => socket.send(request));
  let seen = 0;
  socket.on("message", (data) => {
    writeSync(1, data + "\\n");
    if (++seen === Number(last)) process.kill(process.pid, "SIGKILL");
    if (/"type":"response\\.(completed|incomplete|failed)"|"type":"error"/.test(data)) socket.close();
  });
`;

async function killedClient(daemon: TestDaemon, request: object, events: number): Promise<Event[]> {
  const url = `${daemon.url.replace("http", "ws")}/v1/responses`;
  const frame = JSON.stringify({ type: "response.create", ...request });
  const args = ["--input-type=module", "--eval", client, "--", url, frame, String(events)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  assert.equal(signal, "SIGKILL");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function readOn(daemon: TestDaemon, seen: readonly Event[]): Promise<Event[]> {
  const socket = new WebSocket(`${daemon.url.replace("http", "ws")}/v1/responses`);
  const events: Event[] = [];
  socket.on("message", (data) => events.push(JSON.parse(String(data))));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const last = seen.at(-1)?.sequence_number;
  socket.send(
    JSON.stringify({ type: "hearth:response.resume", response_id: seen[0]?.response.id, starting_after: last }),
  );
  await until(() => /^response\.(completed|incomplete|failed)$|^error$/.test(events.at(-1)?.type), 60_000);
  socket.close();
  return events;
}

const textOf = (events: readonly Event[]) =>
  events
    .filter(({ type }) => type === "response.output_text.delta")
    .map(({ delta }) => delta)
    .join("");

test("a client killed in mid-stream that comes back within the grace period gets every token once", {
  skip,
}, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.logged("the model is ready");
  const openai = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: "none", maxRetries: 0 });
  const whole = (await openai.responses.create(story)).output_text;

  await t.test("over a WebSocket, at whatever event", async () => {
    const points = [5, 6, 17, 60, 100];
    const seen = await Promise.all(points.map((point) => killedClient(daemon, story, point)));
    for (const before of seen) {
      const all = [...before, ...(await readOn(daemon, before))];
      assert.deepEqual(
        all.map(({ sequence_number: number }) => number),
        [...all.keys()],
      );
      assert.equal(textOf(all), whole);
      assert.equal(all.at(-1)?.response.output[0].content[0].text, whole);
    }
  });

  await t.test("over HTTP, with the npm client as it is", async () => {
    const seen = await killedClient(daemon, story, 60);
    const response_id = seen[0]?.response.id;
    const stream = openai.responses.stream({ response_id, starting_after: seen.at(-1)?.sequence_number });
    const rest: Event[] = [];
    stream.on("event", (event) => rest.push(event));
    const final = await stream.finalResponse();
    // It asks for all events, and leaves those out that it is told to have seen.
    assert.equal(final.id, response_id);
    assert.equal(textOf([...seen, ...rest]), whole);
    const retrieved: Event[] = [];
    for await (const event of await openai.responses.retrieve(response_id, { stream: true, starting_after: 30 })) {
      retrieved.push(event);
    }
    assert.equal(retrieved[0]?.sequence_number, 31);
    assert.equal(textOf([...seen.slice(0, 31), ...retrieved]), whole);
  });

  await t.test("and nothing is left of it", async () => {
    for (const name of ["hearth_slots_busy", "hearth_queue_length", "hearth_websockets"]) {
      assert.equal(await daemon.metric(name), 0, name);
    }
    assert.equal(daemon.log.filter(({ level }) => level === "error").length, 0);
  });
});

test("SIGTERM does not wait for clients that are gone", { skip }, async (t) => {
  const endless = {
    ...story,
    max_output_tokens: 100_000,
    text: { format: { type: "grammar", syntax: "gbnf", definition: "root ::= [a-z ,.]+ " } },
  };
  const daemon = await startDaemon(t, { args: ["--context", "100000"], env: { HEARTH_SHUTDOWN_GRACE_MS: "60000" } });
  await daemon.logged("the model is ready");
  await killedClient(daemon, endless, 30);
  const before = performance.now();
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
  assert.ok(performance.now() - before < 20_000);
});
