/** The AI SDK with its provider for servers that speak OpenAI's chat completions. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany } from "ai";
import { checkLanguageModel } from "./ai-sdk-checks.mjs";
import { assertEmbeddings, check, model, scenario, url } from "./checks.mjs";

const provider = createOpenAICompatible({
  name: "hearth",
  baseURL: `${url}/v1`,
  supportsStructuredOutputs: true,
});

await checkLanguageModel(provider);

await check("embeddings", async () => {
  const { embeddings } = await embedMany({ model: provider.embeddingModel(model), values: scenario.texts });
  assertEmbeddings(embeddings);
});
