/** The routes about models: what there is, what is loaded, fetching, naming and removing. What a model is told as is in listing.ts. */

import { deferred } from "../../base/async.js";
import { HearthError } from "../../base/errors.js";
import { closedSignal } from "../../net/streamed-answers.js";
import { parseAt, unsupported } from "../../net/validate.js";
import { details, residence, summary } from "./listing.js";
import { copySchema, modelSchema, pullSchema } from "./schema.js";
import type { ApiScope } from "./scope.js";
import { sendLines } from "./stream.js";

/** The version of Ollama whose API this is: clients ask whether it is new enough. */
const apiVersion = "0.13.0";

export function routeModels({ app, models, dependencies }: ApiScope): void {
  app.get("/api/version", { config: { api: { summary: "The version of the API" } } }, async () => ({
    version: apiVersion,
  }));
  app.get("/api/tags", { config: { api: { summary: "The models of this server" } } }, async () => ({
    models: (await models.list()).map(summary),
  }));
  app.get("/api/ps", { config: { api: { summary: "The models that are loaded" } } }, async () => ({
    models: (await models.loaded()).map((entry) => ({ ...summary(entry), ...residence(entry) })),
  }));
  app.post("/api/show", { config: { api: { summary: "One model", body: modelSchema } } }, async (request) =>
    details(await models.get(named(parseAt(modelSchema, request.body, "")))),
  );

  const admin = (text: string, body: typeof copySchema | typeof modelSchema | typeof pullSchema) => ({
    config: { scope: "admin" as const, api: { summary: text, body } },
  });
  app.post("/api/copy", admin("Gives a model another name", copySchema), async (request, reply) => {
    const { source, destination } = parseAt(copySchema, request.body, "");
    await models.copy(source, destination);
    return reply.send("");
  });
  app.delete("/api/delete", admin("Removes a model or a name", modelSchema), async (request, reply) => {
    await models.remove(named(parseAt(modelSchema, request.body, "")));
    return reply.send("");
  });
  app.post("/api/pull", admin("Downloads a model", pullSchema), async (request, reply) => {
    const body = parseAt(pullSchema, request.body, "");
    if (body.insecure) throw unsupported("insecure", "pulling without a verified connection");
    const lines = withSuccess(pullLines(models, named(body), closedSignal(reply)));
    return sendLines(request, reply, lines, body.stream !== false, dependencies);
  });
}

/** Progress of a download as it comes; what nobody has read yet is replaced by what is newer. */
export async function* pullLines(
  models: ApiScope["models"],
  name: string,
  signal: AbortSignal,
): AsyncGenerator<object> {
  yield { status: "pulling manifest" };
  let newest: object | null = null;
  let news = deferred<void>();
  let ended = false;
  const work = models
    .pull(
      name,
      (progress) => {
        newest = toLine(progress);
        news.resolve();
      },
      signal,
    )
    .finally(() => {
      ended = true;
      news.resolve();
    });
  work.catch(() => {}); // thrown below
  for (;;) {
    await news.promise;
    news = deferred<void>();
    if (newest) yield newest;
    newest = null;
    if (ended) break;
  }
  await work;
  yield { status: "verifying sha256 digest" };
  yield { status: "writing manifest" };
}

async function* withSuccess(lines: AsyncGenerator<object>): AsyncGenerator<object> {
  yield* lines;
  yield { status: "success" };
}

type Progress = Parameters<Parameters<ApiScope["models"]["pull"]>[1]>[0];

function toLine({ phase, completed, total, retrying }: Progress): object {
  if (retrying !== undefined) return { status: `trying again: ${retrying}` };
  if (phase === "resolve") return { status: "pulling manifest" };
  if (phase === "verify") return { status: "verifying sha256 digest" };
  return { status: "pulling model", digest: "model", ...(total > 0 && { total, completed }) };
}

/** `name` in older clients. */
export function named({
  model,
  name,
}: {
  readonly model?: string | null | undefined;
  readonly name?: string | null | undefined;
}): string {
  const given = model ?? name;
  if (given) return given;
  throw new HearthError("REQUEST_INVALID", "model: is missing.", { param: "model" });
}
