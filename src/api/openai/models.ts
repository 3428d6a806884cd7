/** /v1/models: which models clients may name. */
import type { Clock } from "../../base/clock.js";
import type { Server } from "../../net/server.js";
import type { Generations } from "../../service/generation.js";

export function registerModels(server: Server, generations: Generations, clock: Clock): void {
  const created = Math.floor(clock.wallTime() / 1000);
  const describe = (id: string) => ({ id, object: "model", created, owned_by: "hearth" });

  server.app.get("/v1/models", async () => ({ object: "list", data: generations.models().map(describe) }));
  // A wildcard, because names may contain slashes.
  server.app.get<{ Params: { "*": string } }>("/v1/models/*", async ({ params }) =>
    describe(generations.resolveModel(params["*"])),
  );
}
