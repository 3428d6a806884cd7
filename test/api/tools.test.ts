/** The npm client `openai` controls a home through the model that comes with hearth: a request, its call, the result, words. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import OpenAI from "openai";
import type { FunctionTool, ResponseInputItem } from "openai/resources/responses/responses";
import { ResponsesWS } from "openai/resources/responses/ws";
import { startDaemon } from "../helpers/daemon.js";
import { root } from "../helpers/shared.js";

const spark = path.join(root, "models", "spark", "spark-q8_0.gguf");

/** A system message in Home Assistant's words: how to use the tools, then the devices, sorted by name. */
const instructions = `You are a voice assistant for Home Assistant.
Answer questions about the world truthfully.
Answer in plain text. Keep it simple and to the point.
When controlling Home Assistant always call the intent tools. Use HassTurnOn to lock and HassTurnOff to unlock a lock. When controlling a device, prefer passing just name and domain. When controlling an area, prefer passing just area name and domain.
An overview of the areas and the devices in this smart home:
- names: Desk Lamp
  domain: light
  areas: Office
- names: Front Door
  domain: lock
- names: Kitchen Light
  domain: light
  areas: Kitchen
`;

function homeTools(): FunctionTool[] {
  const known: Record<string, { function: Omit<FunctionTool, "type" | "strict"> }> = JSON.parse(
    readFileSync(path.join(root, "models", "spark", "heldout", "tools.json"), "utf8"),
  );
  return Object.values(known)
    .filter(({ function: { name } }) => /^(Hass(Turn|Light|Climate|Media)|Get)/.test(name))
    .map((tool) => ({ type: "function", strict: false, ...tool.function }));
}

const request = { model: "default", temperature: 0, max_output_tokens: 200, instructions, tools: homeTools() };
const commands = [
  ["Turn on the kitchen light", "HassTurnOn", "Kitchen Light"],
  ["Turn off the desk lamp", "HassTurnOff", "Desk Lamp"],
  ["Turn on the desk lamp", "HassTurnOn", "Desk Lamp"],
] as const;
const result = JSON.stringify({
  speech: {},
  response_type: "action_done",
  data: { success: [{ name: "Kitchen Light", type: "entity", id: "light.kitchen" }], failed: [] },
});

test("a home is controlled by tool calls", async (t) => {
  const daemon = await startDaemon(t, { model: spark, args: ["--context", "4096"] });
  await daemon.logged("the model is ready");
  const client = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: "none", maxRetries: 0 });
  const input: ResponseInputItem[] = [{ role: "user", content: "Turn on the kitchen light" }];

  await t.test("responses.create: a call with its arguments, then words", async () => {
    const asked = await client.responses.create({ ...request, input });
    const call = asked.output.find((item) => item.type === "function_call");
    assert.ok(call, JSON.stringify(asked.output));
    assert.equal(call.name, "HassTurnOn");
    assert.equal(JSON.parse(call.arguments).name, "Kitchen Light");
    assert.equal(asked.status, "completed");
    const told: ResponseInputItem[] = [
      ...input,
      ...asked.output,
      { type: "function_call_output", call_id: call.call_id, output: result },
    ];
    const answer = await client.responses.create({ ...request, input: told });
    assert.match(answer.output_text, /\w{2}/);
    assert.ok(!/tool_call|[{}]/.test(answer.output_text), answer.output_text);
    assert.ok((answer.usage?.input_tokens_details.cached_tokens ?? 0) > 100);
  });

  await t.test("responses.stream: the arguments' deltas are the call's", async () => {
    const stream = client.responses.stream({ ...request, input });
    let json = "";
    stream.on("response.function_call_arguments.delta", ({ delta }) => {
      json += delta;
    });
    const final = await stream.finalResponse();
    const call = final.output.find((item) => item.type === "function_call");
    assert.equal(call?.arguments, json);
    assert.equal(JSON.parse(json).name, "Kitchen Light");
  });

  await t.test(
    "ResponsesWS: commands, calls, results and words on one socket, by the id of the response before",
    async () => {
      const socket = new ResponsesWS(client);
      await new Promise((resolve) => socket.socket.once("open", resolve));
      let previous: string | undefined;
      const ask = async (items: ResponseInputItem[]) => {
        const done = new Promise<OpenAI.Responses.Response>((resolve, reject) => {
          socket.on("error", reject);
          socket.on("response.completed", ({ response }) => resolve(response));
          socket.on("response.incomplete", ({ response }) => reject(new Error(JSON.stringify(response.output))));
        });
        const chain = previous === undefined ? {} : { previous_response_id: previous };
        socket.send({ type: "response.create", ...request, input: items, store: false, ...chain });
        const response = await done;
        previous = response.id;
        return response.output;
      };
      for (const [words, tool, name] of commands) {
        const output = await ask([{ role: "user", content: words }]);
        const call = output.find((item) => item.type === "function_call");
        assert.deepEqual([call?.name, JSON.parse(call?.arguments ?? "{}").name], [tool, name], JSON.stringify(output));
        const told = await ask([{ type: "function_call_output", call_id: call?.call_id ?? "", output: result }]);
        assert.equal(told[0]?.type, "message", JSON.stringify(told));
      }
      socket.close();
    },
  );

  await t.test("tool_choice: the call that is asked for comes, also where words would do", async () => {
    const tool_choice = { type: "function" as const, name: "HassTurnOff" };
    const { output } = await client.responses.create({ ...request, input, tool_choice });
    assert.deepEqual(
      output.map((item) => item.type === "function_call" && item.name),
      ["HassTurnOff"],
    );
  });
});
