import assert from "node:assert/strict";
import { test } from "node:test";
import { chatTemplate, send, sha256, startWithFile } from "../../../helpers/made-models.js";

test("the digest of a model is its file's SHA-256, in lists and on its own", async (t) => {
  const server = await startWithFile(t);
  const [model] = await server.tags();
  assert.equal(model?.digest, sha256("weights"));
});

const mario = {
  model: "mario",
  from: "fake",
  system: "You are Mario.",
  parameters: { top_k: 3, stop: ["a", "b"] },
};

test("show tells what was set", async (t) => {
  const server = await startWithFile(t);
  await server.create(mario);
  const shown = await server.show("Mario");
  assert.equal(shown.system, "You are Mario.");
  assert.deepEqual(
    shown.parameters.split("\n").map((line: string) => line.split(/ +/)),
    [
      ["top_k", "3"],
      ["stop", '"a"'],
      ["stop", '"b"'],
    ],
  );
  assert.equal(shown.template, chatTemplate);
  assert.match(shown.modelfile, /^FROM fake\nSYSTEM """You are Mario\."""\nPARAMETER top_k 3\n/);
});

test("lists show a made model's base, with its size, family and digest", async (t) => {
  const server = await startWithFile(t);
  await server.create(mario);
  const [own, made] = await server.tags();
  assert.equal(made?.name, "mario:latest");
  assert.equal(made?.details.parent_model, "fake:latest");
  for (const field of ["size", "digest"] as const) assert.equal(made?.[field], own?.[field], field);
  assert.equal(made?.details.family, "fake");
});

test("a copy is removed on its own, and what others are made of stays until they go", async (t) => {
  const server = await startWithFile(t);
  const blob = `sha256:${sha256("tiny")}`;
  await send(server, blob, "tiny");
  await server.create({ model: "own", files: { "m.gguf": blob } });
  assert.equal((await server.post("/api/copy", { source: "own", destination: "second" })).status, 200);
  assert.equal((await server.post("/api/copy", { source: "FAKE:latest", destination: "third" })).status, 200);
  assert.deepEqual((await server.tags()).map(({ name }) => name).sort(), [
    "fake:latest",
    "own:latest",
    "second:latest",
    "third:latest",
  ]);
  assert.equal(await server.remove("own"), 409);
  assert.equal(await server.remove("second"), 200);
  assert.equal(await server.remove("own:latest"), 200);
  assert.equal((await server.post("/api/copy", { source: "nothing", destination: "x" })).status, 404);
  assert.equal((await server.post("/api/copy", { source: "third", destination: "fake" })).status, 409);
});

test("x, X and x:latest are one name on every route", async (t) => {
  const server = await startWithFile(t);
  await server.create({ model: "mario", from: "fake" });
  for (const model of ["fake", "FAKE", "fake:latest", "default:latest", "Mario", "mario:LATEST"]) {
    for (const [route, body] of [
      ["/api/chat", { messages: [{ role: "user", content: "Hi" }], stream: false }],
      ["/api/generate", { prompt: "Hi", stream: false }],
      ["/api/embed", { input: "Hi" }],
      ["/api/show", {}],
      ["/v1/chat/completions", { messages: [{ role: "user", content: "Hi" }] }],
      ["/v1/completions", { prompt: "Hi" }],
      ["/v1/embeddings", { input: "Hi" }],
      ["/v1/responses", { input: "Hi" }],
    ] as const) {
      const { status } = await server.post(route, { model, ...body });
      assert.equal(status, 200, `${model} ${route}`);
    }
  }
});
