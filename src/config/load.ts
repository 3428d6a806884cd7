/**
 * Reads the configuration: TOML file < environment < flags. Knows no particular option; the environment and the flags are
 * handed in.
 */
import { inspect } from "node:util";
import { parse, TomlError } from "smol-toml";
import { HearthError } from "../base/errors.js";
import { isDenied, readSmallText, reasonOf as reasonOfFile, shownPath } from "../base/files.js";
import { isForeign } from "./foreign-variables.js";
import { nearest } from "./nearest.js";
import { ollamaOffers, ollamaWarnings } from "./ollama-env.js";
import { type Config, type OptionKey, optionKeys, optionOf } from "./options.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** The limit for a configuration file. */
const mostBytes = 1024 * 1024;

export interface ConfigSources {
  /** TOML file; undefined: none. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** By the option's flag name, without the dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** null: there was none. */
  readonly file: string | null;
  /** The source of each value: `default`, `file /etc/hearth/hearth.toml`, `environment HEARTH_ISA`, `flag --listen`. */
  readonly origins: Readonly<Record<OptionKey, string>>;
  /** Settings that were ignored and why, for the log. */
  readonly warnings: readonly string[];
}

/** Names of the environment that start with HEARTH_ and are no option. */
export const otherVariables = ["HEARTH_CONFIG", "HEARTH_API_KEY"] as const;

/** CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY, CONFIG_BAD_VALUE. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  checkVariables(sources.env);
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
    file: sources.file ?? null,
    warnings: [...foreignVariables(sources.env), ...ollamaWarnings(sources.env)],
  });
}

export interface OptionDescription {
  readonly key: OptionKey;
  /** The value in the file's notation; `[secret]` in place of a secret's. */
  readonly value: string;
  readonly origin: string;
  /** Its variable in the environment. */
  readonly env: string;
  /** Its flag of `hearth serve`, with the dashes; null for none. */
  readonly flag: string | null;
  /** The values that the option takes: "an integer from 1 to 64 (slots)". */
  readonly expects: string;
  readonly doc: string;
}

/** Every option, in the table's order. */
export function describeConfig({ config, origins }: LoadedConfig): OptionDescription[] {
  return optionKeys.map((key) => {
    const { kind, doc, secret, env, flag } = optionOf(key);
    const value = secret && origins[key] !== "default" ? "[secret]" : kind.show(config[key]);
    const named = { env, flag: flag === undefined ? null : `--${flag}` };
    return { key, value, origin: origins[key], ...named, expects: kind.expects, doc };
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
    table = parse(readSmallText(path, mostBytes));
  } catch (error) {
    const advice = isDenied(error) ? "Check who may read the file, or name another one with --config." : undefined;
    const message = error instanceof HearthError ? error.message : `${shownPath(path)}: ${reasonOf(error)}.`;
    throw new HearthError("CONFIG_UNREADABLE", message, { cause: error, ...(advice && { advice }) });
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
  return reasonOfFile(error);
}

/** A mistyped variable would be without effect, and nobody would notice. CONFIG_UNKNOWN_KEY. */
function checkVariables(env: Environment): void {
  for (const name of unknownVariables(env)) {
    if (isForeign(name, env[name] ?? "")) continue;
    const meant = isAddressWord(name) ? optionOf("server.listen").env : nearest(name, knownVariables);
    const message = `${name.slice(0, 100)} in the environment is no option; the nearest known is ${meant}.`;
    throw new HearthError("CONFIG_UNKNOWN_KEY", message, { param: name.slice(0, 100) });
  }
}

/** Whether other servers call their address so; no name of ours is near to it. */
function isAddressWord(name: string): boolean {
  return /^HEARTH_(SERVER_)?(HOST|PORT|ADDR|ADDRESS|BIND)$/.test(name);
}

function foreignVariables(env: Environment): string[] {
  return unknownVariables(env).map(
    (name) => `${name} in the environment is no option, and is left out: Kubernetes sets such a name for a service.`,
  );
}

const knownVariables: readonly string[] = [...optionKeys.map((key) => optionOf(key).env), ...otherVariables];

function unknownVariables(env: Environment): string[] {
  return Object.keys(env).filter((name) => name.startsWith("HEARTH_") && !knownVariables.includes(name));
}
