import assert from "node:assert/strict";
import { test } from "node:test";
import { type Handler, sendFile, serveRepository, startSource } from "../../helpers/source-server.js";
import { content, file, refused, setUp } from "./pulls.js";

test("redirects to addresses that are not public are refused before anything is asked there", async (t) => {
  const { source, pull, named } = await setUp(t);
  const inside = await startSource(t);
  inside.routes.set("/m.gguf", (request, response) => sendFile(request, response, content));
  const port = new URL(inside.url).port;
  for (const location of [
    `${inside.url}/m.gguf`,
    `http://localhost:${port}/m.gguf`,
    `https://localhost:${port}/m.gguf`,
    `https://127.0.0.1:${port}/m.gguf`,
    `https://[::1]:${port}/m.gguf`,
    `https://[::ffff:127.0.0.1]:${port}/m.gguf`,
    "http://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/m.gguf",
    "https://192.168.1.1/m.gguf",
    "https://0.0.0.0/m.gguf",
    "https://2130706433/m.gguf",
    "https://user:password@huggingface.co/m.gguf",
    "file:///etc/passwd",
    "ftp://huggingface.co/m.gguf",
  ]) {
    serveRepository(
      source,
      "me/m",
      file((_request, response) => response.writeHead(302, { location }).end()),
    );
    await assert.rejects(pull("hf:me/m"), refused("PULL_REFUSED"), location);
  }
  assert.equal(inside.requests.length, 0);
  assert.deepEqual(named(), []);
});

test("an address that a client gives may not be of the own network", async (t) => {
  const { source, pull } = await setUp(t);
  const inside = await startSource(t);
  const asClient = { trustAddress: false };
  for (const url of [
    `${inside.url}/m.gguf`,
    `${inside.url.replace("http", "https")}/m.gguf`,
    "http://example.com/m.gguf",
  ]) {
    await assert.rejects(pull(url, asClient), refused("PULL_REFUSED"), url);
  }
  await assert.rejects(pull("http://example.com/m.gguf"), refused("PULL_REFUSED"), "plain http is for the own network");
  assert.equal(inside.requests.length + source.requests.length, 0);
});

test("redirects without end or aim are refused", async (t) => {
  const { source, pull } = await setUp(t);
  serveRepository(
    source,
    "me/m",
    file((_request, response) => response.writeHead(302, { location: "?" }).end()),
  );
  await assert.rejects(pull("hf:me/m"), refused("PULL_REFUSED"));
  serveRepository(
    source,
    "me/m",
    file((_request, response) => response.writeHead(302).end()),
  );
  await assert.rejects(pull("hf:me/m"), refused("PULL_BAD_RESPONSE"));
});

test("the token goes to Hugging Face and to no other origin", async (t) => {
  const { source, pull } = await setUp(t);
  const storage = await startSource(t);
  storage.routes.set("/blob", (request, response) => sendFile(request, response, content));
  const elsewhere: Handler = (_request, response) => {
    response.writeHead(302, { location: `${storage.url}/blob` }).end();
  };
  serveRepository(source, "me/m", file(elsewhere));
  // The registry's origin is one that a redirect may lead to.
  await pull("hf:me/m", {}, { ollama: new URL(storage.url), huggingFaceToken: "hf_secret" });
  assert.ok(source.requests.every(({ headers }) => headers.authorization === "Bearer hf_secret"));
  assert.ok(storage.requests.length > 0);
  assert.ok(storage.requests.every(({ headers }) => headers.authorization === undefined));
});

test("refusals of the source tell what to do", async (t) => {
  const { source, pull } = await setUp(t);
  await assert.rejects(pull("hf:me/none"), refused("PULL_NOT_FOUND"));
  await assert.rejects(pull("none:1b"), refused("PULL_NOT_FOUND"));
  const answer = (status: number, body: string) => {
    source.routes.set("/api/models/me/m/tree/main", (_request, response) => response.writeHead(status).end(body));
    return pull("hf:me/m");
  };
  await assert.rejects(answer(401, ""), refused("PULL_DENIED"));
  await assert.rejects(answer(403, ""), refused("PULL_DENIED"));
  await assert.rejects(answer(500, ""), refused("PULL_FAILED"));
  await assert.rejects(answer(418, ""), refused("PULL_BAD_RESPONSE"));
  await assert.rejects(answer(200, "<html>"), refused("PULL_BAD_RESPONSE"));
  await assert.rejects(answer(200, '{"error": 1}'), refused("PULL_BAD_RESPONSE"));
  await assert.rejects(answer(200, "[]"), refused("PULL_NOT_FOUND"));
});
