/** The OpenAPI document against the routes that it describes. */
import assert from "node:assert/strict";
import test from "node:test";
import { toTemplate } from "../../../../src/api/ops/openapi.js";
import { type Event, startServer } from "../../../helpers/server.js";

/** Routes that are told all by their address. */
const bodiless = ["/v1/responses/:id/cancel", "/hearth/v1/doctor"];

test("the OpenAPI document has every route, and nothing else", async (t) => {
  const server = await startServer(t);
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Event;
  assert.equal(document.openapi, "3.1.0");
  const described = Object.entries(document.paths as Event).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = server.server.routes.filter(({ method }) => method !== "HEAD");
  assert.deepEqual(described.sort(), routes.map(({ method, url }) => `${method} ${toTemplate(url)}`).sort());
  assert.ok(routes.length > 15);
  for (const { method, url, api } of routes) {
    assert.ok(api, `${method} ${url}`);
    const operation = document.paths[toTemplate(url)][method.toLowerCase()];
    const takesBody = api.body !== undefined || api.takesFile === true;
    assert.equal(operation.requestBody !== undefined, takesBody, url);
    if (method === "POST") assert.equal(!takesBody, bodiless.includes(url), url);
  }
  const ids = Object.values(document.paths as Event).flatMap((path) =>
    Object.values(path as Event).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(document.paths["/healthz"].get.security, []);
  // Loopback needs no key.
  assert.deepEqual(document.security, [{}, { key: [] }]);
});

test("a body's schema says what its validator takes", async (t) => {
  const server = await startServer(t);
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Event;
  const schema = document.paths["/v1/chat/completions"].post.requestBody.content["application/json"].schema;
  assert.deepEqual(schema.required.sort(), ["messages", "model"]);
  assert.deepEqual(schema.properties.temperature.anyOf[0], { type: "number", minimum: 0, maximum: 2 });
  for (const path of ["chat/completions", "completions", "embeddings", "responses", "responses/compact"]) {
    const { properties } = document.paths[`/v1/${path}`].post.requestBody.content["application/json"].schema;
    assert.equal(properties.model.minLength, 1, `${path}: a model without a name is refused`);
  }
  const { requestBody } = document.paths["/v1/responses/input_tokens"].post;
  const counted = requestBody.content["application/json"].schema;
  assert.deepEqual(counted.required, ["input"]);
  assert.deepEqual(counted.properties.model.anyOf[1], { type: "null" }, "tokens are counted without a model's name");
});

test("the queries that a route takes are described", async (t) => {
  const server = await startServer(t);
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Event;
  const { parameters } = document.paths["/v1/responses/{id}/input_items"].get;
  assert.deepEqual(
    parameters.map((parameter: Event) => [parameter.name, parameter.in, parameter.required]),
    [
      ["id", "path", true],
      ["limit", "query", false],
      ["order", "query", false],
    ],
  );
  assert.deepEqual(parameters[2].schema, { type: "string", enum: ["asc", "desc"] });
});

test("a parameter of a path has the form that its route takes", async (t) => {
  const server = await startServer(t);
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Event;
  const [digest] = document.paths["/api/blobs/{digest}"].post.parameters;
  const form = new RegExp(digest.schema.pattern);
  const status = async (name: string) => (await fetch(`${server.url}/api/blobs/${name}`, { method: "HEAD" })).status;
  for (const name of [`sha256:${"0".repeat(64)}`, `sha256:${"A".repeat(64)}`, "sha256:0", "0"]) {
    assert.equal(form.test(name), (await status(name)) !== 400, name);
  }
  const [id] = document.paths["/v1/responses/{id}"].get.parameters;
  assert.deepEqual(id.schema, { type: "string" });
});

test("a method that a path does not have is 405, and Allow names those that it has", async (t) => {
  const server = await startServer(t);
  for (const [method, path, allow] of [
    ["GET", "/v1/chat/completions", "POST"],
    ["PUT", "/v1/responses/resp_1", "DELETE, GET, HEAD"],
    ["POST", "/v1/models/a/b", "GET, HEAD"],
  ] as const) {
    const response = await fetch(`${server.url}${path}`, { method });
    assert.equal(response.status, 405, path);
    assert.equal(response.headers.get("allow"), allow);
    assert.equal(((await response.json()) as Event).error.code, "method_not_allowed");
  }
  assert.equal((await fetch(`${server.url}/v1/nothing`, { method: "POST" })).status, 404);
});
