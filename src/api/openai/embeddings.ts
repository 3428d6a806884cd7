/** POST /v1/embeddings: texts as vectors, the means of the model's last hidden states. */
import * as z from "zod";
import { mapAtOnce } from "../../base/async.js";
import { demandOf } from "../../net/demand.js";
import { inWords } from "../../net/openapi-notes.js";
import type { Server } from "../../net/server.js";
import { closedSignal } from "../../net/streamed-answers.js";
import { parseAt } from "../../net/validate.js";
import { askedModel } from "../../service/generation.js";
import type { RouteDependencies } from "./answers.js";
import { modelName, requires, severalOf, shortText, tokenIds } from "./fields.js";

/** The public API allows as many in one request. */
const maxInputs = 2048;
/** Texts of one request that are worked on together; many texts of one client must not fill the queue for all. */
const inputsAtOnce = 4;

export const embeddingsSchema = z.object({
  model: modelName,
  // Tokens first: each of a long list would be an error of the others.
  input: z.union([
    z.string().min(1),
    tokenIds,
    z.array(z.string().min(1)).min(1).max(maxInputs),
    z.array(tokenIds).min(1).max(maxInputs).meta(inWords),
  ]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).max(1_048_576).nullish().meta(inWords),
  user: shortText.nullish(),
});

export function routeEmbeddings({ app }: Server, { generations, fields }: RouteDependencies): void {
  const config = { api: { summary: "Texts as vectors", body: embeddingsSchema.meta(requires("input")) } };
  app.post("/v1/embeddings", { config }, async (request, reply) => {
    const body = parseAt(embeddingsSchema, request.body, "");
    const model = askedModel(generations, body.model);
    fields.name(request, reply, embeddingsSchema);
    const signal = closedSignal(reply);
    const demand = demandOf(request.client, request.headers);
    const dimensions = body.dimensions ? { dimensions: body.dimensions } : {};
    const embeddings = await mapAtOnce(severalOf(body.input), inputsAtOnce, (input) =>
      generations.embed({ model, input, ...dimensions, signal, demand }),
    );
    const promptTokens = embeddings.reduce((sum, embedding) => sum + embedding.promptTokens, 0);
    const format = body.encoding_format ?? "float";
    const data = embeddings.map(({ vector }, index) => ({
      object: "embedding",
      index,
      embedding: encoded(vector, format),
    }));
    return { object: "list", data, model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } };
  });
}

/** base64: the float32 numbers, little-endian. */
function encoded(vector: Float32Array, format: "float" | "base64"): number[] | string {
  if (format === "float") return [...vector];
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString("base64");
}
