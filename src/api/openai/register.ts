/** Adds OpenAI's older protocols to a server: chat completions, completions, embeddings, models. */
import type { Server } from "../../net/server.js";
import type { OpenAIDependencies } from "./answers.js";
import { routeChat } from "./chat.js";
import { routeCompletions } from "./completions.js";
import { routeEmbeddings } from "./embeddings.js";
import { routeModels } from "./models.js";

export function registerOpenAI(server: Server, dependencies: OpenAIDependencies): void {
  routeModels(server, dependencies);
  routeChat(server, dependencies);
  routeCompletions(server, dependencies);
  routeEmbeddings(server, dependencies);
}
