/**
 * Reads the configuration: TOML file < environment < flags. Knows no particular option; the environment and the flags are
 * handed in.
 */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { parse, TomlError } from "smol-toml";
import { HearthError } from "../base/errors.js";
import { nearest } from "./nearest.js";
import { ollamaOffers, ollamaWarnings } from "./ollama-env.js";
import { type Config, type OptionKey, optionKeys, optionOf } from "./options.js";

export interface ConfigSources {
  /** TOML file; undefined: none. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By the option's flag name, without the dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value came from: `default`, `file /etc/hearth/hearth.toml`, `environment HEARTH_ISA`, `flag --listen`. */
  readonly origins: Readonly<Record<OptionKey, string>>;
  /** What was ignored and why, for the log. */
  readonly warnings: readonly string[];
}

/** Names of the environment that start with HEARTH_ and are no option. */
const otherVariables = ["HEARTH_CONFIG"];

/** CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_BAD_VALUE. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const fromFile = sources.file === undefined ? new Map<string, unknown>() : readFile(sources.file);
  const fromOllama = ollamaOffers(sources.env);
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const key of optionKeys) {
    const option = optionOf(key);
    const inEnvironment = sources.env[option.env];
    const inFlags = option.flag === undefined ? undefined : sources.flags[option.flag];
    values[key] = option.default;
    origins[key] = "default";
    const offers: [raw: unknown, origin: string][] = [
      [fromFile.get(key), `file ${sources.file}`],
      [fromOllama.get(key)?.raw, fromOllama.get(key)?.origin ?? ""],
      [inEnvironment, `environment ${option.env}`],
      [inFlags, `flag --${option.flag}`],
    ];
    // Every offer is checked, also one that a stronger source overrides: a wrong line in the file is wrong.
    for (const [raw, origin] of offers) {
      if (raw === undefined) continue;
      values[key] = readValue(key, raw, origin);
      origins[key] = origin;
    }
  }
  return Object.freeze({
    config: Object.freeze(values) as Config,
    origins: Object.freeze(origins) as Record<OptionKey, string>,
    warnings: [...unknownVariables(sources.env), ...ollamaWarnings(sources.env)],
  });
}

export interface OptionDescription {
  readonly key: OptionKey;
  /** As the file would have it; `[secret]` in place of a secret's. */
  readonly value: string;
  readonly origin: string;
  /** What the option takes: "an integer from 1 to 64 (slots)". */
  readonly expects: string;
  readonly doc: string;
}

/** Every option, in the table's order. */
export function describeConfig({ config, origins }: LoadedConfig): OptionDescription[] {
  return optionKeys.map((key) => {
    const { kind, doc, secret } = optionOf(key);
    const value = secret && origins[key] !== "default" ? "[secret]" : kind.show(config[key]);
    return { key, value, origin: origins[key], expects: kind.expects, doc };
  });
}

function readValue(key: OptionKey, raw: unknown, origin: string): unknown {
  const { kind, secret } = optionOf(key);
  const value = kind.read(raw);
  if (value !== undefined) return value;
  const got = secret ? "" : `, got ${inspect(raw, { breakLength: Number.POSITIVE_INFINITY }).slice(0, 100)}`;
  throw new HearthError("CONFIG_BAD_VALUE", `${key} (${origin}): expected ${kind.expects}${got}.`, { param: key });
}

function readFile(path: string): Map<string, unknown> {
  let table: unknown;
  try {
    table = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new HearthError("CONFIG_UNREADABLE", `${path}: ${reasonOf(error)}.`, { cause: error });
  }
  const values = new Map<string, unknown>();
  flatten(table, "", values);
  for (const key of values.keys()) {
    if ((optionKeys as readonly string[]).includes(key)) continue;
    const guess = nearest(key, optionKeys);
    throw new HearthError("CONFIG_UNKNOWN_KEY", `${path}: unknown option ${key}; the nearest known is ${guess}.`, {
      param: key,
    });
  }
  return values;
}

/** { server: { listen: "..." } } becomes "server.listen". Arrays and dates are values. */
function flatten(value: unknown, prefix: string, into: Map<string, unknown>): void {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Date) {
    into.set(prefix, value);
    return;
  }
  for (const [name, inner] of Object.entries(value)) flatten(inner, prefix === "" ? name : `${prefix}.${name}`, into);
}

function reasonOf(error: unknown): string {
  if (error instanceof TomlError) {
    const summary = error.message.split("\n")[0] ?? "invalid TOML";
    return `line ${error.line}, column ${error.column}: ${summary}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Only a warning: others set such names too, Kubernetes does for a service called hearth. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known: readonly string[] = [...optionKeys.map((key) => optionOf(key).env), ...otherVariables];
  return Object.keys(env)
    .filter((name) => name.startsWith("HEARTH_") && !known.includes(name))
    .map((name) => `${name} in the environment is no option; the nearest known is ${nearest(name, known)}.`);
}
