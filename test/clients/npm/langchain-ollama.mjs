/** LangChain with its package for Ollama. */
import { ChatOllama, OllamaEmbeddings } from "@langchain/ollama";
import { maxTokens, model, url } from "./checks.mjs";
import { checkLangChain } from "./langchain-checks.mjs";

await checkLangChain(
  (name) => new ChatOllama({ baseUrl: url, model: name, temperature: 0, numPredict: maxTokens, maxRetries: 0 }),
  new OllamaEmbeddings({ baseUrl: url, model }),
  // Not functionCalling: Ollama's protocol cannot require a call, so that it is up to the model.
  ["jsonSchema"],
);
