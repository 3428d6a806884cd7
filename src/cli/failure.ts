/** How a command fails: one line on stderr (or one JSON object) and the exit status. */
import { CommanderError } from "commander";
import { errorCatalogue, HearthError } from "../base/errors.js";
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
  const message = error instanceof Error ? error.message : String(error);
  return new HearthError("INTERNAL", message, { cause: error });
}

export function exitStatusOf(error: HearthError): number {
  if (error.code === "INTERNAL") return exitStatus.bug;
  return error.kind.retryable ? exitStatus.later : exitStatus.wrong;
}

/** One line without the end of line. In the journal it is an error. */
export function describeFailure(error: HearthError, json: boolean): string {
  const { advice } = errorCatalogue[error.code];
  const priority = isJournal(stderrFd, process.env.JOURNAL_STREAM) ? "<3>" : "";
  if (json) return priority + JSON.stringify({ code: error.code, message: error.message, param: error.param, advice });
  return `${priority}hearth: ${error.code}: ${withStop(error.message)} ${advice}`.replace(/\s+/g, " ");
}

/** `error: unknown option '--x'` becomes `Unknown option '--x'.` */
function sentence(commanderMessage: string): string {
  const text = commanderMessage.replace(/^error: /, "");
  return withStop(text.charAt(0).toUpperCase() + text.slice(1));
}

function withStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
