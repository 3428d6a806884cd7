import assert from "node:assert/strict";
import test from "node:test";
import { loadConfig } from "../../../src/config/load.js";

const load = (env: Record<string, string>) => loadConfig({ env, flags: {} });

test("Ollama's variables that have a meaning here set it, weaker than hearth's own", () => {
  const { config, origins } = load({
    OLLAMA_HOST: "0.0.0.0",
    OLLAMA_NUM_PARALLEL: "2",
    OLLAMA_CONTEXT_LENGTH: "4096",
    OLLAMA_ORIGINS: "http://kiosk.lan, https://app.lan,app://obsidian.md",
    OLLAMA_MAX_QUEUE: "7",
    OLLAMA_KV_CACHE_TYPE: "q8_0",
    OLLAMA_DEBUG: "1",
    HEARTH_QUEUE: "9",
  });
  assert.deepEqual(config["server.listen"], { host: "0.0.0.0", port: 11434 });
  assert.equal(config["scheduler.slots"], 2);
  assert.equal(config["context.tokens"], 4096);
  assert.deepEqual(config["server.allowed_origins"], ["http://kiosk.lan", "https://app.lan", "app://obsidian.md"]);
  assert.equal(config["log.level"], "debug");
  assert.equal(config["scheduler.queue"], 9);
  assert.equal(config["kv.type"], "q8_0");
  assert.equal(origins["server.listen"], "environment OLLAMA_HOST");
});

test("OLLAMA_KEEP_ALIVE is a duration, or seconds, or for ever", () => {
  for (const [value, ms] of [
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["90", 90_000],
    ["-1", -1],
    ["1h30m", 5_400_000],
    ["0", 0],
  ] as const) {
    assert.equal(load({ OLLAMA_KEEP_ALIVE: value }).config["models.keep_alive_ms"], ms, value);
  }
  assert.throws(() => load({ OLLAMA_KEEP_ALIVE: "soon" }), /models\.keep_alive_ms \(environment OLLAMA_KEEP_ALIVE\)/);
});

test("OLLAMA_HOST in all its forms", () => {
  for (const [value, host, port] of [
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    [":9000", "127.0.0.1", 9000],
    ["http://pi.local:11434/", "pi.local", 11434],
    ["https://pi.local", "pi.local", 443],
    ["[::]:11434", "::", 11434],
    ["::1", "::1", 11434],
  ] as const) {
    assert.deepEqual(load({ OLLAMA_HOST: value }).config["server.listen"], { host, port }, value);
  }
});

test("variables that mean nothing here are named in a warning", () => {
  const { warnings } = load({
    OLLAMA_MODELS: "/models",
    OLLAMA_FLASH_ATTENTION: "1",
    OLLAMA_ORIGINS: "*,http://a.lan",
  });
  assert.equal(warnings.length, 3);
  assert.match(warnings.join("\n"), /OLLAMA_MODELS .*state\.path/);
  assert.match(warnings.join("\n"), /OLLAMA_FLASH_ATTENTION/);
  assert.match(warnings.join("\n"), /OLLAMA_ORIGINS names \*/);
  assert.deepEqual(load({ OLLAMA_NUM_PARALLEL: "0", OLLAMA_CONTEXT_LENGTH: "0", OLLAMA_DEBUG: "false" }).warnings, []);
});
