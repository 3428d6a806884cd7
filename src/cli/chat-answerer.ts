/** Who answers in `hearth chat`: the running daemon, or a model in this process. */
import { setTimeout as sleep } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import { openModelStore, StoreCatalog } from "../daemon/model-file.js";
import { loadEngineModule } from "../engine/binding.js";
import { GenerationService } from "../service/generation.js";
import type { ModelHost } from "../service/model-host.js";
import type { AnswerStream } from "./answer-events.js";
import { daemonAnswer, refusal, unreachable } from "./daemon-answer.js";
import { DaemonClient, isAbsent, localAddress } from "./daemon-client.js";
import { localModel } from "./local-model.js";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface Answerer {
  /** For people: `by the daemon at 127.0.0.1:11434`. */
  readonly where: string;
  /** The model that answers. */
  readonly model: string;
  models(): Promise<readonly string[]>;
  /** Has another model answer. MODEL_NOT_FOUND; the one before stays then. */
  use(model: string): Promise<void>;
  /** `messages`: the whole conversation, oldest first. Throws HearthError. */
  answer(messages: readonly ChatMessage[], signal: AbortSignal): AnswerStream;
  stop(): Promise<void>;
}

const limitMs = 10_000;
/** A restart takes a few seconds. */
const absenceMs = 20_000;
const retryMs = 500;

export class DaemonAnswerer implements Answerer {
  readonly where: string;
  readonly #client: DaemonClient;
  #model = "default";

  /** `configured`: the daemon's own model. */
  constructor(config: Config, key: string | null, configured: string) {
    const { host, port } = localAddress(config);
    const socket = config["server.socket"];
    this.where = `by the daemon at ${socket === "" ? `${host}:${port}` : socket}`;
    this.#client = new DaemonClient(config, key);
    this.#model = configured;
  }

  get model(): string {
    return this.#model;
  }

  async models(): Promise<readonly string[]> {
    const asked = this.#client.ask({ method: "GET", path: "/v1/models", limitMs });
    const { status, text } = await asked.catch((error) => {
      throw unreachable(error);
    });
    if (status !== 200) throw refusal(status, text);
    const { data } = JSON.parse(text) as { data: readonly { readonly id: string }[] };
    return data.map(({ id }) => id);
  }

  async use(model: string): Promise<void> {
    const names = await this.models();
    const plain = (name: string) => name.toLowerCase().replace(/:latest$/, "");
    const found = names.find((name) => plain(name) === plain(model));
    if (found === undefined) {
      throw new HearthError("MODEL_NOT_FOUND", `The daemon has no model ${JSON.stringify(model.slice(0, 200))}.`, {
        param: "model",
        advice: `It has ${names.slice(0, 20).join(", ")}; \`hearth models pull NAME\` gets others.`,
      });
    }
    this.#model = found;
  }

  /** A daemon that starts anew is waited for before the answer; one that goes in the middle of it is an error. */
  async *answer(messages: readonly ChatMessage[], signal: AbortSignal): AnswerStream {
    const request = { model: this.#model, input: messages, truncation: "auto" };
    const since = performance.now();
    for (;;) {
      try {
        return yield* daemonAnswer(this.#client, request, signal);
      } catch (error) {
        const isAway = error instanceof HearthError && isAbsent(error.cause);
        if (!isAway || signal.aborted || performance.now() - since > absenceMs) throw error;
        yield { type: "waiting", why: "the daemon does not answer" };
        await sleep(retryMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  async stop(): Promise<void> {}
}

export class LocalAnswerer implements Answerer {
  readonly where = "in this process";
  readonly #config: Config;
  readonly #state: string;
  #name: string;
  #host: ModelHost;

  private constructor(config: Config, state: string, name: string, host: ModelHost) {
    this.#config = config;
    this.#state = state;
    this.#name = name;
    this.#host = host;
  }

  /** Resolves when the model is loaded. FILE_OPEN_FAILED, MODEL_NOT_FOUND, and what the engine says of the file. */
  static async start(config: Config, model: string, state: string): Promise<LocalAnswerer> {
    const host = localModel(config, model, state);
    await host.start();
    return new LocalAnswerer(config, state, model, host);
  }

  get model(): string {
    return this.#host.alias;
  }

  async models(): Promise<readonly string[]> {
    const store = openModelStore(this.#state, loadEngineModule());
    return [...new Set([this.model, ...new StoreCatalog(store).list().map(({ name }) => name)])];
  }

  async use(model: string): Promise<void> {
    const before = this.#host;
    const next = localModel(this.#config, model, this.#state);
    // Two models at once may be more than the memory holds.
    await before.stop(0);
    try {
      await next.start();
      this.#host = next;
      this.#name = model;
    } catch (error) {
      await next.stop(0);
      this.#host = localModel(this.#config, this.#name, this.#state);
      await this.#host.start();
      throw error;
    }
  }

  async *answer(messages: readonly ChatMessage[], signal: AbortSignal): AnswerStream {
    let leftOut = 0;
    const onShortened = ({ turns }: { readonly turns: number }) => {
      leftOut = turns;
    };
    const request = { ...wanted, model: this.model, messages, signal, onShortened };
    try {
      for await (const event of new GenerationService(this.#host).generate(request)) {
        if (leftOut > 0) yield { type: "leftOut", turns: leftOut };
        leftOut = 0;
        if (event.type === "text") yield { type: "text", text: event.text };
        if (event.type === "reasoning") yield { type: "reasoning", text: event.text };
        if (event.type === "prompt") yield { type: "reading", read: event.read, total: event.total };
        if (event.type !== "done") continue;
        const { generatedTokens, promptTokens } = event.usage;
        const reason = event.reason === "length" ? "length" : "stop";
        return { reason, tokens: generatedTokens, promptTokens };
      }
    } catch (error) {
      // Ctrl-C is a way to end an answer, not a failure.
      if (!(error instanceof HearthError) || error.code !== "REQUEST_CANCELLED") throw error;
    }
    return { reason: "cancelled", tokens: null, promptTokens: null };
  }

  async stop(): Promise<void> {
    await this.#host.stop(0);
  }
}

const wanted = { sampling: {}, maxTokens: null, stop: [], cacheKey: null, generate: true, truncation: "auto" } as const;
