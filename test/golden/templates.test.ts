/**
 * Published chat templates: every reference conversation renders to the same text or is refused, through the template alone
 * and through the whole way to tokens and back; and what a template writes as a call or as reasoning is read as such.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { type AnswerFormat, detectFormat } from "../../src/chat/answers/formats.js";
import { Shield } from "../../src/chat/control-token-shield.js";
import { fitConversation, templateMessage } from "../../src/chat/conversation.js";
import { answerGrammar } from "../../src/chat/grammar/answer.js";
import type { Message, Tool } from "../../src/chat/messages.js";
import { PromptBuilder } from "../../src/chat/prompt.js";
import { ChatTemplate } from "../../src/chat/template.js";
import { probeTemplate } from "../../src/chat/template-traits.js";
import { Tokenizer } from "../../src/chat/tokenizer.js";
import { templateTool } from "../../src/chat/tool-prompt.js";
import type { Model } from "../../src/engine/contract.js";
import { loadSpark } from "../grammar/spark.js";
import { read } from "../helpers/answers.js";
import { testModel } from "../helpers/chat-model.js";
import { missing, shared } from "../helpers/shared.js";

const folder = "golden/template";
const now = () => new Date(2026, 10, 23, 9, 30);

interface WireMessage {
  readonly role: Message["role"];
  readonly content: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly { id: string; function: { name: string; arguments: unknown } }[];
  readonly tool_call_id?: string;
  readonly name?: string;
}

interface Case {
  readonly name: string;
  readonly args: Record<string, unknown> & { messages: WireMessage[]; tools?: { function: Tool }[] };
  readonly expect?: string;
}

/** Texts of a template that look like tokens. */
const markup = /<\|?[\w/|"▁｜]+\|?>|\[\/?[A-Z_]+\]/g;

function modelOf(source: string): Model {
  const texts = new Set(["<BOS>", "<EOS>", ...(source.match(markup) ?? [])]);
  const special = [...texts].map((text) => ({ text, control: !/think|^<\/?tool/.test(text) }));
  return testModel({ special, bos: "<BOS>", eos: "<EOS>", chatTemplate: source });
}

function toMessage({ role, content, reasoning_content, tool_calls, tool_call_id, name }: WireMessage): Message {
  const toolCalls = tool_calls?.map(({ id, function: { name, arguments: args } }) => ({
    id,
    name,
    arguments: JSON.stringify(args),
  }));
  return {
    role,
    content,
    ...(reasoning_content === undefined ? {} : { reasoning: reasoning_content }),
    ...(toolCalls ? { toolCalls } : {}),
    ...(tool_call_id === undefined ? {} : { toolCallId: tool_call_id }),
    ...(name === undefined ? {} : { toolName: name }),
  };
}

/** The prompt's tokens as text. */
async function prompted(model: Model, { args }: Case): Promise<string> {
  const { messages, tools = [], add_generation_prompt, bos_token, eos_token, ...variables } = args;
  const builder = await PromptBuilder.open(model, new Tokenizer(model), { now });
  const { tokens } = await builder.build(messages.map(toMessage), {
    tools: tools.map((tool) => tool.function),
    addGenerationPrompt: add_generation_prompt === true,
    variables,
  });
  return new TextDecoder().decode(model.decode(tokens, true));
}

const probe = (template: ChatTemplate) => probeTemplate(template, { bos_token: "<BOS>", eos_token: "<EOS>" });

/** Whether our conversation has to differ from the reference's: the template leaves out what the model should see. */
function isFitted({ args }: Case, template: ChatTemplate): boolean {
  const traits = probe(template);
  const hasCalls = args.messages.some((message) => message.tool_calls);
  return (
    (args.tools !== undefined && !traits.tools) ||
    (hasCalls && !(traits.calls && traits.results && !traits.nullContent))
  );
}

const files = missing(folder) ? [] : readdirSync(shared(folder)).filter((name) => name.endsWith(".jinja"));

test("there are templates", { skip: missing(folder) }, () => assert.ok(files.length >= 14));

for (const file of files) {
  const source = readFileSync(shared(`${folder}/${file}`), "utf8");
  const cases: Case[] = JSON.parse(readFileSync(shared(`${folder}/${file.replace(".jinja", ".json")}`), "utf8"));

  test(`${file}: every conversation renders as in Jinja2`, async () => {
    const template = new ChatTemplate(source, { now });
    const special = modelOf(source).info.tokenizer.specialTokens.map((token) => ({ ...token, control: true }));
    for (const { name, args, expect } of cases) {
      if (expect === undefined) {
        assert.throws(() => template.render(args), { code: "CHAT_TEMPLATE_FAILED" }, name);
        continue;
      }
      assert.equal(template.render(args), expect, name);
      // Marks in the messages change nothing but themselves.
      const { messages, tools, ...rest } = args;
      const marked = new Shield(special).apply({ messages, ...(tools ? { tools } : {}) }, "\ufdd0");
      assert.equal(template.render({ ...rest, ...marked }).replaceAll("\ufdd0", ""), expect, `${name} with marks`);
    }
  });

  test(`${file}: conversations come to the model as in Jinja2`, async () => {
    const template = new ChatTemplate(source, { now });
    for (const each of cases.filter((each) => !isFitted(each, template))) {
      const { expect, name } = each;
      if (expect !== undefined) assert.equal(await prompted(modelOf(source), each), expect, name);
      else {
        // A conversation that the template refuses comes to the model in another form, with all that was said.
        const text = await prompted(modelOf(source), each);
        for (const { content } of each.args.messages) assert.ok(text.includes(content.trim()), `${name}: ${text}`);
      }
    }
  });

  test(`${file}: tools, calls and results reach the model in some form`, async () => {
    const text = await prompted(modelOf(source), {
      name: "all",
      args: {
        messages: [
          { role: "user", content: "Weather?" },
          {
            role: "assistant",
            content: "",
            tool_calls: [{ id: "call_1", function: { name: "seen", arguments: { at: "Oslo" } } }],
          },
          { role: "tool", content: "-3 degrees", tool_call_id: "call_1", name: "seen" },
        ],
        tools: [{ function: { name: "told", description: "Tells" } }],
        add_generation_prompt: true,
      },
    });
    for (const word of ["told", "seen", "Oslo", "-3 degrees"]) assert.ok(text.includes(word), `${word} in ${text}`);
  });

  test(`${file}: the calls and the reasoning that it writes are read back and allowed`, async () => {
    const template = new ChatTemplate(source, { now });
    const traits = probe(template);
    const format = detectFormat(source, []);
    const tool: Tool = {
      name: "get_weather",
      parameters: { type: "object", properties: { place: { type: "string" } } },
    };
    const declared: Tool = {
      name: "get_weather",
      parameters: {
        type: "object",
        properties: {
          place: { type: "string" },
          days: { type: "integer" },
          hourly: { type: "boolean" },
          units: { type: "array", items: { type: "string" } },
        },
      },
    };
    const calls = [
      { name: "get_weather", arguments: { place: 'Åre "north" </b>', days: 3, hourly: true, units: ["C", "F"] } },
      { name: "get_weather", arguments: { place: "2" } },
    ].slice(0, source.includes("single tool-calls") ? 1 : 2);
    for (const said of [calls, []]) {
      const answer: Message = {
        role: "assistant",
        content: said.length > 0 ? "" : "It is -3.",
        reasoning: "Two and two.",
        toolCalls: said.map((call, i) => ({
          id: `call_${i}`,
          name: call.name,
          arguments: JSON.stringify(call.arguments),
        })),
      };
      const conversation = [{ role: "user", content: "Weather?" } as const, answer].map((each) =>
        templateMessage(each, false),
      );
      const { messages, tools } = fitConversation(conversation, [templateTool(tool)], traits, format);
      const render = (messages: readonly unknown[], add_generation_prompt: boolean) =>
        template.render({ messages, add_generation_prompt, tools, bos_token: "<BOS>", eos_token: "<EOS>" });
      const { written, inReasoning } = answerIn(render(messages.slice(0, -1), true), render(messages, false), source);
      const expected = {
        text: answer.content,
        reasoning: written.includes("Two and two.") ? "Two and two." : "",
        calls: said,
      };
      for (const size of [1, 2, 5, 1000]) {
        assert.deepEqual(read(format, [tool], written, size, inReasoning), expected, written);
      }
      await assertAllowed(written, { format, inReasoning, tools: [declared] });
    }
  });
}

/** The grammar of answers lets the model write it. */
async function assertAllowed(
  written: string,
  { format, ...shape }: { format: AnswerFormat; inReasoning: boolean; tools: readonly Tool[] },
): Promise<void> {
  const gbnf = answerGrammar({
    ...shape,
    ...{ format: { type: "text" }, several: true, begun: null, specialTokens: [] },
    family: format.tools,
    reasoning: format.reasoning,
  });
  const grammar = await (await loadSpark()).compileGrammar(gbnf ?? "");
  assert.equal(grammar.match(written), "whole", written);
}

/** The text that the model would have written: from where the generation prompt ends, or parts from it, to the token that ends it. */
function answerIn(prompt: string, whole: string, source: string): { written: string; inReasoning: boolean } {
  const pieces = (text: string) => text.split(/(<[^<>\n]*>|\[\/?[A-Z_]+\]|\n)/).filter((piece) => piece !== "");
  const before = pieces(prompt);
  const all = pieces(whole);
  let common = 0;
  while (common < before.length && before[common] === all[common]) common++;
  const inReasoning = /(<think>|<\|channel>thought)\s*$/.test(before.slice(0, common).join(""));
  const rest = all.slice(common).join("");
  const ends = ["<|im_end|>", "<EOS>", "<|end_of_text|>", "<|eot_id|>", "<|end|>", "<turn|>", "<end_of_turn>"];
  const more = source.includes("<|tool_response>") ? ["<|tool_response>"] : ["<｜end▁of▁sentence｜>"];
  const end = Math.min(...[...ends, ...more].map((each) => rest.indexOf(each)).filter((at) => at >= 0));
  return { written: rest.slice(0, end), inReasoning };
}
