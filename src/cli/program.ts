/** Reads the arguments and runs one command of `hearth`. The commands themselves stand in one file each. */
import { Command, CommanderError } from "commander";
import { version } from "../base/version.js";
import { configFlag, systemConfig } from "./configuration.js";
import { describeFailure, exitStatus, exitStatusOf, toHearthError, withSudo } from "./exit-status.js";
import { meantCommand } from "./meant-commands.js";
import { print } from "./models-store.js";
import { Output } from "./output.js";

export interface ProgramOptions {
  /** The configuration of this machine's service, where it has one. */
  readonly systemConfig: string;
}

/** The commands, in the order of the help. Each loads much that the others do not need. */
const commandLoaders: Record<string, () => Promise<Command>> = {
  serve: async () => (await import("./serve.js")).serveCommand(),
  run: async () => (await import("./run.js")).runCommand(),
  chat: async () => (await import("./chat.js")).chatCommand(),
  status: async () => (await import("./status.js")).statusCommand(),
  use: async () => (await import("./use.js")).useCommand(),
  lan: async () => (await import("./lan.js")).lanCommand(),
  logs: async () => (await import("./logs.js")).logsCommand(),
  doctor: async () => (await import("./doctor.js")).doctorCommand(),
  bench: async () => (await import("./bench.js")).benchCommand(),
  tune: async () => (await import("./tune.js")).tuneCommand(),
  plan: async () => (await import("./plan.js")).planCommand(),
  models: async () => (await import("./models.js")).modelsCommand(),
  quantize: async () => (await import("./quantize.js")).quantizeCommand(),
  kiosk: async () => (await import("./kiosk.js")).kioskCommand(),
  key: async () => (await import("./key.js")).keyCommand(),
  update: async () => (await import("./update.js")).updateCommand(),
  uninstall: async () => (await import("./uninstall.js")).uninstallCommand(),
  completion: async () => (await import("./completion.js")).completionCommand(loadAll),
  debug: async () => (await import("./debug.js")).debugCommand(),
  version: async () => versionCommand(),
};

/** Runs `hearth ARGS` and returns its exit status when all that it wrote is out. */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<number> {
  const stdout = new Output(process.stdout, "stdout");
  const stderr = new Output(process.stderr, "stderr");
  const json = args.includes("--json");
  let status: number = exitStatus.done;
  try {
    try {
      await runCommand(args, options);
      // A command that did its work may have found something wrong.
      if (typeof process.exitCode === "number") status = process.exitCode;
    } finally {
      await stdout.flush();
    }
  } catch (error) {
    status = report(error, args, json);
  }
  await stderr.flush().catch(() => {}); // there is nowhere left to say so
  return status;
}

async function runCommand(args: readonly string[], options: ProgramOptions): Promise<void> {
  const program = await buildProgram(args, options);
  try {
    if (args.every((argument) => argument === "--json")) printOverview(program, args.length > 0);
    else await program.parseAsync(args.map(asVersion), { from: "user" });
  } catch (error) {
    // Commander ends --help and --version by throwing, with exit code 0.
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
}

/** Says on stderr what went wrong, and returns the exit status. */
function report(error: unknown, args: readonly string[], json: boolean): number {
  const isUnknown = error instanceof CommanderError && error.code === "commander.unknownCommand";
  const meant = isUnknown ? meantCommand(nameIn(args)) : null;
  const failure = meant ?? withSudo(toHearthError(error), { command: nameIn(args), uid: process.getuid?.() ?? 0 });
  process.stderr.write(`${describeFailure(failure, json)}\n`);
  if (failure.code === "INTERNAL" && failure.cause instanceof Error) process.stderr.write(`${failure.cause.stack}\n`);
  return exitStatusOf(failure);
}

/** The command that is named; empty where there is none, or a flag that commander takes for itself stands before it. */
function nameIn(args: readonly string[]): string {
  const first = args.find((argument, i) => !/^--(json$|config(=|$))/.test(argument) && args[i - 1] !== "--config");
  return first === undefined || first.startsWith("-") ? "" : first;
}

/** -V is what commander's programs have; -v is what people type. */
function asVersion(argument: string, i: number): string {
  return i === 0 && argument === "-V" ? "--version" : argument;
}

/** The command that is named; none for the version; all of them where none is, for the help and the error. */
async function loadCommands(args: readonly string[]): Promise<Command[]> {
  const first = args.find((argument) => argument !== "--json") ?? "";
  if (["--version", "-v", "-V"].includes(first)) return [];
  const name = nameIn(args);
  const named = Object.hasOwn(commandLoaders, name) ? commandLoaders[name] : undefined;
  return Promise.all((named ? [named] : Object.values(commandLoaders)).map((load) => load()));
}

/** The program with all of its commands. */
function loadAll(): Promise<Command> {
  return buildProgram([], { systemConfig });
}

/** The named command, or all of them where none is. Errors are printed by `report`, in one form; help and version by commander. */
export async function buildProgram(args: readonly string[], options: ProgramOptions): Promise<Command> {
  const program = new Command("hearth")
    .description("Runs quantized language models on small boards and streams their tokens to the LAN")
    .version(version, "-v, --version")
    .option("--json", "print results and errors as one JSON object")
    .option(...configFlag)
    .setOptionValueWithSource("systemConfig", options.systemConfig, "implied");
  for (const command of await loadCommands(args)) program.addCommand(command);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((parent) => parent.commands)]) {
    command.configureHelp({ showGlobalOptions: true });
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  return program;
}

/** The overview that `hearth` prints without a command. */
function printOverview(program: Command, json: boolean): void {
  const commands = program.commands.map((command) => ({ name: command.name(), description: command.description() }));
  print(json, { version, commands }, program.helpInformation());
}

function versionCommand(): Command {
  return new Command("version").description("print the version").action((_flags: object, self: Command) => {
    print(self.optsWithGlobals().json === true, { version }, `${version}\n`);
  });
}
