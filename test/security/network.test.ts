/** Clients on the network that mean harm, or are made to do it by a page. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { get as httpsGet } from "node:https";
import { createConnection } from "node:net";
import { networkInterfaces } from "node:os";
import path from "node:path";
import test from "node:test";
import { WebSocket } from "ws";
import { type ApiKey, hashKey, type Scope } from "../../src/base/api-key.js";
import { HearthError } from "../../src/base/errors.js";
import { selfSignedCertificate } from "../../src/net/certificate.js";
import { scripted } from "../fake-engine/module.js";
import { temporaryFolder } from "../helpers/folder.js";
import { until } from "../helpers/scheduler.js";
import { startServer, type TestServer, TestSocket } from "../helpers/server.js";

const apiKey = (name: string, limits: Partial<ApiKey> = {}): ApiKey => ({
  id: `id-${name}`,
  name,
  hash: hashKey(name),
  scopes: ["generate"] satisfies Scope[],
  requestsPerMinute: null,
  concurrentRequests: null,
  ...limits,
});
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A request with any headers: fetch would not send a foreign Host. */
function get(
  target: { port: number } | { socketPath: string },
  headers: Record<string, string>,
  path = "/v1/models",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", path, headers, ...target }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject).end();
  });
}

function upgrade(server: TestServer, headers: Record<string, string>, protocols: string[] = []): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/responses`, protocols, { headers });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, response) => resolve(response.resume().statusCode ?? 0));
    socket.on("error", reject);
  });
}

test("DNS rebinding: a Host that is not this device is refused on every bind, with a key or without", async (t) => {
  const onLan = { "server.listen": { host: "0.0.0.0", port: 0 } };
  for (const [config, headers] of [
    [{}, {}],
    [{ ...onLan, "auth.mode": "off" as const }, {}],
    [{ ...onLan, "auth.keys": [hashKey("k")] }, bearer("k")],
  ] as const) {
    const server = await startServer(t, { config });
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "8.8.8.8"]) {
      assert.equal((await get(server, { ...headers, host })).status, 403, host);
      assert.equal(await upgrade(server, { ...headers, host }), 403, host);
    }
    for (const host of ["localhost", "hearth.local", "192.168.1.7:11434"]) {
      assert.equal((await get(server, { ...headers, host })).status, 200, host);
    }
  }
});

test("cross-site requests, WebSocket hijack: other origins are refused, and what a form can send is not read", async (t) => {
  const server = await startServer(t, { config: { "server.allowed_origins": ["http://kiosk.lan"] } });
  for (const [origin, status] of [
    ["http://evil.example", 403],
    ["null", 403],
    [`https://127.0.0.1:${server.port}.evil.example`, 403],
    ["http://kiosk.lan", 200],
    [server.url, 200],
  ] as const) {
    const answer = await fetch(`${server.url}/v1/models`, { headers: { origin } });
    assert.equal(answer.status, status, origin);
    assert.equal(answer.headers.get("access-control-allow-credentials"), null);
    const expected = origin === "http://kiosk.lan" ? origin : null;
    assert.equal(answer.headers.get("access-control-allow-origin"), expected, origin);
    assert.equal(await upgrade(server, { origin }), status === 200 ? 101 : 403, origin);
  }
  // The content types that a page may send anywhere without asking first.
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]) {
    const answer = await server.post("/v1/responses", '{"model":"default","input":"Hi"}', { "content-type": type });
    assert.ok([400, 415].includes(answer.status), `${type}: ${answer.status}`);
  }
});

test("no authentication on a LAN: off loopback nothing but health is answered without a key", async (t) => {
  await assert.rejects(
    startServer(t, { config: { "server.listen": { host: "0.0.0.0", port: 0 } } }),
    (error) => error instanceof HearthError && error.code === "CONFIG_BAD_VALUE",
  );
  const keys = [apiKey("mine")];
  const config = { "server.listen": { host: "0.0.0.0", port: 0 } };
  const server = await startServer(t, { config, keys: () => keys });
  const routes = server.server.routes.filter(({ scope }) => scope !== "open");
  assert.ok(routes.length >= 5);
  // This device may see the daemon's state without a key; whom a proxy speaks for is not this device.
  const headers = { ...bearer("wrong"), "x-forwarded-for": "192.168.1.9" };
  for (const { method, url } of routes) {
    const path = url.replace(/:\w+|\*/g, "x");
    const answer = await fetch(server.url + path, { method, headers });
    assert.equal(answer.status, 401, `${method} ${url}`);
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  }
  assert.equal((await get(server, bearer("mine"))).status, 200);
  assert.equal(await upgrade(server, {}), 401);
  assert.equal(await upgrade(server, bearer("mine")), 101);
  // A browser sets no headers, but can do this; the key is not repeated in the answer.
  const page = new WebSocket(`ws://127.0.0.1:${server.port}/v1/responses`, ["hearth", "openai-insecure-api-key.mine"]);
  await TestSocket.open(page);
  assert.equal(page.protocol, "hearth");
  // From now on, also for connections that are open.
  const open = await TestSocket.open(
    new WebSocket(`ws://127.0.0.1:${server.port}/v1/responses`, { headers: bearer("mine") }),
  );
  keys.pop();
  assert.equal((await get(server, bearer("mine"))).status, 401);
  assert.equal((await open.ask({ input: "Hi" })).at(-1)?.status, 401);
});

test("a key may only do what its scope says", async (t) => {
  const keys = [apiKey("asks"), apiKey("manages", { scopes: ["admin"] })];
  const server = await startServer(t, { config: { "auth.mode": "required" }, keys: () => keys });
  assert.equal((await get(server, bearer("asks"))).status, 200);
  const refused = await get(server, bearer("manages"));
  assert.equal(refused.status, 403);
  assert.equal(JSON.parse(refused.body).error.code, "insufficient_permissions");
});

test("one client reading another's stream: ids cannot be guessed, and only the owner's key finds a response", async (t) => {
  const keys = [apiKey("one"), apiKey("two")];
  const server = await startServer(t, {
    config: { "auth.mode": "required" },
    keys: () => keys,
    fake: { next: scripted("secret") },
  });
  const create = (key: string, body: object) => server.post("/v1/responses", body, bearer(key));
  const ids: string[] = [];
  for (let i = 0; i < 20; i++) ids.push(((await (await create("one", { input: "Hi" })).json()) as { id: string }).id);
  assert.equal(new Set(ids.map((id) => id.slice(0, 20))).size, ids.length, "no common beginnings");
  for (const id of ids) assert.match(id, /^resp_[0-9a-f]{48}$/);
  const [id = ""] = ids;
  const url = `${server.url}/v1/responses/${id}`;
  assert.equal((await fetch(url, { headers: bearer("one") })).status, 200);
  assert.equal((await fetch(url, { headers: bearer("two") })).status, 404);
  assert.equal((await fetch(url, { method: "DELETE", headers: bearer("two") })).status, 404);
  assert.equal((await create("two", { input: "And?", previous_response_id: id })).status, 400);
  assert.equal((await create("one", { input: "And?", previous_response_id: id })).status, 200);
  assert.equal((await fetch(`${server.url}/v1/responses`, { headers: bearer("one") })).status, 405, "there is no list");
  const socket = await server.connect({ headers: bearer("two") });
  const [error] = await socket.ask({ input: "And?", previous_response_id: id });
  assert.equal(error?.error.code, "previous_response_not_found");
});

test("floods: queue, rates, bodies, headers and connections are bounded, and who is turned away is told when to return", async (t) => {
  const keys = [apiKey("fast", { requestsPerMinute: 3 }), apiKey("wide", { concurrentRequests: 2 }), apiKey("calm")];
  const server = await startServer(t, {
    config: { "auth.mode": "required", "scheduler.slots": 1, "scheduler.queue": 1, "limits.message_bytes": 4096 },
    keys: () => keys,
    fake: { manual: true },
  });
  for (let i = 0; i < 3; i++) assert.equal((await get(server, bearer("fast"))).status, 200);
  const limited = await fetch(`${server.url}/v1/models`, { headers: bearer("fast") });
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers.get("retry-after")) <= 20);
  assert.equal((await get(server, bearer("calm"))).status, 200);

  const ask = (key: string) => server.post("/v1/responses", { input: "Hi", max_output_tokens: 2 }, bearer(key));
  const running = [ask("wide"), ask("wide")];
  await until(() => server.module.engines[0]?.held === true);
  assert.equal((await ask("wide")).status, 429);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const overloaded = await ask("calm");
  assert.equal(overloaded.status, 503);
  assert.equal(overloaded.headers.get("retry-after"), "5");
  assert.equal((await server.post("/v1/responses", "x".repeat(5000), bearer("calm"))).status, 413);
  const release = setInterval(() => {
    const [engine] = server.module.engines;
    if (engine?.held) void engine.release();
  }, 5);
  t.after(() => clearInterval(release));
  for (const answer of await Promise.all(running)) assert.equal(answer.status, 200);
  assert.equal((await ask("wide")).status, 200); // what ended is not counted any more
});

test("floods: headers without end are cut off", async (t) => {
  const server = await startServer(t);
  const said = await new Promise<string>((resolve) => {
    let text = "";
    const socket = createConnection(server.port, "127.0.0.1", () => {
      socket.write("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n");
      const more = setInterval(() => socket.write(`X-${"a".repeat(4000)}: ${"b".repeat(4000)}\r\n`), 1);
      socket.on("close", () => {
        clearInterval(more);
        resolve(text);
      });
    });
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
  });
  assert.match(said, /^(HTTP\/1.1 431 |$)/);
  assert.equal((await get(server, {})).status, 200);
});

test("decompression bombs: compressed bodies are refused, and WebSockets do not compress", async (t) => {
  const server = await startServer(t);
  for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
    const answer = await server.post("/v1/responses", '{"model":"default","input":"Hi"}', {
      "content-encoding": encoding,
    });
    assert.equal(answer.status, 415, encoding);
  }
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/responses`, { perMessageDeflate: true });
  await TestSocket.open(socket);
  assert.equal(socket.extensions, "");
  socket.close();
});

test("TLS: a made certificate is for this device, and clients that trust it get in", async (t) => {
  const tls = await selfSignedCertificate({
    hosts: ["kitchen-pi", "localhost", "127.0.0.1"],
    notBefore: Date.now() - 1000,
    notAfter: Date.now() + 60_000,
  });
  const server = await startServer(t, { tls });
  const status = (options: object) =>
    new Promise<number>((resolve, reject) => {
      httpsGet({ host: "127.0.0.1", port: server.port, path: "/v1/models", ...options }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on("error", reject);
    });
  assert.equal(await status({ ca: tls.cert }), 200);
  await assert.rejects(status({}), /self-signed/);
  await assert.rejects(status({ ca: tls.cert, servername: "evil.example" }), /altnames/);
  await assert.rejects(status({ ca: tls.cert, maxVersion: "TLSv1.1", minVersion: "TLSv1" }));
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/v1/models`), "no plain HTTP beside it");
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}/v1/responses`, { ca: tls.cert });
  assert.equal(
    (await (await TestSocket.open(socket)).ask({ input: "Hi", max_output_tokens: 2 })).at(-1)?.type,
    "response.incomplete",
  );
  socket.close();
});

test("the Unix socket asks for no key, its file is the group's, and a stale one is replaced", async (t) => {
  const socketPath = path.join(temporaryFolder(t), "hearth.sock");
  const config = {
    "auth.mode": "auto" as const,
    "server.listen": { host: "0.0.0.0", port: 0 },
    "server.socket": socketPath,
  };
  const server = await startServer(t, { config, keys: () => [apiKey("k")] });
  assert.equal((await get({ socketPath }, { host: "localhost" })).status, 200);
  assert.equal((await get({ socketPath }, { host: "evil.example" })).status, 403);
  assert.equal((await get(server, {})).status, 401);
  await assert.rejects(startServer(t, { config, keys: () => [apiKey("k")] }), /another program uses it/);
  await server.server.stop();
  assert.ok(!existsSync(socketPath));
});

test("one address of the LAN has its requests a minute", { skip: !ownAddress && "no network" }, async (t) => {
  const config = {
    "server.listen": { host: "0.0.0.0", port: 0 },
    "auth.mode": "off" as const,
    "limits.requests_per_minute": 2,
  };
  const server = await startServer(t, { config });
  const url = `http://${ownAddress}:${server.port}`;
  for (const status of [200, 200, 429]) assert.equal((await fetch(`${url}/v1/models`)).status, status);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  for (let i = 0; i < 5; i++) assert.equal((await fetch(`${server.url}/v1/models`)).status, 200, "loopback");
});
