/** Checks of LangChain with any chat model and any embeddings. */
import assert from "node:assert/strict";
import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import {
  assertCity,
  assertEmbeddings,
  assertOrderedCall,
  assertText,
  assertUnknownModel,
  check,
  model,
  scenario,
  unknownModel,
} from "./checks.mjs";

/** `make`: from a model's name to a chat model. `embeddings`: one of LangChain's. `methods` of structured output. */
export async function checkLangChain(make, embeddings, methods) {
  const chat = make(model);

  await check("invoke", async () => {
    const answer = await chat.invoke(scenario.question);
    assertText(answer.content);
    assert.ok(answer.usage_metadata.output_tokens > 0);
  });

  await check("stream", async () => {
    let whole = new AIMessageChunk("");
    for await (const chunk of await chat.stream(scenario.question)) whole = whole.concat(chunk);
    assertText(whole.content);
  });

  const definition = { type: "function", function: scenario.tool };
  const messages = [new SystemMessage(scenario.instructions), new HumanMessage(scenario.order)];
  const answerCall = (call) =>
    new ToolMessage({ content: scenario.result, tool_call_id: call.id ?? "", name: call.name });

  await check("tools", async () => {
    const bound = chat.bindTools([definition]);
    const asked = await bound.invoke(messages);
    const [call] = asked.tool_calls;
    assertOrderedCall(call.name, call.args);
    const told = await bound.invoke([...messages, asked, answerCall(call)]);
    assert.ok(told.content.length > 0 || told.tool_calls.length > 0);
  });

  await check("tools, streamed", async () => {
    let whole = null;
    for await (const chunk of await chat.bindTools([definition]).stream(messages)) {
      whole = whole === null ? chunk : whole.concat(chunk);
    }
    assertOrderedCall(whole.tool_calls[0].name, whole.tool_calls[0].args);
  });

  for (const method of methods) {
    await check(`structured output by ${method}`, async () => {
      const schema = { title: "city", ...scenario.schema };
      assertCity(await chat.withStructuredOutput(schema, { name: "city", method }).invoke(scenario.wish));
    });
  }

  await check("batch", async () => {
    const answers = await chat.batch([scenario.question, "What can you do?"]);
    for (const { content } of answers) assertText(content);
  });

  await check("embeddings", async () => {
    assertEmbeddings(await embeddings.embedDocuments(scenario.texts));
  });

  await check("an unknown model", async () => {
    await assertUnknownModel(() => make(unknownModel).invoke("Hello"));
  });
}
