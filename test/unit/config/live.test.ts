import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveConfig, reloadable } from "../../../src/config/live.js";
import { loadConfig } from "../../../src/config/load.js";
import { optionKeys } from "../../../src/config/options.js";

const { config } = loadConfig({ env: {}, flags: {} });

test("a reload takes over what can change, and names what needs a restart", () => {
  const live = new LiveConfig(config);
  const change = live.update({ ...config, "limits.turns": 3, "log.level": "debug", "context.tokens": 512 });
  assert.deepEqual(change, { taken: ["limits.turns", "log.level"], waiting: ["context.tokens"] });
  assert.equal(live.config["limits.turns"], 3);
  assert.equal(live.config["context.tokens"], config["context.tokens"]);
});

test("an option that needs a restart is named until it is as at the start again", () => {
  const live = new LiveConfig(config);
  for (let i = 0; i < 2; i++)
    assert.deepEqual(live.update({ ...config, "context.tokens": 512 }).waiting, ["context.tokens"]);
  assert.deepEqual(live.update(config).waiting, []);
});

test("lists that are equal are no change", () => {
  const live = new LiveConfig({ ...config, "server.allowed_origins": ["http://a"] });
  assert.deepEqual(live.update({ ...config, "server.allowed_origins": ["http://a"] }), { taken: [], waiting: [] });
});

test("options that can change are options", () => {
  for (const key of reloadable) assert.ok(optionKeys.includes(key));
});
