import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { sendFile } from "../../helpers/source-server.js";
import { content, hash, refused, setUp, sha256 } from "./pulls.js";

test("a model of Ollama's library is the layer that its manifest names, behind a redirect", async (t) => {
  const { source, pull } = await setUp(t);
  const layer = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: `sha256:${sha256(bytes)}`,
    size: bytes.length,
  });
  source.routes.set("/v2/library/qwen3/manifests/0.6b", (request, response) => {
    assert.match(request.headers.accept ?? "", /docker\.distribution\.manifest\.v2/);
    const layers = [
      layer("application/vnd.ollama.image.template", Buffer.from("{{ .Prompt }}")),
      layer("application/vnd.ollama.image.model", content),
    ];
    response.end(JSON.stringify({ schemaVersion: 2, layers }));
  });
  source.routes.set(`/v2/library/qwen3/blobs/sha256:${hash}`, (_request, response) => {
    response.writeHead(307, { location: "/storage/blob?signature=x" }).end();
  });
  source.routes.set("/storage/blob", (request, response) => sendFile(request, response, content));
  const { model } = await pull("qwen3:0.6b");
  assert.equal(model.name, "qwen3:0.6b");
  assert.ok(readFileSync(model.path).equals(content));
});

test("an address is pulled with the hash that is given, or by its length and header", async (t) => {
  const { source, pull, named } = await setUp(t);
  source.routes.set("/files/Tiny-Q4_0.gguf", (request, response) =>
    sendFile(request, response, content, { etag: '"1"' }),
  );
  const { model } = await pull(`${source.url}/files/Tiny-Q4_0.gguf?token=secret#sha256=${hash}`);
  assert.equal(model.name, "Tiny:Q4_0");
  assert.equal(model.source, `${source.url}/files/Tiny-Q4_0.gguf`);
  const other = await pull(`${source.url}/files/Tiny-Q4_0.gguf`, { name: "other" });
  assert.equal(other.model.files[0]?.sha256, hash);
  const before = named();
  await assert.rejects(
    pull(`${source.url}/files/Tiny-Q4_0.gguf#sha256=${"0".repeat(64)}`, { name: "third" }),
    refused("PULL_BAD_HASH"),
  );
  source.routes.set("/page.gguf", (_request, response) => response.end("<html>Please log in</html>"));
  await assert.rejects(pull(`${source.url}/page.gguf`), refused("GGUF_BAD_MAGIC"));
  assert.deepEqual(named(), before);
});

test("lists and manifests with hostile names, lengths and hashes are refused", async (t) => {
  const { source, pull, store } = await setUp(t);
  const entry = { type: "file", path: "m-Q4_0.gguf", size: 1000, lfs: { oid: hash, size: 1000 } };
  const hostile = [
    [{ ...entry, path: "../../m.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: "/etc/m.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: "a\\..\\m.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: "a\u0000.gguf" }, "MODEL_NAME_INVALID"],
    [{ ...entry, path: `${"x".repeat(5000)}.gguf` }, "MODEL_NAME_INVALID"],
    [{ ...entry, lfs: { oid: "../../etc/passwd", size: 1000 } }, "PULL_BAD_RESPONSE"],
    [{ ...entry, lfs: { oid: hash, size: -1 } }, "PULL_BAD_RESPONSE"],
    [{ ...entry, lfs: { oid: hash, size: 1e300 } }, "PULL_BAD_RESPONSE"],
    [{ ...entry, lfs: { oid: hash, size: 9e15 } }, "MODEL_DOES_NOT_FIT"],
  ] as const;
  for (const [file, code] of hostile) {
    source.routes.set("/api/models/me/m/tree/main", (_request, response) => response.end(JSON.stringify([file])));
    await assert.rejects(pull("hf:me/m"), refused(code), JSON.stringify(file).slice(0, 200));
  }
  await assert.rejects(pull("hf:me/m:Q4_0"), refused("DISK_FULL"), "what no disk holds is not begun");
  const layer = { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${hash}`, size: 1000 };
  for (const layers of [
    [],
    [layer, layer],
    [{ ...layer, digest: "sha256:../../../etc/passwd" }],
    [{ ...layer, digest: `md5:${hash}` }],
    [{ ...layer, size: "many" }],
  ]) {
    source.routes.set("/v2/library/m/manifests/latest", (_request, response) =>
      response.end(JSON.stringify({ layers })),
    );
    await assert.rejects(pull("m"), refused("PULL_BAD_RESPONSE"), JSON.stringify(layers));
  }
  assert.deepEqual(store.scan().models, []);
});

test("a list of several pages is read to its end, of its own origin only", async (t) => {
  const { source, pull } = await setUp(t);
  const entry = (path: string) => ({ type: "file", path, lfs: { oid: hash, size: content.length } });
  const tree = "/api/models/me/m/tree/main";
  source.routes.set(tree, (request, response) => {
    const isSecond = request.url?.includes("cursor=2");
    const link = isSecond ? "<https://evil.example/list>" : `<${source.url}${tree}?cursor=2>`;
    response.setHeader("link", `${link}; rel="next"`);
    response.end(JSON.stringify([entry(isSecond ? "m-Q4_K_M.gguf" : "m-Q8_0.gguf")]));
  });
  source.routes.set("/me/m/resolve/main/m-Q4_K_M.gguf", (request, response) => sendFile(request, response, content));
  assert.equal((await pull("hf:me/m")).model.name, "me/m:Q4_K_M");
});
