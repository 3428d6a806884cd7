/** LangChain with its package for OpenAI. */
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { maxTokens, model, url } from "./checks.mjs";
import { checkLangChain } from "./langchain-checks.mjs";

const settings = { apiKey: "none", maxRetries: 0, configuration: { baseURL: `${url}/v1` } };

await checkLangChain(
  (name) => new ChatOpenAI({ ...settings, model: name, temperature: 0, maxTokens }),
  new OpenAIEmbeddings({ ...settings, model }),
  ["jsonSchema", "functionCalling"],
);
