/** The routes about models: what there is, what is loaded, fetching, naming and removing. */

import { deferred } from "../../base/async.js";
import { HearthError } from "../../base/errors.js";
import { closedSignal, sendStream, started } from "../../net/stream.js";
import { parseAt, unsupported } from "../../net/validate.js";
import type { LoadedEntry, ModelEntry, ModelFileEntry } from "../../service/models.js";
import type { ApiScope } from "./register.js";
import { copySchema, modelSchema, pullSchema } from "./schema.js";
import { ndjson, serialized } from "./stream.js";

/** The version of Ollama whose API this is: clients ask whether it is new enough. */
const apiVersion = "0.13.0";

export function routeModels({ app, models, dependencies }: ApiScope): void {
  app.get("/api/version", { config: { api: { summary: "The version of the API" } } }, async () => ({
    version: apiVersion,
  }));
  app.get("/api/tags", { config: { api: { summary: "The models of this server" } } }, async () => ({
    models: models.list().map(summary),
  }));
  app.get("/api/ps", { config: { api: { summary: "The models that are loaded" } } }, async () => ({
    models: models.loaded().map((entry) => ({ ...summary(entry), ...residence(entry) })),
  }));
  app.post("/api/show", { config: { api: { summary: "One model", body: modelSchema } } }, async (request) =>
    details(models.get(named(parseAt(modelSchema, request.body, "")))),
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
    const lines = pullLines(models, named(body), closedSignal(reply));
    if (body.stream !== false) {
      const pieces = serialized(await started(lines), request, dependencies);
      return sendStream(request, reply, pieces, { ...dependencies, ...ndjson });
    }
    let last: object = {};
    for await (const line of lines) last = line;
    return last;
  });
}

/** Progress as it comes; what nobody has read yet is replaced by what is newer. */
async function* pullLines(models: ApiScope["models"], name: string, signal: AbortSignal): AsyncGenerator<object> {
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
function named({
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

function summary({ name: plain, modifiedAt, file }: ModelEntry) {
  const name = withTag(plain);
  return {
    name,
    model: name,
    modified_at: new Date(modifiedAt).toISOString(),
    size: file?.bytes ?? 0,
    digest: file?.digest ?? "",
    details: family(file),
  };
}

/** Ollama's clients expect a tag, and take `latest` for none. */
function withTag(name: string): string {
  return name.includes(":") ? name : `${name}:latest`;
}

function family(file: ModelFileEntry | null) {
  const { architecture = "", parameters = 0, type = "" } = file ?? {};
  return {
    parent_model: "",
    format: "gguf",
    family: architecture,
    families: [architecture],
    parameter_size: parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${(parameters / 1e6).toFixed(1)}M`,
    quantization_level: type,
  };
}

/** What stays for ever is told to go at the end of time: clients want a date. */
function residence({ expiresAt, contextTokens }: LoadedEntry) {
  const end = expiresAt === null ? "9999-12-31T23:59:59Z" : new Date(expiresAt).toISOString();
  return { expires_at: end, size_vram: 0, context_length: contextTokens };
}

function details({ name, modifiedAt, file }: ModelEntry) {
  const template = file?.chatTemplate ?? "";
  return {
    license: "",
    modelfile: `FROM ${name}\n`,
    parameters: "",
    template,
    details: family(file),
    model_info: file ? modelInfo(file) : {},
    capabilities: [
      "completion",
      ...(template.includes("tools") ? ["tools"] : []),
      ...(/reasoning_content|<think>/.test(template) ? ["thinking"] : []),
    ],
    modified_at: new Date(modifiedAt).toISOString(),
  };
}

function modelInfo({ architecture, parameters, contextTrained, embedding, layers }: ModelFileEntry) {
  return {
    "general.architecture": architecture,
    "general.parameter_count": parameters,
    [`${architecture}.context_length`]: contextTrained,
    [`${architecture}.embedding_length`]: embedding,
    [`${architecture}.block_count`]: layers,
  };
}
