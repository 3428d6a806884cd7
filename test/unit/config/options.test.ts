import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { describeConfig } from "../../../src/config/load.js";
import { optionKeys, optionOf } from "../../../src/config/options.js";
import { failure, load } from "./files.js";

test("each option is described with its variable and its flag", () => {
  const described = describeConfig(load({}));
  for (const { key, env, flag } of described) {
    assert.equal(env, optionOf(key).env);
    assert.equal(flag, optionOf(key).flag === undefined ? null : `--${optionOf(key).flag}`);
  }
});

test("every kind refuses what it is not", () => {
  const wrong: Record<string, readonly string[]> = {
    HEARTH_THREADS: ["", "four", "1.5", "1e1", "0x1", " 1", "999999999999999999999"],
    HEARTH_LOG_PROMPTS: ["", "yes", "1", "TRUE"],
    HEARTH_LOG_LEVEL: ["", "verbose", "INFO"],
    HEARTH_LISTEN: ["", "localhost", ":80", "127.0.0.1:70000", "127.0.0.1:-1", "http://a:80", "::1:80", "a b:80"],
    HEARTH_MODEL_ALIAS: ["a b", "a\nb", "x".repeat(129)],
    HEARTH_MODEL: ["a\u0000b", "a\nb"],
    HEARTH_AUTH_KEYS: ["secret", "0".repeat(63), `${"0".repeat(64)},x`],
    HEARTH_ALLOWED_ORIGINS: ["kiosk.lan", "http://kiosk.lan/path", "null"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      assert.equal(failure({ env: { [name]: value } }).code, "CONFIG_BAD_VALUE", `${name}=${value}`);
    }
  }
});

test("an address may be a name, IPv4 or bracketed IPv6", () => {
  const listen = (value: string) => load({ flags: { listen: value } }).config["server.listen"];
  assert.deepEqual(listen("0.0.0.0:0"), { host: "0.0.0.0", port: 0 });
  assert.deepEqual(listen("[::1]:8080"), { host: "::1", port: 8080 });
  assert.deepEqual(listen("pi.local:80"), { host: "pi.local", port: 80 });
});

test("each option has its own variable and flag", () => {
  const envs = optionKeys.map((key) => optionOf(key).env);
  assert.equal(new Set(envs).size, envs.length);
  const flags = optionKeys.flatMap((key) => optionOf(key).flag ?? []);
  assert.equal(new Set(flags).size, flags.length);
});

test("the default of each option is a value of its kind, and its description a sentence", () => {
  for (const key of optionKeys) {
    const { kind, default: fallback, doc } = optionOf(key);
    assert.ok(
      kind.read(
        typeof fallback === "object" && !Array.isArray(fallback) ? JSON.parse(kind.show(fallback)) : fallback,
      ) !== undefined,
      key,
    );
    assert.match(doc, /^[A-Z].*\.$/, key);
  }
});

test("OPTIONS.md has every option with its variable, flag and meaning, and nothing else", () => {
  const page = readFileSync(path.join(import.meta.dirname, "..", "..", "..", "src", "config", "OPTIONS.md"), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.replace(/ +/g, " "));
  const expected = optionKeys.map((key) => {
    const { env, flag, doc } = optionOf(key);
    return `| \`${key}\` | \`${env}\` | ${flag === undefined ? "" : `\`--${flag}\` `}| ${doc} |`;
  });
  assert.deepEqual(rows, expected);
});
