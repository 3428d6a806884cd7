/** The OpenAPI document against the routes that it describes. */
import assert from "node:assert/strict";
import test from "node:test";
import { toTemplate } from "../../src/api/ops/openapi.js";
import { type Event, startServer } from "../helpers/server.js";

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
    if (method === "POST") assert.ok(takesBody, url);
  }
  const ids = Object.values(document.paths as Event).flatMap((path) =>
    Object.values(path as Event).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(document.paths["/healthz"].get.security, []);
});

test("a body's schema says what its validator takes", async (t) => {
  const server = await startServer(t);
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Event;
  const schema = document.paths["/v1/chat/completions"].post.requestBody.content["application/json"].schema;
  assert.deepEqual(schema.required.sort(), ["messages", "model"]);
  assert.deepEqual(schema.properties.temperature.anyOf[0], { type: "number", minimum: 0, maximum: 2 });
});
