/** /v1/models: which models clients may name. */
import type { Server } from "../../net/server.js";
import type { OpenAIDependencies } from "./answers.js";

export function routeModels({ app }: Server, { generations, clock }: OpenAIDependencies): void {
  const created = Math.floor(clock.wallTime() / 1000);
  const describe = (id: string) => ({ id, object: "model", created, owned_by: "hearth" });

  const list = { api: { summary: "The models that can be named" } };
  app.get("/v1/models", { config: list }, async () => ({ object: "list", data: generations.models().map(describe) }));
  // A wildcard, because names may contain slashes.
  const one = { api: { summary: "One model" } };
  app.get<{ Params: { "*": string } }>("/v1/models/*", { config: one }, async ({ params }) =>
    describe(generations.resolveModel(params["*"])),
  );
}
