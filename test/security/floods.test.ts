/** Strangers on the network who hold connections, or ask for more than their share: everybody else is served all the same. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import test, { type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { hashKey } from "../../src/base/api-key.js";
import { selfSignedCertificate } from "../../src/net/certificate.js";
import { frame, speak, statusOf, webSocketUpgrade } from "../helpers/raw.js";
import { until } from "../helpers/scheduler.js";
import { startServer, type TestServer } from "../helpers/server.js";

const upgrade = (host: string, path: string, protocol: string) =>
  webSocketUpgrade
    .replace("Host: localhost", `Host: ${host}`)
    .replace("/v1/responses", path)
    .replace("Upgrade: websocket", `Upgrade: ${protocol}`);
const refusedUpgrades = {
  host: upgrade("evil.example", "/v1/responses", "websocket"),
  path: upgrade("localhost", "/nope", "websocket"),
  proto: upgrade("localhost", "/v1/responses", "h2c"),
  key: upgrade("localhost", "/v1/responses", "websocket"),
};
const withKeys = { "auth.mode": "required" as const, "auth.keys": [hashKey("k")] };

/** Milliseconds until a new client has its answer. */
async function healthMs(server: TestServer): Promise<number> {
  const started = performance.now();
  const answer = await speakOnce(server.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  assert.equal(statusOf(answer), 200);
  return performance.now() - started;
}

function speakOnce(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.on("error", reject).on("close", () => resolve(said));
  });
}

for (const [name, request] of Object.entries(refusedUpgrades)) {
  test(`a refused upgrade (${name}) is answered and its connection destroyed, though the client keeps it open`, async (t) => {
    const server = await startServer(t, { config: withKeys });
    const client = await speak(t, server.port, request);
    await client.cutOff();
    assert.ok([400, 401, 403, 404].includes(statusOf(client.said())), client.said());
    assert.match(client.said(), /"code":/);
  });
}

test("600 refused upgrades that are held open lock nobody out", async (t) => {
  const server = await startServer(t, { config: withKeys });
  const requests = Object.values(refusedUpgrades);
  for (let i = 0; i < 600; i++) await speak(t, server.port, requests[i % requests.length] ?? "");
  assert.ok((await healthMs(server)) < 2000); // on a busy machine; it takes a few milliseconds
});

test("a request that is malformed, too slow or too large is answered in JSON and its connection destroyed", async (t) => {
  const server = await startServer(t, { config: { "limits.headers_ms": 200 } });
  const cases: [string, number][] = [
    ["no HTTP at all\r\n\r\n", 400],
    ["GET /healthz HTTP/1.1\r\nHost: localhost\r\n", 408],
    [`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ];
  for (const [bytes, status] of cases) {
    const client = await speak(t, server.port, bytes);
    await client.cutOff();
    assert.equal(statusOf(client.said()), status, bytes.slice(0, 40));
    assert.match(client.said(), /"error":\{"type":"invalid_request_error","code":/);
  }
});

const post = "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const get = "GET /healthz HTTP/1.1\r\n";
const ambiguous: Record<string, string> = {
  "two Host headers": `${get}Host: localhost\r\nHost: evil.example\r\n\r\n`,
  "one Host header twice": `${get}Host: localhost\r\nhost: localhost\r\n\r\n`,
  "two Host headers of an upgrade": webSocketUpgrade.replace("Host:", "Host: evil.example\r\nHost:"),
  "no Host header": `${get}\r\n`,
  "no Host header of an upgrade": webSocketUpgrade.replace("Host: localhost\r\n", ""),
  "two Authorization headers": `${get}Host: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`,
  "two content lengths": `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`,
  "the same content length twice": `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
  "a list of content lengths": `${post}Content-Length: 2, 2\r\n\r\n{}`,
  "a content length and chunks": `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  "chunks and a content length": `${post}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  "an unknown transfer coding": `${post}Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  "chunks that are not last": `${post}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  "a space before the colon": `${post}Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  "a folded header": `${get}Host: localhost\r\nX: a\r\n b\r\n\r\n`,
  "a folded Host header": `${get}Host: localhost\r\n evil.example\r\n\r\n`,
  "bare line feeds": "GET /healthz HTTP/1.1\nHost: localhost\n\n",
  "a chunk size that is no number": `${post}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n`,
};
for (const [name, request] of Object.entries(ambiguous)) {
  test(`request smuggling: ${name} is a 400`, async (t) => {
    const server = await startServer(t);
    const client = await speak(t, server.port, request);
    await until(() => client.said() !== "" || client.socket.destroyed);
    assert.equal(statusOf(client.said()), 400, client.said());
  });
}

test("a target with a host in it (as for a proxy) is held to the same hosts as the header", async (t) => {
  const server = await startServer(t);
  for (const [host, status] of [
    ["evil.example", 403],
    ["localhost:80", 200],
  ] as const) {
    const client = await speak(t, server.port, `GET http://${host}/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until(() => client.said() !== "");
    assert.equal(statusOf(client.said()), status, host);
  }
});

test("/openapi.json is made once", async (t) => {
  const server = await startServer(t);
  const { routes } = server.server;
  let reads = 0;
  Object.defineProperty(server.server, "routes", {
    get() {
      reads++;
      return routes;
    },
  });
  const texts: string[] = [];
  for (let i = 0; i < 3; i++) texts.push(await (await fetch(`${server.url}/openapi.json`)).text());
  assert.equal(reads, 1);
  assert.equal(new Set(texts).size, 1);
  assert.ok(JSON.parse(texts[0] ?? "").paths["/v1/responses"]);
});

test("3,600 pipelined requests are all answered, and other clients do not wait for them", async (t) => {
  const server = await startServer(t);
  const count = 3600;
  const client = await speak(t, server.port, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(count));
  const answers = () => client.said().split("HTTP/1.1 200").length - 1;
  const waits: number[] = [];
  while (answers() < count) {
    waits.push(await healthMs(server));
    assert.ok(!client.socket.destroyed);
  }
  const median = waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)] ?? 0;
  t.diagnostic(`${waits.length} others were served meanwhile, the median within ${median.toFixed(1)} ms`);
  assert.ok(waits.length >= 10, `${waits.length} others were served`);
});

test("of pipelined requests only one is answered at a time, and those behind an answer that is not read cost no memory", async (t) => {
  const server = await startServer(t);
  let running = 0;
  let most = 0;
  server.server.app.server.on("request", (_request, response) => {
    running++;
    most = Math.max(most, running);
    response.once("close", () => {
      running--;
    });
  });
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.pause();
  socket.write("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(most >= 1 && most <= 3, `${most} requests of one connection at the same time`);
});

async function unread(t: TestContext, start: (server: TestServer) => void, tls = false): Promise<void> {
  const certificate = { hosts: ["localhost"], notBefore: Date.now() - 1000, notAfter: Date.now() + 60_000 };
  const server = await startServer(t, {
    config: { "limits.idle_ms": 1000 },
    ...(tls && { tls: await selfSignedCertificate(certificate) }),
  });
  start(server);
  const open = () =>
    new Promise<number>((resolve) => server.server.app.server.getConnections((_error, count) => resolve(count)));
  await until(() => true);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await open(), 1);
  const deadline = Date.now() + 10_000;
  while ((await open()) > 0) {
    assert.ok(Date.now() < deadline, "the connection is kept");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const manyPages = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);

test("a client that does not read a page is cut off after limits.idle_ms", async (t) => {
  await unread(t, (server) => {
    const socket = connect(server.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => {});
    socket.pause();
    socket.write(manyPages);
  });
});

test("a client that does not read a page over TLS is cut off after limits.idle_ms", async (t) => {
  await unread(
    t,
    (server) => {
      const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
      t.after(() => socket.destroy());
      socket.on("error", () => {});
      socket.pause();
      socket.write(manyPages);
    },
    true,
  );
});

test("a WebSocket client that sends and does not read is cut off after limits.idle_ms", async (t) => {
  await unread(t, (server) => {
    const socket = connect(server.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => {});
    socket.pause();
    socket.write(webSocketUpgrade);
    // Refused messages, each with an answer, and signs of life.
    const messages = Buffer.concat(Array.from({ length: 2000 }, () => frame(1, "x")));
    const more = setInterval(() => socket.write(socket.writableLength > 0 ? frame(10, "") : messages), 20);
    socket.on("close", () => clearInterval(more));
    t.after(() => clearInterval(more));
  });
});

test("a client that reads slowly, and reads, is not cut off", async (t) => {
  const server = await startServer(t, { config: { "limits.idle_ms": 1000 } });
  const client = await speak(t, server.port, manyPages);
  const rhythm = setInterval(() => (client.socket.isPaused() ? client.socket.resume() : client.socket.pause()), 150);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  clearInterval(rhythm);
  assert.ok(!client.socket.destroyed);
});

test("many pings in a row get one pong", async (t) => {
  const server = await startServer(t);
  const client = await speak(t, server.port, webSocketUpgrade);
  await until(() => statusOf(client.said()) === 101);
  const before = client.said().length;
  const pings = Array.from({ length: 100 }, (_, i) => frame(9, String(i % 10)));
  client.socket.write(Buffer.concat(pings)); // 700 bytes: one portion
  await until(() => client.said().length > before);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const pongs = client.said().slice(before);
  assert.ok(pongs.length <= 3 * 5, `${pongs.length} bytes of pongs`);
  assert.ok(pongs.endsWith("9"), "the last ping is answered");
});

test("a flood of WebSocket messages and of pings does not hold up others", async (t) => {
  const server = await startServer(t);
  const floods = [frame(1, "x"), frame(9, ""), frame(10, ""), frame(2, ""), frame(1, '{"type":"response.create"}')];
  for (const each of floods) {
    const client = await speak(t, server.port, webSocketUpgrade);
    await until(() => statusOf(client.said()) === 101);
    client.socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => each)));
  }
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) waits.push(await healthMs(server));
  const median = waits.sort((a, b) => a - b)[5] ?? 0;
  assert.ok(median < 500, `${median.toFixed(0)} ms`); // on a busy machine; a few milliseconds on an idle one
});

test("a message in more fragments than any client makes ends the WebSocket", async (t) => {
  const server = await startServer(t);
  const client = await speak(t, server.port, webSocketUpgrade);
  await until(() => statusOf(client.said()) === 101);
  client.socket.write(
    Buffer.concat([frame(1, "x", false), ...Array.from({ length: 6000 }, () => frame(0, "x", false))]),
  );
  await client.cutOff();
});

test("a TLS handshake that is never finished ends after limits.headers_ms", async (t) => {
  const hosts = { hosts: ["localhost"], notBefore: Date.now() - 1000, notAfter: Date.now() + 60_000 };
  const tls = await selfSignedCertificate(hosts);
  const server = await startServer(t, { tls, config: { "limits.headers_ms": 300 } });
  const client = await speak(t, server.port, Buffer.from("1603010200010001fc0303", "hex"));
  await client.cutOff();
});

test("a body in pieces of a byte takes the memory of its bytes, not hundreds of each", async (t) => {
  const server = await startServer(t);
  const pieces = 800_000;
  const client = await speak(t, server.port, `${post}Transfer-Encoding: chunked\r\n\r\n`);
  const { heapUsed, external } = process.memoryUsage();
  let mostBytes = 0;
  const timer = setInterval(() => {
    const now = process.memoryUsage();
    mostBytes = Math.max(mostBytes, now.heapUsed + now.external - heapUsed - external);
  }, 20);
  t.after(() => clearInterval(timer));
  client.socket.write(`${"1\r\n \r\n".repeat(pieces)}2\r\n{}\r\n0\r\n\r\n`);
  await until(() => client.said() !== "", 30_000);
  assert.ok(mostBytes < 60 * 2 ** 20, `${Math.round(mostBytes / 2 ** 20)} MiB`);
});
