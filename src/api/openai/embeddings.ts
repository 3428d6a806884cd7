/** POST /v1/embeddings: texts as vectors, the means of the model's last hidden states. */
import * as z from "zod";
import { demandOf } from "../../net/demand.js";
import type { Server } from "../../net/server.js";
import { closedSignal } from "../../net/stream.js";
import { parseAt, unsupported } from "../../net/validate.js";
import type { OpenAIDependencies } from "./answers.js";
import { shortText } from "./fields.js";

const tokens = z
  .array(
    z
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  )
  .min(1)
  .max(1_048_576);

export const embeddingsSchema = z.object({
  model: shortText,
  // Tokens first: each of a long list would be an error of the others.
  input: z.union([
    z.string().min(1),
    tokens,
    z.array(z.string().min(1)).min(1).max(256),
    z.array(tokens).min(1).max(256),
  ]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
  user: shortText.nullish(),
});

export function routeEmbeddings({ app }: Server, { generations }: OpenAIDependencies): void {
  const config = { api: { summary: "Texts as vectors", body: embeddingsSchema } };
  app.post("/v1/embeddings", { config }, async (request, reply) => {
    const body = parseAt(embeddingsSchema, request.body, "");
    if (body.dimensions) throw unsupported("dimensions", "vectors of another length than the model's");
    const model = generations.resolveModel(body.model);
    const signal = closedSignal(reply);
    const demand = demandOf(request.caller, request.headers);
    const data: object[] = [];
    let promptTokens = 0;
    // One after the other: many texts of one client must not fill the queue for all.
    for (const [index, input] of inputsOf(body.input).entries()) {
      const embedding = await generations.embed({ model, input, signal, demand });
      promptTokens += embedding.promptTokens;
      data.push({ object: "embedding", index, embedding: encoded(embedding.vector, body.encoding_format ?? "float") });
    }
    return { object: "list", data, model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } };
  });
}

function inputsOf(input: z.infer<typeof embeddingsSchema>["input"]): readonly (string | readonly number[])[] {
  if (typeof input === "string") return [input];
  return isTokens(input) ? [input] : input;
}

function isTokens(input: readonly unknown[]): input is readonly number[] {
  return typeof input[0] === "number";
}

/** base64: the float32 numbers, little-endian. */
function encoded(vector: Float32Array, format: "float" | "base64"): number[] | string {
  if (format === "float") return [...vector];
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString("base64");
}
