/**
 * Every option of the daemon, once: its key in the TOML file and in the code, its environment variable and flag, its default,
 * its kind and what it means.
 */
import { logLevels } from "../base/log-levels.js";
import { type Address, address, boolean, choice, integer, type Kind, list, text } from "./kinds.js";
import { type UpstreamConfig, upstreams } from "./upstreams.js";

export interface Option<T = unknown> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly env: `HEARTH_${string}`;
  /** Long flag of `hearth serve`, without the dashes. */
  readonly flag?: string;
  /** Never shown in logs or on the terminal. */
  readonly secret?: true;
  readonly doc: string;
}

/** Ties the default's type to the kind's. */
function option<T>(kind: Kind<T>, fallback: T, rest: Omit<Option<T>, "kind" | "default">): Option<T> {
  return { kind, default: fallback, ...rest };
}

const mib = 1024 * 1024;
const loopback: Address = Object.freeze({ host: "127.0.0.1", port: 11434 });
const noUpstreams: readonly UpstreamConfig[] = Object.freeze([]);
const none: readonly string[] = Object.freeze([]);
/** From and to, over midnight or not. */
const hoursPattern = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;

/** auto: what the model's vocabulary suggests. none: its text is continued as it is. The rest are families. */
export const fallbackChoices = [
  ...(["auto", "none", "chatml", "llama2", "llama3", "gemma", "gemma4"] as const),
  ...(["mistral", "phi3", "zephyr", "granite", "deepseek"] as const),
] as const;

export const options = {
  "server.listen": option(address(), loopback, {
    env: "HEARTH_LISTEN",
    flag: "listen",
    doc: "Address and port of the server. Off loopback, clients need a key (see auth.mode).",
  }),
  "server.listen_wait_ms": option(integer(-1, 2_147_483_647, "milliseconds"), -1, {
    env: "HEARTH_LISTEN_WAIT_MS",
    doc: "How long to try again while the address is not there or taken; -1: a minute, or as a service for as long as it takes.",
  }),
  "server.allowed_hosts": option(list(text("a host name without a port", /^[\w.-]{1,253}$/)), none, {
    env: "HEARTH_ALLOWED_HOSTS",
    doc: "Host names that requests may name beside the device's own, *.local and private addresses.",
  }),
  "server.allowed_origins": option(
    list(
      text(
        "an origin such as http://kiosk.lan:8080 or app://obsidian.md",
        /^[a-z][a-z\d+.-]{0,62}:\/\/[^\s/]{1,253}$/i,
      ),
    ),
    none,
    {
      env: "HEARTH_ALLOWED_ORIGINS",
      doc: "Origins of web pages, apps and browser extensions that may use the server, beside its own pages.",
    },
  ),

  "server.socket": option(text("a path"), "", {
    env: "HEARTH_SOCKET",
    doc: "Unix socket to listen on as well; who may use it is its file's permissions, and no key is needed. Empty: none.",
  }),

  "tls.cert": option(text("a path"), "", {
    env: "HEARTH_TLS_CERT",
    doc: "PEM file with the certificate, and its chain, to serve HTTPS with. Needs tls.key.",
  }),
  "tls.key": option(text("a path"), "", {
    env: "HEARTH_TLS_KEY",
    doc: "PEM file with the certificate's private key.",
  }),
  "tls.self_signed": option(boolean(), false, {
    env: "HEARTH_TLS_SELF_SIGNED",
    doc: "Serve HTTPS with a certificate that hearth makes and keeps in state.path; its fingerprint is logged.",
  }),

  "auth.mode": option(choice(["auto", "required", "off"]), "auto", {
    env: "HEARTH_AUTH_MODE",
    doc: "When clients need a key; auto: unless the server listens on loopback only.",
  }),
  "auth.keys": option(list(text("the SHA-256 of a key as 64 hex digits", /^[0-9a-f]{64}$/)), none, {
    env: "HEARTH_AUTH_KEYS",
    secret: true,
    doc: "SHA-256 of keys that may do everything, beside those that `hearth key create` makes.",
  }),

  "model.path": option(text("a path"), "", {
    env: "HEARTH_MODEL",
    flag: "model",
    doc: "Model of the store or GGUF file to serve; empty: the model that comes with hearth.",
  }),
  "model.alias": option(text("up to 128 letters, digits and . _ : / -", /^[\w.:/-]{0,128}$/), "", {
    env: "HEARTH_MODEL_ALIAS",
    flag: "alias",
    doc: "Name under which clients ask for the model; empty: the file's name.",
  }),
  "model.load_wait_ms": option(integer(0, 600_000, "milliseconds"), 10_000, {
    env: "HEARTH_MODEL_LOAD_WAIT_MS",
    doc: "Time that a request waits for the model to be loaded before it is told to try again later.",
  }),

  "model.fallback_template": option(choice(fallbackChoices), "auto", {
    env: "HEARTH_MODEL_FALLBACK_TEMPLATE",
    doc: "Chat template of a model whose file has none; auto: what its vocabulary suggests; none: continue texts as they are.",
  }),
  "model.unknown_pre_tokenizer": option(choice(["refuse", "default"]), "refuse", {
    env: "HEARTH_MODEL_UNKNOWN_PRE_TOKENIZER",
    doc: "What to do with a model whose pre-tokenizer is unknown; default: split its text in the default way, at some loss of quality.",
  }),

  "state.path": option(text("a path"), "", {
    env: "HEARTH_STATE",
    doc: "Folder of models, keys and stored responses; empty: the service's StateDirectory, else ~/.local/share/hearth.",
  }),

  "models.memory_bytes": option(integer(0, 2 ** 50, "bytes"), 0, {
    env: "HEARTH_MODELS_MEMORY_BYTES",
    doc: "Memory that loaded models may take together; 0: 80 % of the machine's.",
  }),

  "memory.budget_bytes": option(integer(0, 2 ** 50, "bytes"), 0, {
    env: "HEARTH_MEMORY_BUDGET_BYTES",
    doc: "Memory of the whole process. Weights that do not fit are read from the file for each token; 0: what the machine and its control groups leave.",
  }),

  "models.keep_alive_ms": option(integer(-1, 2_147_483_647, "milliseconds"), 300_000, {
    env: "HEARTH_MODELS_KEEP_ALIVE_MS",
    doc: "How long a model that a request named stays loaded after its last one; -1: for ever. The one of model.path stays.",
  }),

  "pull.connections": option(integer(1, 16, "connections"), 4, {
    env: "HEARTH_PULL_CONNECTIONS",
    doc: "Connections over which a model is downloaded at the same time.",
  }),
  "pull.hf_endpoint": option(text("an address"), "", {
    env: "HEARTH_PULL_HF_ENDPOINT",
    doc: "Hugging Face or a mirror of it; empty: what HF_ENDPOINT says, else https://huggingface.co.",
  }),
  "pull.hf_token": option(text("a token", /^[\w.-]{0,256}$/), "", {
    env: "HEARTH_PULL_HF_TOKEN",
    secret: true,
    doc: "Token for Hugging Face's gated models, sent to it alone; empty: what HF_TOKEN says.",
  }),
  "pull.ollama_endpoint": option(text("an address"), "https://registry.ollama.ai", {
    env: "HEARTH_PULL_OLLAMA_ENDPOINT",
    doc: "Registry of Ollama's models, or a mirror of it.",
  }),

  "engine.threads": option(integer(0, 256, "threads"), 0, {
    env: "HEARTH_THREADS",
    flag: "threads",
    doc: "Threads that compute; 0: what was measured for the model, or one per physical core.",
  }),
  "engine.decode_threads": option(integer(0, 256, "threads"), 0, {
    env: "HEARTH_DECODE_THREADS",
    doc: "Of them, those that compute while answers are written; 0: what was measured for the model, or all.",
  }),
  "engine.auto_tune": option(boolean(), true, {
    env: "HEARTH_AUTO_TUNE",
    doc: "Measure while nobody asks which kernels and how many threads suit each model, once, and again when it has become much slower.",
  }),
  "engine.isa": option(text("the name of a kernel set", /^\w{0,32}$/), "", {
    env: "HEARTH_ISA",
    doc: "Kernel set to force, for tests; empty: what was measured, or the best for this CPU.",
  }),
  "engine.reading_order": option(choice(["auto", "streams", "memory"]), "auto", {
    env: "HEARTH_READING_ORDER",
    doc: "Order in which weights are read, to force: rows side by side, or as they lie in memory; auto: what was measured. Answers are the same.",
  }),
  "engine.prefetch_bytes": option(integer(-1, 1_048_576, "bytes"), -1, {
    env: "HEARTH_PREFETCH_BYTES",
    doc: "How far ahead weights are fetched into the caches, to force; -1: what was measured.",
  }),
  "engine.untuned_kernels": option(text("KERNELS:ORDER:BYTES", /^\w{0,32}(:(streams|memory)?(:\d{0,7})?)?$/), "", {
    env: "HEARTH_UNTUNED_KERNELS",
    doc: "Kernels, order and bytes to begin with where nothing was measured yet, for tests, such as avx2:streams:256; empty: the best for this CPU.",
  }),
  "engine.speculation": option(boolean(), true, {
    env: "HEARTH_SPECULATION",
    doc: "Draft tokens that repeat earlier text, several a step; answers are the same without.",
  }),
  "context.tokens": option(integer(16, 1_048_576, "tokens"), 8192, {
    env: "HEARTH_CONTEXT_TOKENS",
    flag: "context",
    doc: "Longest prompt and answer together. No more than the model was trained for is used; unless it is set, no more than fits.",
  }),
  "context.overflow": option(choice(["leave_out_results", "leave_out_turns", "error"]), "leave_out_results", {
    env: "HEARTH_CONTEXT_OVERFLOW",
    doc: "Of a conversation that does not fit, where the request says nothing of truncation: leave out results of calls but the last ones, or whole turns too, the oldest first, or answer with an error.",
  }),
  "kv.tokens": option(integer(0, 16_777_216, "tokens"), 0, {
    env: "HEARTH_KV_TOKENS",
    doc: "Tokens that the KV cache holds over all slots, a whole context at least; 0: a context, or 2048 for each slot if that is more.",
  }),
  "kv.type": option(choice(["f16", "q8_0"]), "f16", {
    env: "HEARTH_KV_TYPE",
    doc: "How the KV cache keeps keys and values; q8_0 takes 0.56 times the memory of f16, at a small loss of precision. Unless it is set, q8_0 where f16 does not fit.",
  }),

  "prefix.memory_bytes": option(integer(0, 2 ** 40, "bytes"), 256 * mib, {
    env: "HEARTH_PREFIX_MEMORY_BYTES",
    doc: "Memory of a model's KV cache beside kv.tokens, for prompts that were read before and may come again; 0: none. Unless it is set, no more than fits.",
  }),
  "prefix.disk_bytes": option(integer(0, 2 ** 50, "bytes"), 1024 * mib, {
    env: "HEARTH_PREFIX_DISK_BYTES",
    doc: "Size of all prompts kept on disk, in state.path, so that they need not be read again after a restart; 0: none.",
  }),
  "prefix.disk_bytes_per_day": option(integer(0, 2 ** 50, "bytes"), 2048 * mib, {
    env: "HEARTH_PREFIX_DISK_BYTES_PER_DAY",
    doc: "What may be written of them a day, for the sake of memory cards.",
  }),
  "prefix.idle_ms": option(integer(0, 86_400_000, "milliseconds"), 30_000, {
    env: "HEARTH_PREFIX_IDLE_MS",
    doc: "How long nobody may have asked for anything before prompts are written to disk.",
  }),
  "prefix.min_tokens": option(integer(64, 1_048_576, "tokens"), 256, {
    env: "HEARTH_PREFIX_MIN_TOKENS",
    doc: "Prompts that are shorter, or differ by less from one that is there, are not kept on disk.",
  }),
  "prefix.pinned": option(list(text("a path")), none, {
    env: "HEARTH_PREFIX_PINNED",
    doc: "Files with system prompts to read at the start and to keep: texts, or chat requests (*.json) with messages and tools.",
  }),

  "scheduler.slots": option(integer(1, 64, "slots"), 4, {
    env: "HEARTH_SLOTS",
    flag: "slots",
    doc: "Answers that are generated at the same time; unless it is set, no more than fit.",
  }),
  "scheduler.queue": option(integer(0, 4096, "requests"), 64, {
    env: "HEARTH_QUEUE",
    doc: "Requests that may wait for a slot; more are turned away.",
  }),
  "scheduler.queue_ms": option(integer(0, 86_400_000, "milliseconds"), 600_000, {
    env: "HEARTH_QUEUE_MS",
    doc: "How long a request may wait for a slot before it is told to come later; 0: any time. Clients may ask for less.",
  }),
  "scheduler.batch_tokens": option(integer(1, 4096, "tokens"), 256, {
    env: "HEARTH_BATCH_TOKENS",
    doc: "Most tokens of one step. The scheduler takes fewer while answers stream.",
  }),
  "scheduler.max_gap_ms": option(integer(1, 60_000, "milliseconds"), 250, {
    env: "HEARTH_MAX_GAP_MS",
    doc: "Longest time between two tokens of an answer while another prompt is read, and at most four times what it takes alone. A prompt has at least half of the time.",
  }),

  "governor.heat": option(boolean(), true, {
    env: "HEARTH_GOVERNOR_HEAT",
    doc: "Compute less, by fewer threads and rests, where the processor would get so hot that it slows down by itself, or where its power supply is too weak.",
  }),
  "governor.temperature_celsius": option(integer(0, 120, "degrees Celsius"), 0, {
    env: "HEARTH_GOVERNOR_TEMPERATURE_CELSIUS",
    doc: "Temperature to stay below; 0: where the board slows down by itself, 80 on a Raspberry Pi, as far as it tells.",
  }),
  "governor.yield": option(boolean(), true, {
    env: "HEARTH_GOVERNOR_YIELD",
    doc: "Compute with fewer threads while other programs wait for a processor.",
  }),
  "governor.quiet_hours": option(list(text("hours such as 22:00-07:00", hoursPattern)), none, {
    env: "HEARTH_GOVERNOR_QUIET_HOURS",
    doc: "Hours of the day, in local time, at which to compute with a part of the power alone, for the sake of fans.",
  }),
  "governor.quiet_percent": option(integer(1, 100, "percent"), 50, {
    env: "HEARTH_GOVERNOR_QUIET_PERCENT",
    doc: "That part.",
  }),
  "machine.root": option(text("a path"), "/", {
    env: "HEARTH_MACHINE_ROOT",
    doc: "Folder in which proc and sys are looked for, for tests.",
  }),

  "responses.max_bytes": option(integer(0, 16_384 * mib, "bytes"), 64 * mib, {
    env: "HEARTH_RESPONSES_MAX_BYTES",
    doc: "Size of all responses that are kept because a client stored them; the oldest make room. 0 keeps none.",
  }),
  "responses.max_age_hours": option(integer(1, 87_600, "hours"), 720, {
    env: "HEARTH_RESPONSES_MAX_AGE_HOURS",
    doc: "How long a stored response is kept.",
  }),

  "chats.max_bytes": option(integer(0, 16_384 * mib, "bytes"), 64 * mib, {
    env: "HEARTH_CHATS_MAX_BYTES",
    doc: "Size of all chats that the chat page keeps here, the same on all devices of a key. 0 keeps none: pages keep them in the browser.",
  }),

  "kiosk.prompts": option(list(text("a prompt")), none, {
    env: "HEARTH_KIOSK_PROMPTS",
    doc: "Prompts that kiosks show answers to, one after the other; none: greetings, stories and thoughts of their own.",
  }),
  "kiosk.every_ms": option(integer(5000, 86_400_000, "milliseconds"), 900_000, {
    env: "HEARTH_KIOSK_EVERY_MS",
    doc: "How long a kiosk shows an answer before it asks for the next.",
  }),

  "responses.resume_ms": option(integer(0, 3_600_000, "milliseconds"), 30_000, {
    env: "HEARTH_RESPONSES_RESUME_MS",
    doc: "How long a response goes on for a client that lost its connection, and can be read on from; 0 ends it at once.",
  }),
  "responses.resume_bytes": option(integer(4096, 64 * mib, "bytes"), mib, {
    env: "HEARTH_RESPONSES_RESUME_BYTES",
    doc: "Of each response's events that are kept for such a client; the response pauses when it is so far ahead of it.",
  }),

  "limits.requests_per_minute": option(integer(0, 1_000_000, "requests a minute"), 600, {
    env: "HEARTH_LIMITS_REQUESTS_PER_MINUTE",
    doc: "Of one key, or of one address where none is needed; 0 is no limit. Programs on this device are exempt.",
  }),
  "limits.sockets": option(integer(1, 4096, "connections"), 256, {
    env: "HEARTH_LIMITS_SOCKETS",
    doc: "WebSockets open at the same time.",
  }),
  "limits.sockets_per_address": option(integer(1, 4096, "connections"), 64, {
    env: "HEARTH_LIMITS_SOCKETS_PER_ADDRESS",
    doc: "The same of one key or address; loopback, where a proxy may stand, is exempt.",
  }),
  "limits.connections": option(integer(1, 8192, "connections"), 512, {
    env: "HEARTH_LIMITS_CONNECTIONS",
    doc: "TCP connections open at the same time, WebSockets included.",
  }),
  "limits.connections_per_address": option(integer(1, 8192, "connections"), 128, {
    env: "HEARTH_LIMITS_CONNECTIONS_PER_ADDRESS",
    doc: "The same of one address, and half of what one IPv6 network (/64) may have; loopback, where a proxy may stand, is exempt.",
  }),
  "limits.message_bytes": option(integer(1024, 64 * mib, "bytes"), mib, {
    env: "HEARTH_LIMITS_MESSAGE_BYTES",
    doc: "Largest request body and WebSocket message.",
  }),
  "limits.unread_bytes": option(integer(4096, 64 * mib, "bytes"), mib, {
    env: "HEARTH_LIMITS_UNREAD_BYTES",
    doc: "What may wait for a client that does not read; more ends the connection.",
  }),
  "limits.turns": option(integer(1, 256, "requests"), 8, {
    env: "HEARTH_LIMITS_TURNS",
    doc: "Requests that one WebSocket may have waiting.",
  }),
  "limits.loop_repeats": option(integer(0, 1_048_576, "times"), 24, {
    env: "HEARTH_LIMITS_LOOP_REPEATS",
    doc: "An answer ends when one token, or two in turn, came so often in a row, as small models may; rules and indents four times that; 0: as limits.loop_tokens says. JSON goes on behind what loops.",
  }),
  "limits.loop_tokens": option(integer(0, 1_048_576, "tokens"), 512, {
    env: "HEARTH_LIMITS_LOOP_TOKENS",
    doc: "The same when its last so many tokens repeat the same few (16 at most, in JSON 64); 0: it goes on.",
  }),
  "limits.call_repeats": option(integer(0, 64, "times"), 5, {
    env: "HEARTH_LIMITS_CALL_REPEATS",
    doc: "An answer ends with so many calls in a row that are the same, and has to be words after so many rounds of a turn with the same calls and results; 0: a model may go on.",
  }),
  "models.upload_bytes": option(integer(0, 2 ** 42, "bytes"), 64 * 1024 * mib, {
    env: "HEARTH_MODELS_UPLOAD_BYTES",
    doc: "Largest model file that a client with the scope admin may send; 0: none.",
  }),
  "limits.headers_ms": option(integer(100, 600_000, "milliseconds"), 10_000, {
    env: "HEARTH_LIMITS_HEADERS_MS",
    doc: "Time for a client to send its headers.",
  }),
  "limits.request_ms": option(integer(100, 600_000, "milliseconds"), 30_000, {
    env: "HEARTH_LIMITS_REQUEST_MS",
    doc: "Time for a client to send its whole request.",
  }),
  "limits.idle_ms": option(integer(1000, 86_400_000, "milliseconds"), 120_000, {
    env: "HEARTH_LIMITS_IDLE_MS",
    doc: "A connection without traffic, pongs included, or whose client does not read what is sent, is closed after this time.",
  }),
  "limits.socket_ms": option(integer(1000, 86_400_000, "milliseconds"), 3_600_000, {
    env: "HEARTH_LIMITS_SOCKET_MS",
    doc: "Life of a WebSocket.",
  }),

  upstream: option(upstreams(), noUpstreams, {
    env: "HEARTH_UPSTREAM",
    secret: true,
    doc: "Other OpenAI-compatible servers that answer for models, or when the queue is long: see src/config/UPSTREAMS.md.",
  }),

  "log.level": option(choice(logLevels), "info", {
    env: "HEARTH_LOG_LEVEL",
    flag: "log-level",
    doc: "Least severe level that is logged.",
  }),
  "log.format": option(choice(["auto", "json", "text"]), "auto", {
    env: "HEARTH_LOG_FORMAT",
    flag: "log",
    doc: "Form of the log: JSON lines, or a few lines for a person; auto: those on a terminal, JSON elsewhere.",
  }),
  "log.prompts": option(boolean(), false, {
    env: "HEARTH_LOG_PROMPTS",
    doc: "Let what clients write and what the model answers into the log.",
  }),
  "shutdown.grace_ms": option(integer(0, 600_000, "milliseconds"), 10_000, {
    env: "HEARTH_SHUTDOWN_GRACE_MS",
    doc: "Time for running answers to end when the daemon is told to stop.",
  }),
} as const;

export type OptionKey = keyof typeof options;
type ValueOf<O> = O extends Option<infer T> ? T : never;

/** The value of every option, by its key: `config["scheduler.slots"]`. Frozen. */
export type Config = { readonly [Key in OptionKey]: ValueOf<(typeof options)[Key]> };

export const optionKeys = Object.keys(options) as readonly OptionKey[];

/** The options as a list, for code that treats all alike. */
export function optionOf(key: OptionKey): Option {
  return options[key] as Option;
}
