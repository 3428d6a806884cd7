/** The parts that all commands of the store need: the configuration, the store, progress and Ctrl-C. */
import type { Command } from "commander";
import { HearthError } from "../base/errors.js";
import type { LoadedConfig } from "../config/load.js";
import type { Config } from "../config/options.js";
import { openModelStore } from "../daemon/model-file.js";
import { onStopSignals } from "../daemon/signals.js";
import { loadEngineModule } from "../engine/binding.js";
import type { EngineModule } from "../engine/contract.js";
import type { ModelStore } from "../store/model-store.js";
import { configurationOf } from "./configuration.js";
import { exitStatus } from "./exit-status.js";
import { ProgressPrinter } from "./terminal.js";

export interface StoreCommand<Flags> {
  readonly config: Config;
  /** The configuration with where each value comes from. */
  readonly loaded: LoadedConfig;
  /** The state folder; the store is in it. */
  readonly state: string;
  readonly isOfService: boolean;
  readonly engineModule: EngineModule;
  readonly store: ModelStore;
  readonly flags: Flags & { readonly json?: true };
}

export function openStore<Flags>(command: Command): StoreCommand<Flags> {
  const flags = command.optsWithGlobals<Flags & { json?: true }>();
  const { loaded, config, state, isOfService } = configurationOf(command);
  const engineModule = loadEngineModule();
  return { config, loaded, state, isOfService, engineModule, store: openModelStore(state, engineModule), flags };
}

/** Runs long work: its progress and what it says go to stderr, and Ctrl-C aborts the signal. */
export async function withProgress<T>(
  json: boolean,
  work: (show: ProgressPrinter["show"], signal: AbortSignal, say: (text: string) => void) => Promise<T>,
): Promise<T> {
  const printer = new ProgressPrinter({ stream: process.stderr, json, now: () => performance.now() });
  const interrupted = new AbortController();
  const removeHandlers = onStopSignals({
    first: (name) => interrupted.abort(new HearthError("STOPPED", `Stopped by ${name}.`)),
    second: () => process.exit(exitStatus.unclean),
  });
  try {
    return await work(printer.show, interrupted.signal, (text) => {
      printer.end();
      process.stderr.write(text);
    });
  } finally {
    removeHandlers();
    printer.end();
  }
}

/** For whoever watches: that it was the service's store. stdout is for the result alone. */
export function sayStore({ isOfService, flags, store }: StoreCommand<object>): void {
  if (isOfService && flags.json !== true) process.stderr.write(`in the service's store, ${store.folder}\n`);
}

/** One JSON object, or the text. */
export function print(json: boolean, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : text);
}

/** Prints as print() does; resolves when the operating system has it, and rejects with the system's error where it does not take it. */
export function printed(json: boolean, value: unknown, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(json ? `${JSON.stringify(value)}\n` : text, (error) => (error ? reject(error) : resolve()));
  });
}
