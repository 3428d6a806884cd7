import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { hashKey } from "../../../src/base/api-key.js";
import { startServer } from "../../helpers/server.js";

const kitchen = {
  id: "11111111",
  name: "kitchen",
  hash: hashKey("hearth_kitchen"),
  scopes: ["generate"] as const,
  requestsPerMinute: null,
  concurrentRequests: null,
};

const admin = { ...kitchen, id: "22222222", name: "admin", hash: hashKey("hearth_admin"), scopes: ["admin"] as const };

test("programs of this machine see its state without a key, and others' with one of the scope admin", async (t) => {
  const server = await startServer(t, { config: { "auth.mode": "required" }, keys: () => [kitchen, admin] });
  const status = (headers: Record<string, string> = {}) => fetch(`${server.url}/hearth/v1/status`, { headers });
  assert.equal((await status()).status, 200);
  // A proxy on this machine asks for somebody elsewhere.
  for (const name of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
    assert.equal((await status({ [name]: "203.0.113.9" })).status, 401, name);
  }
  const forwarded = (key: string) => ({ "x-forwarded-for": "203.0.113.9", authorization: `Bearer ${key}` });
  assert.equal((await status(forwarded("hearth_kitchen"))).status, 403);
  assert.equal((await status(forwarded("hearth_admin"))).status, 200);
  // Pages of strangers in a browser of this machine are refused before that.
  assert.equal((await status({ origin: "https://stranger.example" })).status, 403);
  assert.equal((await fetch(`${server.url}/v1/models`)).status, 401);
});

test("a program of this machine may come by the machine's own address in the network", async (t) => {
  const own = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;
  if (own === undefined) return t.skip("this machine has no network");
  const config = { "server.listen": { host: "0.0.0.0", port: 0 }, "auth.mode": "required" } as const;
  const server = await startServer(t, { config, keys: () => [kitchen, admin] });
  const response = await fetch(`http://${own}:${server.port}/hearth/v1/status`);
  assert.equal(response.status, 200);
});

test("once the network can reach the server, programs of this machine need a key for all but its state", async (t) => {
  const server = await startServer(t, {
    config: { "server.listen": { host: "0.0.0.0", port: 0 } },
    keys: () => [kitchen],
  });
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })).status;
  // A forwarder of TCP on this machine may send any header for somebody elsewhere.
  for (const headers of [{}, { host: "localhost" }, { "x-forwarded-for": "127.0.0.1" }]) {
    for (const path of ["/v1/models", "/metrics", "/hearth/v1/kiosk", "/hearth/v1/chats"]) {
      assert.equal(await status(path, headers), 401, path);
    }
  }
  assert.equal(await status("/hearth/v1/status"), 200);
  assert.equal(await status("/v1/models", { authorization: "Bearer hearth_kitchen" }), 200);
});
