/** Making models: a name for a model with settings of its own, or a model of a file that the client sent before. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import { liftRequestTime } from "../../net/request-time.js";
import { closedSignal } from "../../net/streamed-answers.js";
import { parseAt, unsupported } from "../../net/validate.js";
import type { ModelSettings } from "../../service/model-library.js";
import { isOfPage } from "./body.js";
import { named, pullLines } from "./models.js";
import { blobParams, type CreateRequest, createSchema, optionNames } from "./schema.js";
import type { ApiScope } from "./scope.js";
import { sendLines } from "./stream.js";

export function routeCreate(scope: ApiScope): void {
  const { app, dependencies } = scope;
  const config = {
    scope: "admin" as const,
    api: { summary: "Makes a model of another one, or of a file", body: createSchema },
  };
  app.post("/api/create", { config }, async (request, reply) => {
    const body = parseAt(createSchema, request.body, "");
    const lines = createLines(scope, body, closedSignal(reply));
    return sendLines(request, reply, lines, body.stream !== false, dependencies);
  });
  app.register(async (files) => routeBlobs(files, scope));
}

async function* createLines({ models }: ApiScope, body: CreateRequest, signal: AbortSignal): AsyncGenerator<object> {
  const name = named(body);
  refuseUnsupported(body);
  const settings = toSettings(body);
  const files = Object.values(body.files ?? {});
  if (files.length > 0) {
    yield { status: "parsing GGUF" };
    await models.createFromBlobs(name, files, settings);
  } else {
    const from = body.from ?? "";
    if (from === "") throw new HearthError("REQUEST_INVALID", "from: is missing.", { param: "from" });
    if (!models.has(from)) yield* pullLines(models, from, signal);
    const { digest } = await models.get(from);
    yield { status: `using existing layer sha256:${digest}` };
    await models.derive(name, from, settings);
  }
  yield { status: "writing manifest" };
  yield { status: "success" };
}

function refuseUnsupported({ adapters, quantize, modelfile, files }: CreateRequest): void {
  if (adapters && Object.keys(adapters).length > 0) throw unsupported("adapters", "adapters");
  if (quantize) throw unsupported("quantize", "quantizing on the way; `hearth quantize` does it");
  if (modelfile) throw unsupported("modelfile", "Modelfiles; send from, parameters, system and template");
  const other = Object.keys(files ?? {}).find((file) => !/\.gguf$/i.test(file));
  if (other !== undefined)
    throw unsupported("files", `files other than GGUF, as ${JSON.stringify(other.slice(0, 80))}`);
}

function toSettings({ system, template, license, parameters, messages }: CreateRequest): ModelSettings {
  const unknown = Object.keys(parameters ?? {}).find((key) => !optionNames.includes(key));
  if (unknown !== undefined) {
    const message = `parameters: ${JSON.stringify(unknown.slice(0, 80))} is no parameter.`;
    throw new HearthError("REQUEST_INVALID", message, { param: "parameters" });
  }
  const given = Object.entries(parameters ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const licenses = [license ?? []].flat().join("\n\n");
  return {
    ...(typeof system === "string" && { system }),
    ...(template && { template }),
    ...(licenses !== "" && { license: licenses }),
    ...(given.length > 0 && { parameters: Object.fromEntries(given) as NonNullable<ModelSettings["parameters"]> }),
    ...(messages?.length && { messages: messages.map(({ role, content }) => ({ role, content: content ?? "" })) }),
  };
}

/** Bodies are the files' bytes, of any type and length; the limits are the store's. */
function routeBlobs(app: FastifyInstance, { models, dependencies }: ApiScope): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  const config = { scope: "admin" as const };
  app.head<Digest>(
    "/api/blobs/:digest",
    { config: { ...config, api: { summary: "Whether a file was sent" } } },
    async (request, reply) => {
      const isThere = await models.hasBlob(request.params.digest);
      return reply.code(isThere ? 200 : 404).send("");
    },
  );
  app.post<Digest>(
    "/api/blobs/:digest",
    { config: { ...config, api: { summary: "Takes a file in", params: blobParams, takesFile: true } } },
    async (request, reply) => {
      if (isOfPage(request)) throw new HearthError("CONTENT_TYPE_UNSUPPORTED", "Pages cannot send files.");
      liftRequestTime(request.raw);
      const length = Number(request.headers["content-length"]);
      const bytes = whileSent(request, dependencies);
      await models.receiveBlob(request.params.digest, bytes, Number.isSafeInteger(length) ? length : null);
      return reply.code(201).send("");
    },
  );
}

interface Digest {
  Params: { digest: string };
}

/** A client that sends nothing for so long is cut off. */
async function* whileSent(
  { raw }: FastifyRequest,
  { clock, idleMs }: ApiScope["dependencies"],
): AsyncGenerator<Buffer> {
  const silent = () => raw.destroy(new HearthError("REQUEST_CANCELLED", "The client stopped sending."));
  let cancel = clock.after(idleMs, silent);
  try {
    // A file that is refused ends the reading, and not the connection that says so.
    for await (const piece of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      cancel();
      yield piece;
      cancel = clock.after(idleMs, silent);
    }
  } catch (error) {
    if (error instanceof HearthError) throw error;
    throw new HearthError("REQUEST_CANCELLED", "The client went away before the file was whole.", { cause: error });
  } finally {
    cancel();
  }
}
