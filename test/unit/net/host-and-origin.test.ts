import assert from "node:assert/strict";
import test from "node:test";
import { AccessRules, isLoopback } from "../../../src/net/host-and-origin.js";

const rules = new AccessRules({
  names: ["kitchen-pi", "hearth.example.org"],
  addresses: () => ["203.0.113.7", "2001:db8::7"],
  origins: ["http://kiosk.lan:8080"],
});

const allowedHosts = [
  "localhost",
  "localhost:11434",
  "app.localhost:1",
  "kitchen-pi",
  "KITCHEN-PI:11434",
  "kitchen-pi.local",
  "other.local:80",
  "hearth.example.org",
  "127.0.0.1:11434",
  "127.9.9.9",
  "10.1.2.3",
  "172.16.0.1",
  "192.168.178.20:11434",
  "169.254.1.1",
  "100.100.1.1",
  "[::1]:11434",
  "[fd00::1]",
  "[fe80::1]:80",
  "203.0.113.7:11434",
  "[2001:db8::7]",
];

const refusedHosts = [
  undefined,
  "",
  "evil.example",
  "kitchen-pi.evil.example",
  "evil.example:11434",
  "local",
  "8.8.8.8",
  "172.32.0.1",
  "192.169.0.1",
  "[2001:db8::1]",
  "0.0.0.0:11434",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "user@localhost",
  "localhost:999999",
  "localhost/path",
  "a b",
  "[::1",
];

test("DNS rebinding: Host names this device or the local network, or the request is refused", () => {
  for (const host of allowedHosts) assert.equal(rules.allowsHost(host), true, host);
  for (const host of refusedHosts) assert.equal(rules.allowsHost(host), false, String(host));
});

test("cross-site requests: only the own and configured origins pass", () => {
  const host = "kitchen-pi.local:11434";
  assert.equal(rules.allowsOrigin(undefined, host), true, "a program");
  assert.equal(rules.allowsOrigin("http://kitchen-pi.local:11434", host), true);
  assert.equal(rules.allowsOrigin("https://kitchen-pi.local", "kitchen-pi.local"), true, "behind a TLS proxy");
  assert.equal(rules.allowsOrigin("http://kiosk.lan:8080", host), true);
  for (const origin of [
    "null",
    "http://evil.example",
    "http://kitchen-pi.local",
    "http://kitchen-pi.local:11434.evil.example",
    "http://kiosk.lan",
    "file://kitchen-pi.local:11434",
    "http://localhost:11434",
    "",
  ]) {
    assert.equal(rules.allowsOrigin(origin, host), false, origin);
  }
});

test("loopback is loopback in all its spellings", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "::ffff:127.0.0.1"])
    assert.ok(isLoopback(host), host);
  for (const host of ["0.0.0.0", "::", "192.168.0.1", "127.evil.example"]) assert.ok(!isLoopback(host), host);
});
