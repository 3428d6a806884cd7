#!/usr/bin/env -S node --max-semi-space-size=1
/** The `hearth` command: reads the arguments, runs one command, exits. The commands themselves stand in one file each. */
import { Command } from "commander";
import { version } from "../base/version.js";
import { benchCommand } from "./bench.js";
import { debugCommand } from "./debug.js";
import { describeFailure, exitStatus, exitStatusOf, toHearthError } from "./failure.js";
import { keyCommand } from "./key.js";
import { modelsCommand } from "./models.js";
import { quantizeCommand } from "./quantize.js";
import { runCommand } from "./run.js";
import { serveCommand } from "./serve.js";
import { tuneCommand } from "./tune.js";

/** Errors are printed by `main`, in one form; help and version by commander. */
function buildProgram(): Command {
  const program = new Command("hearth")
    .description("Runs quantized language models on small boards and streams their tokens to the LAN")
    .version(version)
    .option("--json", "print results and errors as one JSON object");
  const commands = [
    serveCommand(),
    runCommand(),
    benchCommand(),
    tuneCommand(),
    modelsCommand(),
    quantizeCommand(),
    keyCommand(),
    debugCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((parent) => parent.commands)]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  return program;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(argv);
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
