/** POST /v1/chat/completions. */
import type { Server } from "../../net/server.js";
import { parseAt } from "../../net/validate.js";
import { askedModel } from "../../service/generation.js";
import { type RouteDependencies, sendAnswers } from "./answers.js";
import { toGenerations } from "./chat-request.js";
import { chatSchema, refuseUnsupported } from "./chat-schema.js";
import { ChoiceWriter } from "./chat-writer.js";
import { requires } from "./fields.js";

export function routeChat({ app }: Server, dependencies: RouteDependencies): void {
  const config = { api: { summary: "Answers a conversation", body: chatSchema.meta(requires("messages")) } };
  app.post("/v1/chat/completions", { config }, async (request, reply) => {
    const body = parseAt(chatSchema, request.body, "");
    refuseUnsupported(body);
    const model = askedModel(dependencies.generations, body.model);
    dependencies.fields.name(request, reply, chatSchema);
    return sendAnswers(
      request,
      reply,
      {
        prefix: "chatcmpl",
        chunkObject: "chat.completion.chunk",
        object: "chat.completion",
        model,
        stream: body.stream ?? false,
        includeUsage: body.stream_options?.include_usage ?? false,
        serviceTier: body.service_tier ?? null,
        answersPerPrompt: body.n ?? 1,
        toGenerations: (signal) => toGenerations(body, model, signal),
        writer: (index) => new ChoiceWriter(index, { logprobs: body.logprobs ?? false }),
      },
      dependencies,
    );
  });
}
