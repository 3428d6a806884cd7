/**
 * Ollama's environment variables, for people who come from there: those that mean an option of ours set it, weaker than
 * HEARTH_ ones, and the others are named in a warning, so that nobody believes that they work.
 */
import type { OptionKey } from "./options.js";

type Environment = Readonly<Record<string, string | undefined>>;

interface Meaning {
  readonly key: OptionKey;
  /** In the words of the option; undefined where the value says nothing. */
  readonly read: (value: string) => string | undefined;
}

const same = (value: string) => value;

const meanings: Readonly<Record<string, Meaning>> = {
  OLLAMA_HOST: { key: "server.listen", read: toAddress },
  OLLAMA_ORIGINS: { key: "server.allowed_origins", read: (value) => origins(value).join(",") },
  OLLAMA_NUM_PARALLEL: { key: "scheduler.slots", read: (value) => (value === "0" ? undefined : value) },
  OLLAMA_MAX_QUEUE: { key: "scheduler.queue", read: same },
  OLLAMA_CONTEXT_LENGTH: { key: "context.tokens", read: (value) => (value === "0" ? undefined : value) },
  OLLAMA_KV_CACHE_TYPE: { key: "kv.type", read: same },
  OLLAMA_KEEP_ALIVE: { key: "models.keep_alive_ms", read: toMilliseconds },
  OLLAMA_DEBUG: { key: "log.level", read: (value) => (/^(0|false|)$/i.test(value) ? undefined : "debug") },
};

/** Advice for variables of Ollama's that have no option here. */
const others: Readonly<Record<string, string>> = {
  OLLAMA_MODELS:
    "Ollama's folder has another form; state.path names hearth's, and `hearth models import` adds files to it.",
};
const noMeaning = "It has no meaning to hearth.";

/** Values by option, with the variable that each came from. */
export function ollamaOffers(
  env: Environment,
): ReadonlyMap<OptionKey, { readonly raw: string; readonly origin: string }> {
  const offers = new Map<OptionKey, { raw: string; origin: string }>();
  for (const [name, { key, read }] of Object.entries(meanings)) {
    const value = env[name]?.trim();
    const raw = value ? read(value) : undefined;
    if (raw !== undefined) offers.set(key, { raw, origin: `environment ${name}` });
  }
  return offers;
}

export function ollamaWarnings(env: Environment): string[] {
  const unknown = Object.keys(env).filter((name) => name.startsWith("OLLAMA_") && !(name in meanings));
  const patterns = origins(env.OLLAMA_ORIGINS ?? "", true);
  return [
    ...unknown.map((name) => `${name} in the environment is Ollama's. ${others[name] ?? noMeaning}`),
    ...patterns.map((origin) => `OLLAMA_ORIGINS names ${origin}, and hearth takes whole origins without wildcards.`),
  ];
}

/** `0.0.0.0`, `:11434`, `http://pi:8080/`; what is left out has Ollama's defaults. */
function toAddress(value: string): string {
  const scheme = /^https?:\/\//i.exec(value)?.[0].toLowerCase();
  const rest = value.replace(/^https?:\/\//i, "").replace(/\/.*$/, "");
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(rest);
  if (!match) return rest.includes("[") ? rest : `[${rest}]:11434`;
  const port = match[2] ?? (scheme === "http://" ? "80" : scheme === "https://" ? "443" : "11434");
  return `${match[1] || "127.0.0.1"}:${port}`;
}

/** Seconds, or a duration as Go writes it; negative is for ever. What cannot be read is left for the option to refuse. */
function toMilliseconds(value: string): string {
  if (value.startsWith("-")) return "-1";
  const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h)?)+$/.test(value)) return value;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)?/g)];
  return String(Math.round(parts.reduce((sum, [, n, unit]) => sum + Number(n) * (unitMs[unit ?? "s"] ?? 0), 0)));
}

/** The plain ones, or those with wildcards. */
function origins(value: string, withWildcards = false): string[] {
  const all = value
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
  return all.filter((origin) => /[*]|^(?![a-z][a-z\d+.-]*:\/\/)/i.test(origin) === withWildcards);
}
