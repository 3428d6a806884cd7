#!/usr/bin/env -S node --max-semi-space-size=1
/** The `hearth` command: reads the arguments, runs one command, exits. The commands themselves stand in one file each. */
import { Command } from "commander";
import { version } from "../base/version.js";
import { describeFailure, exitStatus, exitStatusOf, toHearthError } from "./failure.js";

/** The commands, in the order of the help. Each loads much that the others do not need. */
const commandLoaders: Record<string, () => Promise<Command>> = {
  serve: async () => (await import("./serve.js")).serveCommand(),
  run: async () => (await import("./run.js")).runCommand(),
  bench: async () => (await import("./bench.js")).benchCommand(),
  tune: async () => (await import("./tune.js")).tuneCommand(),
  models: async () => (await import("./models.js")).modelsCommand(),
  quantize: async () => (await import("./quantize.js")).quantizeCommand(),
  key: async () => (await import("./key.js")).keyCommand(),
  debug: async () => (await import("./debug.js")).debugCommand(),
};

/**
 * The command that the first argument but --json names; none for the version; all of them where it names none, for the help and
 * the error.
 */
async function loadCommands(args: readonly string[]): Promise<Command[]> {
  const first = args.find((argument) => argument !== "--json") ?? "";
  if (first === "--version" || first === "-V") return [];
  const named = Object.hasOwn(commandLoaders, first) ? commandLoaders[first] : undefined;
  return Promise.all((named ? [named] : Object.values(commandLoaders)).map((load) => load()));
}

/** Errors are printed by `main`, in one form; help and version by commander. */
async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("hearth")
    .description("Runs quantized language models on small boards and streams their tokens to the LAN")
    .version(version)
    .option("--json", "print results and errors as one JSON object");
  const commands = await loadCommands(args);
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((parent) => parent.commands)]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  return program;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(argv.slice(2));
    await program.parseAsync(argv);
    return exitStatus.done;
  } catch (error) {
    // Commander ends --help and --version by throwing, with exit code 0.
    if (error instanceof Error && "exitCode" in error && error.exitCode === 0) return exitStatus.done;
    const failure = toHearthError(error);
    process.stderr.write(`${describeFailure(failure, argv.includes("--json"))}\n`);
    if (failure.code === "INTERNAL" && failure.cause instanceof Error) process.stderr.write(`${failure.cause.stack}\n`);
    return exitStatusOf(failure);
  }
}

// Not only an exit code: a handle that something forgot must not keep a finished command alive. Writes to terminals, files and
// pipes are synchronous on Linux, so nothing is lost.
process.exit(await main(process.argv));
