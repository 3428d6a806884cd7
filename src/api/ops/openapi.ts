/** The OpenAPI 3.1 document of a server, made of its routes and of the schemas that validate their bodies. Pure. */
import * as z from "zod";
import type { Route, RouteDescription } from "../../net/server.js";

export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, url, scope, api } of routes) {
    if (method === "HEAD" || !api) continue;
    const path = toTemplate(url);
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      summary: api.summary,
      operationId: `${method.toLowerCase()}${path.replace(/[^a-z]+(.)?/gi, (_, next = "") => next.toUpperCase())}`,
      ...(scope === "open" && { security: [] }),
      ...parametersOf(path, api),
      ...(api.takesFile && { requestBody: { required: true, content: { "application/octet-stream": {} } } }),
      ...(api.body && { requestBody: { required: true, content: json(toSchema(api.body)) } }),
      responses: {
        "200": { description: "Done; see the protocol for the form of answers and streams." },
        default: { description: "An error with what was wrong and what to do." },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "hearth", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    // Over loopback and the Unix socket none is asked for, unless the configuration says so.
    security: [{}, { key: [] }],
    paths,
  };
}

/** `/v1/responses/:id` -> `/v1/responses/{id}`, `/v1/models/*` -> `/v1/models/{name}`. */
export function toTemplate(url: string): string {
  return url.replace(/:(\w+)/g, "{$1}").replace("*", "{name}");
}

function parametersOf(path: string, { params, query }: RouteDescription): object {
  const forms: Described = params ? toSchema(params) : {};
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: forms.properties?.[name ?? ""] ?? { type: "string" },
  }));
  const { properties = {}, description }: Described = query ? toSchema(query) : {};
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema,
  }));
  const parameters = [...inPath, ...inQuery];
  return { ...(parameters.length > 0 && { parameters }), ...(description && { description }) };
}

interface Described {
  readonly properties?: Readonly<Record<string, object>>;
  readonly description?: string;
}

function toSchema(schema: z.ZodType): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return described(rest) as object;
}

/** Longer lists are refused, as are requests of their size; a document that names the number says nothing more. */
const mostItems = 1000;

const isInWords = (schema: unknown): boolean => typeof schema === "object" && schema !== null && "x-in-words" in schema;

/** Without what is said in words, see net/openapi-notes.ts, but with its names. */
function described(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.filter((each) => !isInWords(each)).map(described);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema)
    .filter(([key, value]) => key !== "maxItems" || value < mostItems)
    .map(([key, value]) => [key, key === "properties" ? propertiesOf(value) : described(value)]);
  const { properties = {} } = schema as { properties?: Record<string, unknown> };
  const inWords = Object.keys(properties).filter((name) => isInWords(properties[name]));
  if (inWords.length > 0)
    entries.push(["description", `Also, as the server and the rest allow: ${inWords.join(", ")}.`]);
  return Object.fromEntries(entries);
}

function propertiesOf(properties: Readonly<Record<string, unknown>>): object {
  const shown = Object.entries(properties).filter(([, schema]) => !isInWords(schema));
  return Object.fromEntries(shown.map(([name, schema]) => [name, described(schema)]));
}

const json = (schema: object) => ({ "application/json": { schema } });
