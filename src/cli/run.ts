/** `hearth run`: one answer to the terminal, token by token, from the engine in this process. */
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { onStopSignals } from "../daemon/signals.js";
import { GenerationService } from "../service/generation.js";
import type { FinishReason, GenerationRequest, Usage } from "../service/types.js";
import { integerBetween, numberBetween } from "./arguments.js";
import { configurationOf } from "./configuration.js";
import { exitStatus } from "./exit-status.js";
import { localModel } from "./local-model.js";
import { print } from "./models-store.js";
import { readStdin } from "./stdin.js";

interface RunFlags {
  readonly prompt?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly raw?: true;
}

export function runCommand(): Command {
  return new Command("run")
    .description("answer one prompt on the terminal")
    .argument("[model]", "GGUF file or name of the store; without it the model that comes with hearth")
    .option(
      "--prompt <text>",
      "the prompt; - reads it from stdin, and so does leaving it out where stdin is no terminal",
    )
    .option("--max-tokens <n>", "longest answer in tokens", integerBetween("--max-tokens", 1, 1_000_000))
    .option("--temperature <t>", "0 is greedy", numberBetween("--temperature", 0, 10))
    .option("--seed <n>", "makes an answer repeatable", integerBetween("--seed", 0, Number.MAX_SAFE_INTEGER))
    .option("--raw", "continue the prompt as it is, without the model's chat template")
    .action(run);
}

async function run(model: string | undefined, flags: RunFlags, command: Command): Promise<void> {
  const { config, state } = configurationOf(command, { model, slots: "1" });
  const json = command.optsWithGlobals().json === true;
  const prompt = await readPrompt(flags.prompt);
  const host = localModel(config, config["model.path"], state);
  const interrupted = new AbortController();
  const removeHandlers = onStopSignals({
    first: () => interrupted.abort(),
    second: () => process.exit(exitStatus.unclean),
  });
  // The reader of a pipe went away: nobody wants the rest.
  process.stdout.on("error", () => interrupted.abort());
  try {
    await host.start();
    const service = new GenerationService(host);
    const wanted = request(host.alias, prompt, flags, interrupted.signal);
    await (json ? printObject(service, wanted) : printAnswer(service, wanted));
  } finally {
    await host.stop(0);
    removeHandlers();
  }
}

async function readPrompt(flag: string | undefined): Promise<string> {
  const fromStdin = flag === "-" || (flag === undefined && !process.stdin.isTTY);
  const prompt = fromStdin ? await readStdin() : flag;
  if (prompt === undefined || prompt === "") throw new HearthError("COMMAND_INVALID", "The prompt is empty.");
  return prompt;
}

function request(model: string, prompt: string, flags: RunFlags, signal: AbortSignal): GenerationRequest {
  const { temperature, seed, maxTokens, raw } = flags;
  return {
    model,
    messages: [{ role: "user", content: prompt }],
    raw: raw ?? false,
    sampling: { ...(temperature !== undefined && { temperature }), ...(seed !== undefined && { seed }) },
    maxTokens: maxTokens ?? null,
    stop: [],
    cacheKey: null,
    generate: true,
    signal,
  };
}

async function printAnswer(service: GenerationService, request: GenerationRequest): Promise<void> {
  try {
    for await (const event of service.generate(request)) {
      if (event.type === "text") process.stdout.write(event.text);
      // Reasoning is for whoever watches, not for a pipe.
      if (event.type === "reasoning" && process.stderr.isTTY) process.stderr.write(`\x1b[2m${event.text}\x1b[0m`);
    }
  } catch (error) {
    // Ctrl-C is a way to end an answer, not a failure.
    if (!(error instanceof HearthError) || error.code !== "REQUEST_CANCELLED") throw error;
  }
  process.stdout.write("\n");
}

/** The whole answer as one object. `reason`: null where it was interrupted. */
async function printObject(service: GenerationService, request: GenerationRequest): Promise<void> {
  const answer = {
    model: request.model,
    text: "",
    reasoning: "",
    reason: null as FinishReason | null,
    usage: null as Usage | null,
  };
  try {
    for await (const event of service.generate(request)) {
      if (event.type === "text") answer.text += event.text;
      if (event.type === "reasoning") answer.reasoning += event.text;
      if (event.type === "done") Object.assign(answer, { reason: event.reason, usage: event.usage });
    }
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== "REQUEST_CANCELLED") throw error;
  }
  print(true, answer, "");
}
