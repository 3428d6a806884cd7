/**
 * The error catalogue: each code once, with its HTTP status, wire code, whether a retry may help, and what to do. The only
 * place to change any of these: `npm run format` writes native/include/errors.h and ERRORS.md from it.
 */

export interface ErrorKind {
  /** HTTP status; on a WebSocket the `status` of an error event. */
  readonly status: number;
  /** The `code` that clients of the OpenAI protocols see. */
  readonly wireCode: string;
  readonly retryable: boolean;
  /** The action that the user should take. */
  readonly advice: string;
}

const clientFault = (wireCode: string, advice: string, status = 400): ErrorKind => ({
  status,
  wireCode,
  retryable: false,
  advice,
});
const unavailable = (wireCode: string, advice: string): ErrorKind => ({
  status: 503,
  wireCode,
  retryable: true,
  advice,
});
const badModel = (advice: string): ErrorKind => ({ status: 503, wireCode: "model_error", retryable: false, advice });
const badSource = (advice: string): ErrorKind => ({ status: 502, wireCode: "pull_failed", retryable: false, advice });
const badGateway = (advice: string): ErrorKind => ({
  status: 502,
  wireCode: "upstream_error",
  retryable: false,
  advice,
});
const internal = (advice: string): ErrorKind => ({ status: 500, wireCode: "server_error", retryable: false, advice });

/** Model files and the engine: every code that native/ can return, and those alone. */
export const engineErrors = {
  FILE_OPEN_FAILED: badModel("Check the path and its permissions."),
  FILE_READ_FAILED: badModel(
    "The file was cut short or its storage fails. Check the card; hearth goes on when it works.",
  ),
  FILE_CHANGED: badModel("The model file changed while it was in use. hearth loads the new one by itself: ask again."),
  FILE_WRITE_FAILED: internal("Check the free space and the permissions of the folder."),
  GGUF_BAD_MAGIC: badModel("This is not a GGUF file. Give the path of a .gguf model."),
  GGUF_BAD_VERSION: badModel("GGUF versions 2 and 3, little-endian, are supported. Convert the file anew."),
  GGUF_TRUNCATED: badModel("The file is shorter than its header says. Download it again."),
  GGUF_LIMIT_EXCEEDED: badModel("The header exceeds a limit of the reader. The file is damaged or hostile."),
  GGUF_BAD_TYPE: badModel("The header names a type that GGUF does not define. The file is damaged or too new."),
  GGUF_DUPLICATE_NAME: badModel("A name stands twice in the header. The file is damaged; download it again."),
  GGUF_BAD_ALIGNMENT: badModel("Alignment must be a power of two. The file is damaged; convert it anew."),
  GGUF_BAD_STRING: badModel("A string in the header is not UTF-8. The file is damaged; download it again."),
  GGUF_KEY_MISSING: badModel("The file lacks a key that its architecture needs. Convert it anew."),
  GGUF_KEY_BAD_VALUE: badModel("A key has the wrong type or a value out of range. Convert the file anew."),
  GGUF_TENSOR_MISSING: badModel("The file lacks a tensor that its architecture needs. Convert it anew."),
  GGUF_TENSOR_BAD_SHAPE: badModel("A tensor has the wrong shape. The file is damaged or of another architecture."),
  GGUF_TENSOR_OUT_OF_BOUNDS: badModel("A tensor lies outside the file. Download it again."),
  MODEL_ARCHITECTURE_UNSUPPORTED: badModel("Choose a model of a supported architecture."),
  MODEL_TENSOR_TYPE_UNSUPPORTED: badModel("Choose a file with a supported quantization."),
  MODEL_OUTPUT_INVALID: badModel("The weights are damaged. Download the file again."),
  MODEL_HAS_NO_WEIGHTS: badModel("The file holds only a vocabulary. Choose a file with weights."),
  MODEL_WEIGHTS_INVALID: badModel("Weights are damaged. Download or convert the file again."),
  MODEL_PART_INVALID: badModel("Keep all parts in one folder under their own names, and name the first one."),
  QUANTIZE_SOURCE_QUANTIZED: badModel("Give the F32, F16 or BF16 file, or accept the loss with --allow-requantize."),
  IMPORT_BAD_TENSOR: badModel("The safetensors files are damaged or incomplete. Download the folder again."),
  TOKENIZER_UNSUPPORTED: badModel("Choose a model with a supported tokenizer."),
  TOKENIZER_BAD_VOCABULARY: badModel("The vocabulary is inconsistent. Convert the file anew."),
  TOKEN_OUT_OF_RANGE: clientFault("invalid_value", "Give token ids from 0 to the vocabulary's size less one."),
  ISA_UNKNOWN: internal("Unset HEARTH_ISA, or set it to one of the listed names."),
  ISA_UNSUPPORTED: internal("This CPU lacks the instructions. Unset HEARTH_ISA."),
  SAMPLER_BAD_VALUE: clientFault("invalid_value", "Give a sampling parameter within its range."),
  GRAMMAR_INVALID: clientFault("invalid_grammar", "Correct the grammar at the place that the message names."),
  GRAMMAR_TOO_COMPLEX: clientFault("invalid_grammar", "Ask for a smaller or less ambiguous schema or grammar."),
  SEQUENCE_UNKNOWN: internal("The sequence was closed or never opened."),
  PLAN_INVALID: internal("A step needs at least one chunk, every chunk at least one token, and no sequence twice."),
  CONTEXT_OVERFLOW: clientFault("context_length_exceeded", "Shorten the prompt, or send fewer messages."),
  KV_FULL: unavailable(
    "server_overloaded",
    "Too many tokens are in use at once. Ask for less, or raise the KV cache's size.",
  ),
  PREFIX_FILE_INVALID: internal("The file is removed and the prompt is read anew; there is nothing to do."),
  ENGINE_BUSY: internal("Wait for the running step."),
  ENGINE_CLOSED: unavailable("server_shutting_down", "The engine was closed."),
  OPTION_OUT_OF_RANGE: clientFault("invalid_value", "Give an option within its range."),
  STOPPED: unavailable("stopped", "Run the same command again; a pull goes on where it stopped."),
  OUT_OF_MEMORY: unavailable("server_overloaded", "Choose a smaller model or context, or free memory."),
  INTERNAL: internal("This is a bug; please report it with the message."),
} as const satisfies Record<string, ErrorKind>;

/** Start and command line. */
export const startErrors = {
  ADDON_LOAD_FAILED: internal("Build the addon with `npm run build`, then start again."),
  CONFIG_UNREADABLE: internal("Check the path and the TOML syntax of the configuration file."),
  CONFIG_UNKNOWN_KEY: internal(
    "Remove the option or correct its name; `hearth serve --print-config` lists all options.",
  ),
  CONFIG_BAD_VALUE: internal("Give a value of the option's type and range."),
  TLS_UNUSABLE: internal("Check tls.cert and tls.key, or set tls.self_signed to let hearth make a certificate."),
  LISTEN_FAILED: unavailable("server_error", "Choose another address with --listen, or stop the program that uses it."),
  COMMAND_NEEDS_ROOT: internal("Run the command by sudo."),
  DAEMON_UNREACHABLE: unavailable(
    "server_error",
    "Start it with `sudo systemctl start hearthd`, or `hearth serve` in a terminal; `hearth doctor` says what keeps it.",
  ),
  DAEMON_BUSY: unavailable("server_overloaded", "Try again in a few seconds."),
  DAEMON_REFUSED: internal("Change what the message names; `hearth logs` shows what the daemon says itself."),
  SERVICE_MISSING: internal("Install hearth as a service, see docs/configuration.md, or run `hearth serve`."),
  SERVICE_FAILED: internal("Run `hearth doctor` for what is wrong, and `hearth logs` for what the service said."),
  PACKAGE_INVALID: internal("Give the hearthd_VERSION_ARCHITECTURE.deb for this machine."),
  UPDATE_FAILED: internal("Read what apt-get said above; the version that was there stays."),
  COMMAND_INVALID: internal("Run the command with --help to see what it takes."),
} as const satisfies Record<string, ErrorKind>;

/** The store of models. */
export const storeErrors = {
  IMPORT_UNSUPPORTED: badModel(
    "Import a llama, qwen2, qwen3 or gemma3 folder as Hugging Face publishes it, or get a GGUF file.",
  ),
  MODEL_NAME_INVALID: clientFault(
    "invalid_value",
    "Name a model as qwen3:0.6b, hf:owner/repo:Q4_K_M or https://host/file.gguf.",
  ),
  MODEL_EXISTS: clientFault("model_exists", "Remove that model first, or give another name with --name.", 409),
  MODEL_IN_USE: clientFault(
    "model_in_use",
    "Choose another model.path first, or remove it all the same with `hearth models rm --force`.",
    409,
  ),
  STORE_BUSY: unavailable("store_busy", "Wait until that is done, then try again."),
  STORE_DAMAGED: badModel("Remove the model with `hearth models rm`, and pull or import it again."),
  MODEL_DOES_NOT_FIT: badModel("Choose a smaller model or file, or raise models.memory_bytes."),
  PULL_NOT_FOUND: clientFault("pull_not_found", "Check the name, and the file or quantization, at its source.", 404),
  PULL_DENIED: clientFault("pull_denied", "Accept the model's terms on its page, and set HF_TOKEN to your token.", 403),
  PULL_FAILED: unavailable("pull_failed", "Check the network and run the same again: it goes on where it stopped."),
  PULL_BAD_RESPONSE: badSource("This is no source of models, or one that is at fault. Try another, or later."),
  PULL_BAD_LENGTH: badSource("The source contradicts itself about the file's length. Try another, or later."),
  PULL_BAD_HASH: badSource("The file is damaged or not the one that was promised. Try again, or another source."),
  PULL_SOURCE_CHANGED: unavailable("pull_source_changed", "Somebody is changing the file. Try again later."),
  PULL_REFUSED: clientFault("pull_refused", "Give a public https address of a source that you trust.", 403),
  DISK_FULL: { status: 507, wireCode: "disk_full", retryable: false, advice: "Free space, or choose a smaller file." },
} as const satisfies Record<string, ErrorKind>;

/** Requests and connections. */
export const requestErrors = {
  QUEUE_FULL: unavailable("server_overloaded", "Too many requests wait already. Try again later."),
  QUEUE_TIMEOUT: unavailable("queue_timeout", "The server has too much to do. Try again later."),
  MODEL_LOADING: unavailable("model_loading", "The model is being loaded. Try again in a few seconds."),
  MODEL_NOT_FOUND: clientFault(
    "model_not_found",
    'Name a model that `hearth models list` shows, or "default" in a request.',
    404,
  ),
  SHUTTING_DOWN: unavailable("server_shutting_down", "The daemon is stopping. Try again after its restart."),
  REQUEST_CANCELLED: clientFault("request_cancelled", "The client went away before the answer was done.", 499),
  CHAT_TEMPLATE_FAILED: clientFault(
    "invalid_prompt",
    "Send messages as the model's chat template wants them, or choose another model.",
  ),
  SCHEMA_UNSUPPORTED: clientFault(
    "invalid_json_schema",
    "Change what the message names, or ask for the schema without strict.",
  ),
  FORMAT_STUCK: clientFault("format_stuck", "Ask for another format, or choose another model."),
  REQUEST_INVALID: clientFault("invalid_value", "Correct the named field."),
  REQUEST_UNSUPPORTED: clientFault("unsupported_parameter", "Leave the named field out."),
  REQUEST_TOO_LARGE: clientFault("request_too_large", "Send a smaller message.", 413),
  HEADERS_TOO_LARGE: clientFault("headers_too_large", "Send fewer or shorter headers.", 431),
  REQUEST_TIMEOUT: clientFault("request_timeout", "Send the whole request at once.", 408),
  CONTENT_TYPE_UNSUPPORTED: clientFault("unsupported_media_type", "Send JSON as application/json.", 415),
  ROUTE_NOT_FOUND: clientFault("not_found", "Check the method and the path.", 404),
  METHOD_NOT_ALLOWED: clientFault("method_not_allowed", "Use one of the methods that Allow names.", 405),
  HOST_REFUSED: clientFault(
    "host_refused",
    "Use a name that server.allowed_hosts lists, or the device's own name.",
    403,
  ),
  ORIGIN_REFUSED: clientFault("origin_refused", "Add the page's origin to server.allowed_origins.", 403),
  API_KEY_INVALID: clientFault("invalid_api_key", "Send a valid key as Authorization: Bearer KEY.", 401),
  KEY_SCOPE_MISSING: clientFault(
    "insufficient_permissions",
    "Use a key that was made with `hearth key create --scope` for this.",
    403,
  ),
  KEY_FILE_INVALID: {
    status: 503,
    wireCode: "keys_unavailable",
    retryable: false,
    advice: "Mend the file, or put a copy of it back: whoever holds a key loses it with the file.",
  },
  RATE_LIMITED: {
    status: 429,
    wireCode: "rate_limit_exceeded",
    retryable: true,
    advice: "Wait for the seconds that Retry-After says.",
  },
  TOO_MANY_CONNECTIONS: unavailable("too_many_connections", "Close connections, or raise limits.connections."),
  TOO_MANY_SOCKETS: unavailable("too_many_connections", "Close a connection, or try again later."),
  SOCKET_EXPIRED: clientFault(
    "websocket_connection_limit_reached",
    "Open a new WebSocket and send the whole input again.",
  ),
  TURNS_FULL: clientFault("response_already_in_flight", "Wait for the responses that this socket asked for.", 429),
  PREVIOUS_RESPONSE_NOT_FOUND: clientFault("previous_response_not_found", "Send the whole input again without the id."),
  RESPONSE_NOT_FOUND: clientFault("not_found", "Check the id; responses are kept for a limited time.", 404),
  CHAT_NOT_FOUND: clientFault("not_found", "Check the id; it may have been deleted on another device.", 404),
  CHAT_CHANGED: clientFault("chat_changed", "Get the chat, make the change to it, and put it again.", 409),
  CHATS_FULL: {
    status: 507,
    wireCode: "chats_full",
    retryable: false,
    advice: "Delete chats that nobody needs, or raise chats.max_bytes in the configuration.",
  },
  STREAM_EVENTS_GONE: clientFault("stream_events_gone", "Get the response as a whole once it is done.", 410),
  UPSTREAM_UNREACHABLE: badGateway("Check that the upstream runs, its url in the configuration, and the network."),
  UPSTREAM_BAD_RESPONSE: badGateway("Check that the upstream's url is that of an OpenAI-compatible API."),
  UPSTREAM_FAILED: badGateway("Look into the upstream's log, and check its api_key in the configuration."),
  UPSTREAM_TIMEOUT: {
    ...badGateway("Try again later, or raise the upstream's times in the configuration."),
    status: 504,
  },
  UPSTREAM_BUSY: unavailable("upstream_busy", "The upstream has too much to do. Try again later."),
  UPSTREAM_REFUSED: clientFault(
    "upstream_refused",
    "Change the request as the upstream says, or ask for another model.",
  ),
} as const satisfies Record<string, ErrorKind>;
