/** The failure of a command: one line on stderr (or one JSON object) and the exit status. */
import { CommanderError } from "commander";
import { HearthError } from "../base/errors.js";
import { fromSystemError, isDenied } from "../base/files.js";
import { isJournal } from "../daemon/journal.js";

const stderrFd = 2;

/** An interface: systemd units and scripts depend on these. */
export const exitStatus = {
  done: 0,
  bug: 1,
  /** A wrong command, configuration or model: starting again does not help. */
  wrong: 2,
  /** Stopped by a second signal, before running answers had ended. */
  unclean: 3,
  /** EX_TEMPFAIL of sysexits.h: try again later. */
  later: 75,
} as const;

/** Whatever was thrown, as an error of the catalogue. */
export function toHearthError(error: unknown): HearthError {
  if (error instanceof HearthError) return error;
  if (error instanceof CommanderError) {
    const message = error.code === "commander.help" ? "No command was given." : sentence(error.message);
    return new HearthError("COMMAND_INVALID", message);
  }
  const refused = fromSystemError(error);
  if (refused) return refused;
  const message = error instanceof Error ? error.message : String(error);
  return new HearthError("INTERNAL", message, { cause: error });
}

export function exitStatusOf(error: HearthError): number {
  if (error.code === "INTERNAL") return exitStatus.bug;
  return error.kind.retryable ? exitStatus.later : exitStatus.wrong;
}

/** One line without the end of line. In the journal it is an error. */
export function describeFailure(error: HearthError, json: boolean): string {
  const { code, message, param, advice } = error;
  const priority = isJournal(stderrFd, process.env.JOURNAL_STREAM) ? "<3>" : "";
  if (json) return priority + JSON.stringify({ code, message, param, advice });
  return `${priority}hearth: ${code}: ${withStop(message)} ${advice}`.replace(/\s+/g, " ");
}

/** Codes of what a command may not do to files of the service. */
const deniable = ["FILE_OPEN_FAILED", "FILE_WRITE_FAILED", "CONFIG_UNREADABLE", "KEY_FILE_INVALID"];

/**
 * Where this user may not and root may, the error says so: the service's store belongs to the service. Not for `serve`, which
 * nobody should run as root.
 */
export function withSudo(error: HearthError, { command, uid }: { command: string; uid: number }): HearthError {
  const isOwnAdvice = error.advice !== error.kind.advice && error.code === "FILE_OPEN_FAILED";
  if (uid === 0 || command === "serve" || command === "" || isOwnAdvice) return error;
  if (!deniable.includes(error.code) || !isDenied(deepestCause(error))) return error;
  const { code, message, param, cause } = error;
  const advice = `This needs the rights of root: run it as \`sudo hearth ${command} ...\`.`;
  return new HearthError(code, message, { cause, advice, ...(param !== null && { param }) });
}

function deepestCause(error: Error): unknown {
  return error.cause instanceof HearthError ? deepestCause(error.cause) : error.cause;
}

/** `error: unknown option '--x'` becomes `Unknown option '--x'.` */
function sentence(commanderMessage: string): string {
  const text = commanderMessage.replace(/^error: /, "");
  return withStop(text.charAt(0).toUpperCase() + text.slice(1));
}

function withStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
