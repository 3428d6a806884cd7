/** `hearth chat`: a conversation on the terminal, answered by the running daemon or by a model in this process. */
import { createInterface } from "node:readline";
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { type Answerer, DaemonAnswerer, LocalAnswerer } from "./chat-answerer.js";
import { ChatSession } from "./chat-session.js";
import { talk } from "./chat-talk.js";
import { configurationOf } from "./configuration.js";
import { ownKey } from "./own-key.js";
import { daemonStatus } from "./running-daemon.js";

export function chatCommand(): Command {
  return new Command("chat")
    .description("talk with a model: by the running daemon, or in this process where there is none")
    .argument("[model]", "name of a model, or a GGUF file; without it the daemon's, or the one that comes with hearth")
    .action(chat);
}

async function chat(model: string | undefined, _flags: object, command: Command): Promise<void> {
  const json = command.optsWithGlobals().json === true;
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true && !json;
  const answerer = await findAnswerer(model, command, isTerminal);
  try {
    if (isTerminal) await talk(answerer, { keys: process.stdin, out: process.stdout, env: process.env });
    else await answerLines(answerer, json);
  } finally {
    await answerer.stop();
  }
}

/** The daemon, unless there is none or a file is named that it cannot know. */
async function findAnswerer(model: string | undefined, command: Command, isTerminal: boolean): Promise<Answerer> {
  const { config, state } = configurationOf(command, { model, slots: "1" });
  const isFile = model !== undefined && (/\.gguf$/i.test(model) || /^[./~]/.test(model));
  const status = isFile ? null : await daemonStatus(config);
  if (!status) {
    if (isTerminal) process.stdout.write(`${isFile ? "" : "No daemon runs here. "}Loading the model ...\n`);
    return LocalAnswerer.start(config, config["model.path"], state);
  }
  const configured = status.models.find((each) => each.configured)?.name ?? "default";
  const answerer = new DaemonAnswerer(config, ownKey(process.env, config["machine.root"]), configured);
  if (model !== undefined) await answerer.use(model);
  return answerer;
}

/** Messages come from a pipe, a line each; only answers are printed. */
async function answerLines(answerer: Answerer, json: boolean): Promise<void> {
  const session = new ChatSession(answerer, {
    out: (text) => process.stdout.write(text),
    say: (text) => process.stderr.write(text),
    json,
    isTerminal: false,
    hasStyles: false,
    columns: () => 80,
  });
  const gone = new AbortController();
  // The reader of a pipe went away: nobody wants the rest.
  process.stdout.on("error", () => gone.abort());
  process.once("SIGINT", () => gone.abort());
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  gone.signal.addEventListener("abort", () => lines.close());
  let failure: HearthError | null = null;
  let before = "";
  for await (const line of lines) {
    if (gone.signal.aborted) break;
    if (/(^|[^\\])(\\\\)*\\$/.test(line)) {
      before += `${line.slice(0, -1)}\n`;
      continue;
    }
    const text = before + line;
    before = "";
    if (text.trim() === "") continue;
    const result = await session.take(text, gone.signal);
    if (result === "quit") break;
    if (result instanceof HearthError) failure ??= result;
  }
  lines.close();
  if (failure) throw failure;
}
