/** Pulls over TLS, straight and through a proxy: who is trusted, and connections that end within a record. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:https";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { exchange } from "../../../src/base/http/exchange.js";
import { HttpFailure } from "../../../src/base/http/failure.js";
import { selfSignedCertificate } from "../../../src/net/certificate.js";
import { hearth } from "../../helpers/command.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { makeGguf } from "../../helpers/gguf.js";
import { startProxy } from "../../helpers/proxy.js";
import { sendFile } from "../../helpers/source-server.js";

const content = makeGguf({ bytes: 300_000 });
const sha256 = createHash("sha256").update(content).digest("hex");

/** A registry over TLS that is `localhost` and no one else. */
async function setUp(t: TestContext) {
  const now = Date.now();
  const pem = await selfSignedCertificate({ hosts: ["localhost"], notBefore: now - 1e6, notAfter: now + 1e8 });
  const server = createServer(pem, (request, response) => {
    const layer = { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${sha256}`, size: content.length };
    if (request.url?.includes("/manifests/")) response.end(JSON.stringify({ layers: [layer] }));
    else void sendFile(request, response, content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const file = path.join(temporaryFolder(t), "cert.pem");
  writeFileSync(file, pem.cert);
  const pull = (endpoint: string, env: Record<string, string>) =>
    hearth(t, ["models", "pull", "m:1b"], { env: { HEARTH_PULL_OLLAMA_ENDPOINT: endpoint, NO_PROXY: "", ...env } });
  return { port, pull, trusted: { NODE_EXTRA_CA_CERTS: file } };
}

test("a source over TLS is pulled from where its certificate is trusted, also through a proxy", async (t) => {
  const { port, pull, trusted } = await setUp(t);
  const straight = await pull(`https://localhost:${port}`, trusted);
  assert.equal(straight.status, 0, straight.stderr);
  const proxy = await startProxy(t, port);
  const through = await pull("https://localhost", { ...trusted, HTTPS_PROXY: proxy.url });
  assert.equal(through.status, 0, through.stderr);
  assert.ok(proxy.asked.length >= 2 && proxy.asked.every((host) => host === "localhost:443"));
});

test("a certificate that is not trusted, or is another host's, is refused at once, also behind a proxy", async (t) => {
  const { port, pull, trusted } = await setUp(t);
  const proxy = await startProxy(t, port);
  for (const [endpoint, env, why] of [
    [`https://localhost:${port}`, {}, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [`https://127.0.0.1:${port}`, trusted, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["https://models.internal", { ...trusted, HTTPS_PROXY: proxy.url }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ] as const) {
    const { status, stderr } = await pull(endpoint, env);
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(`PULL_REFUSED: .* has a certificate that is not trusted \\(${why}\\)`));
  }
});

test("a proxy that closes within TLS, at any byte, is a failure and no end of the process", async (t) => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  t.after(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  const { port } = await setUp(t);
  let left = 0;
  const proxy = await startProxy(t, port, () => left);
  for (left = 0; left < 20_000; left += left < 2500 ? 37 : 1999) {
    const read = async () => {
      const { body } = await exchange(new URL("https://localhost/file"), {
        method: "GET",
        ...{ headers: {}, body: null, connectMs: 5000, lookupMs: 5000, headMs: 5000, idleMs: 5000, addresses: "any" },
        proxy: new URL(proxy.url),
        signal: new AbortController().signal,
      });
      for await (const _ of body);
    };
    await assert.rejects(read, (error) => error instanceof HttpFailure, `${left} bytes`);
  }
});
