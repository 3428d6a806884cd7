import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import test from "node:test";
import { loadConfig } from "../../../src/config/load.js";
import { startServer, type TestServer } from "../../helpers/server.js";
import { upgradeStatus } from "./places.js";

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

/** The configuration of a server that wants the key `secret`. */
const withKey = {
  "auth.mode": "required" as const,
  "auth.keys": [createHash("sha256").update("secret").digest("hex")],
};

test("with a key required, requests and upgrades without it are refused", async (t) => {
  const server = await startServer(t, { config: withKey });
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 401);
  assert.equal((await fetch(`${server.url}/metrics`)).status, 401);
  const authorization = "Bearer secret";
  assert.equal((await fetch(`${server.url}/v1/models`, { headers: { authorization } })).status, 200);
  assert.equal(await upgradeStatus(server, {}), 401);
  assert.equal(await upgradeStatus(server, { authorization }), 101);
});

test("with a key required, health is still told without one", async (t) => {
  const server = await startServer(t, { config: withKey });
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});
