/** Adds OpenAI's older protocols to a server: chat completions, completions, embeddings, models. */
import type { Server } from "../../net/server.js";
import { UnknownFields } from "../../net/unknown-fields.js";
import type { OpenAIDependencies } from "./answers.js";
import { routeChat } from "./chat.js";
import { routeCompletions } from "./completions.js";
import { routeEmbeddings } from "./embeddings.js";
import { routeModels } from "./models.js";

export function registerOpenAI(server: Server, options: OpenAIDependencies): void {
  const dependencies = { ...options, fields: new UnknownFields(options.logger) };
  routeModels(server, dependencies);
  routeChat(server, dependencies);
  routeCompletions(server, dependencies);
  routeEmbeddings(server, dependencies);
}
