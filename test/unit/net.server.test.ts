import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import test, { type TestContext } from "node:test";
import { WebSocket } from "ws";
import { loadConfig } from "../../src/config/load.js";
import { scripted } from "../fake-engine/module.js";
import { until } from "../helpers/scheduler.js";
import { startServer, type TestServer, TestSocket } from "../helpers/server.js";

/** A request with any headers: fetch would not send a foreign Host. */
function get(
  server: TestServer,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: server.port, host: "127.0.0.1", path, headers }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject).end();
  });
}

function upgradeStatus(server: TestServer, headers: Record<string, string>, path = "/v1/responses"): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on("error", reject);
  });
}

/** Everything that the server says to raw bytes, until it closes. */
function speak(server: TestServer, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(said));
  });
}

test("a foreign Host or Origin is refused, over HTTP and on the upgrade", async (t) => {
  const server = await startServer(t);
  const own = `127.0.0.1:${server.port}`;
  for (const [headers, status] of [
    [{}, 200],
    [{ host: "evil.example" }, 403],
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: `http://${own}` }, 200],
  ] as const) {
    assert.equal((await get(server, "/v1/models", headers)).status, status, JSON.stringify(headers));
    assert.equal(await upgradeStatus(server, headers), status === 200 ? 101 : status, JSON.stringify(headers));
  }
});

test("a configured origin may read the answers, and no other is told that it may", async (t) => {
  const server = await startServer(t, { config: { "server.allowed_origins": ["http://kiosk.lan"] } });
  const preflight = await fetch(`${server.url}/v1/responses`, {
    method: "OPTIONS",
    headers: { origin: "http://kiosk.lan", "access-control-request-method": "POST" },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "http://kiosk.lan");
  const own = await fetch(`${server.url}/v1/models`, { headers: { origin: server.url } });
  assert.equal(own.headers.get("access-control-allow-origin"), null);
});

test("apps and browser extensions may be allowed by their origins", async (t) => {
  const allowed = "app://obsidian.md,chrome-extension://bfnaelmomeimhlpmgjnjophhpkkoljpa,capacitor://localhost";
  const { config } = loadConfig({ env: { HEARTH_ALLOWED_ORIGINS: allowed }, flags: {} });
  const origins = config["server.allowed_origins"];
  assert.deepEqual(origins, allowed.split(","));
  const server = await startServer(t, { config: { "server.allowed_origins": origins } });
  for (const origin of origins) {
    assert.equal((await get(server, "/v1/models", { origin })).status, 200, origin);
    assert.equal(await upgradeStatus(server, { origin }), 101, origin);
    const response = await fetch(`${server.url}/v1/models`, { headers: { origin } });
    assert.equal(response.headers.get("access-control-allow-origin"), origin);
  }
  for (const origin of ["app://other.md", "chrome-extension://aaaa", "null", "moz-extension://x"]) {
    assert.equal((await get(server, "/v1/models", { origin })).status, 403, origin);
  }
  for (const bad of ["obsidian.md", "null", "app:/x", "app://", "://x", "app://a b", "app://a/path"]) {
    assert.throws(() => loadConfig({ env: { HEARTH_ALLOWED_ORIGINS: bad }, flags: {} }), /allowed_origins/, bad);
  }
});

test("with a key required, requests and upgrades without it are refused; health needs none", async (t) => {
  const config = {
    "auth.mode": "required" as const,
    "auth.keys": [createHash("sha256").update("secret").digest("hex")],
  };
  const server = await startServer(t, { config });
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 401);
  assert.equal((await fetch(`${server.url}/metrics`)).status, 401);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  const authorization = "Bearer secret";
  assert.equal((await fetch(`${server.url}/v1/models`, { headers: { authorization } })).status, 200);
  assert.equal(await upgradeStatus(server, {}), 401);
  assert.equal(await upgradeStatus(server, { authorization }), 101);
});

test("only JSON bodies are read, and errors are JSON with a code", async (t) => {
  const server = await startServer(t);
  const cases: [string, Record<string, string>, number, string][] = [
    ["x=1", { "content-type": "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
    ['{"input":"Hi"}', { "content-type": "text/plain" }, 415, "unsupported_media_type"],
    ["{", {}, 400, "invalid_value"],
    ["", {}, 400, "invalid_value"],
    ["[]", {}, 400, "invalid_value"],
    ["null", {}, 400, "invalid_value"],
    [`{"input":"${"x".repeat(2 * 1024 * 1024)}"}`, {}, 413, "request_too_large"],
  ];
  for (const [body, headers, status, code] of cases) {
    const response = await server.post("/v1/responses", body, headers);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.deepEqual([response.status, error.code], [status, code], body.slice(0, 40));
    assert.ok(error.message.length > 10);
  }
  const missing = await fetch(`${server.url}/nothing`);
  assert.equal(missing.status, 404);
  assert.equal(((await missing.json()) as { error: { code: string } }).error.code, "not_found");
});

test("keys that would change prototypes are left out of bodies, at any depth", async (t) => {
  const server = await startServer(t, { fake: { next: scripted("ok") } });
  const poison = '"__proto__":{"a":"b"},"constructor":{"prototype":{"a":"b"}}';
  const response = await server.post(
    "/v1/responses",
    `{${poison},"model":"default","input":"Hi","metadata":{"__proto__":{"a":1},"b":"c"}}`,
  );
  assert.equal(response.status, 200);
  assert.deepEqual(((await response.json()) as { metadata: object }).metadata, { b: "c" });
  assert.equal(({} as { a?: string }).a, undefined);
});

test("an upgrade to something else, or somewhere else, is refused", async (t) => {
  const server = await startServer(t);
  assert.equal(await upgradeStatus(server, {}, "/elsewhere"), 404);
  const head = `GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n`;
  assert.match(await speak(server, `${head}Upgrade: h2c\r\n\r\n`), /^HTTP\/1.1 400 /);
  assert.match(await speak(server, `${head}Upgrade: websocket\r\n\r\n`), /^HTTP\/1.1 400 /);
});

test("a client that is slow with its headers is cut off", async (t) => {
  const server = await startServer(t, { config: { "limits.headers_ms": 200, "limits.request_ms": 500 } });
  assert.match(await speak(server, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"), /^HTTP\/1.1 408 /);
  const half =
    "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
  assert.match(await speak(server, half), /^HTTP\/1.1 408 /);
});

test("WebSockets are bounded in number, and a place is free again when one closes", async (t) => {
  const server = await startServer(t, { config: { "limits.sockets": 2 } });
  const first = await server.connect();
  await server.connect();
  assert.equal(await upgradeStatus(server, {}), 503);
  first.socket.close();
  await first.closed();
  await until(() => server.server.sockets.count === 1);
  assert.equal(await upgradeStatus(server, {}), 101);
});

const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

test("one address of the network gets its share of WebSockets", { skip: !ownAddress && "no network" }, async (t) => {
  const config = {
    "server.listen": { host: "0.0.0.0", port: 0 },
    "auth.mode": "off" as const,
    "limits.sockets_per_address": 1,
  };
  const server = await startServer(t, { config });
  const url = `ws://${ownAddress}:${server.port}/v1/responses`;
  await TestSocket.open(new WebSocket(url));
  await assert.rejects(TestSocket.open(new WebSocket(url)), /503/);
  await server.connect();
  await server.connect(); // loopback is exempt
});

test("an over-long message ends the WebSocket with 1009, and invalid UTF-8 with 1007", async (t) => {
  const server = await startServer(t, { config: { "limits.message_bytes": 2048 } });
  const long = await server.connect();
  long.send("x".repeat(3000));
  assert.equal(await long.closed(), 1009);
  const invalid = await server.connect();
  invalid.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
  assert.equal(await invalid.closed(), 1007);
  await until(() => server.server.sockets.count === 0);
});

test("a WebSocket without any sign of life is closed, one that answers pings is not", async (t) => {
  const server = await startServer(t, { config: { "limits.idle_ms": 1000 } });
  const alive = await server.connect();
  const dead = await server.connect();
  dead.socket.pause();
  await until(() => server.server.sockets.count === 1);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(alive.closeCode, null);
});

test("a WebSocket that has lived its time is told so and closed", async (t) => {
  const server = await startServer(t, { config: { "limits.socket_ms": 1000 } });
  const client = await server.connect();
  const event = await client.next();
  assert.equal(event.error.code, "websocket_connection_limit_reached");
  assert.equal(await client.closed(), 1000);
});

async function neverReads(t: TestContext, ask: (server: TestServer) => Promise<() => void>): Promise<void> {
  const endless = scripted("All work and no play makes a dull process. ".repeat(2000));
  const limits = { "limits.idle_ms": 1500, "limits.unread_bytes": 65536, "responses.resume_ms": 0 };
  const config = { ...limits, "context.tokens": 65536 };
  const server = await startServer(t, { fake: { next: endless, contextTrained: 65536 }, config });
  const release = await ask(server);
  await until(() => server.module.engines[0]?.plans.length !== 0);
  // It is paused by backpressure, then cut off; the slot is free and a well-behaved client is served.
  await server.atRest(30_000);
  const steps = server.module.engines[0]?.plans.length ?? 0;
  assert.ok(steps < 60_000, `${steps} steps for nobody`);
  const other = await server.connect();
  assert.equal((await other.ask({ input: "Hi", max_output_tokens: 3 })).at(-1)?.type, "response.incomplete");
  release();
}

test("a WebSocket client that never reads is bounded and then cut off", async (t) => {
  await neverReads(t, async (server) => {
    const client = await server.connect();
    for (let i = 0; i < 4; i++) client.send({ type: "response.create", input: `Hi ${i}` });
    await until(() => client.socket.bufferedAmount === 0);
    client.socket.pause();
    return () => client.socket.terminate();
  });
});

test("a client that never reads its event stream is bounded and then cut off", async (t) => {
  await neverReads(t, async (server) => {
    const body = JSON.stringify({ model: "default", input: "Hi", stream: true });
    const head = `POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    return () => socket.destroy();
  });
});

test("after stop nothing listens, and every connection has ended", async (t) => {
  const server = await startServer(t);
  const client = await server.connect();
  await server.server.stop();
  assert.equal(await client.closed(), 1001);
  await assert.rejects(fetch(`${server.url}/healthz`));
});

const longText = "word ".repeat(4000);
const longRequests: Readonly<Record<string, object>> = {
  "/api/chat": { messages: [{ role: "user", content: longText }] },
  "/api/generate": { prompt: longText },
  "/v1/chat/completions": { messages: [{ role: "user", content: longText }], stream: true },
  "/v1/completions": { prompt: longText, stream: true },
  "/v1/responses": { input: longText, stream: true },
};

for (const [path, body] of Object.entries(longRequests)) {
  test(`${path}: a client that goes while its prompt is read cancels it, which is no error of the server`, async (t) => {
    const fake = { stepMs: () => 5, contextTrained: 100_000 };
    const config = { "context.tokens": 100_000, "responses.resume_ms": 0 };
    const server = await startServer(t, { fake, config });
    const controller = new AbortController();
    const answer = fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "fake", ...body }),
      signal: controller.signal,
    });
    await until(() => (server.module.engines[0]?.plans.length ?? 0) > 3);
    controller.abort();
    await answer.then((response) => response.text()).catch(() => {});
    await server.atRest();
    assert.deepEqual(server.errors, []);
  });
}
