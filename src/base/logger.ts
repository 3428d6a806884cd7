/**
 * JSON log lines by pino. What a client wrote and what the model answered are removed here, whoever logs them, unless the
 * configuration asks for them; keys are always removed.
 */
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import type { LogLevel } from "./log-levels.js";

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Let through what clients write and what the model answers. */
  readonly prompts: boolean;
  /** Begin each line with its priority, as systemd's journal reads it. */
  readonly priorities?: boolean;
  /** Sees each line that is a warning or worse, without its priority. */
  readonly onWarning?: (line: string) => void;
}

const secretFields = ["key", "apiKey", "authorization", "cookie", "token", "secret", "password"];
const promptFields = ["prompt", "input", "instructions", "messages", "text", "delta", "output", "content"];

/** Writes to stdout unless `destination` says otherwise. */
export function createLogger(options: LoggerOptions, destination?: DestinationStream): Logger {
  const fields = options.prompts ? secretFields : [...secretFields, ...promptFields];
  // One level of nesting: { req: { authorization } }, { headers: { ... } }. Deeper objects are not for the log.
  const paths = fields.flatMap((field) => [field, `*.${field}`]);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: "[redacted]" },
    },
    byLevel(options, destination ?? pino.destination({ dest: 1, sync: true })),
  );
}

/** syslog's number for each of pino's levels. */
const priorities: Readonly<Record<number, number>> = { 60: 2, 50: 3, 40: 4, 30: 6, 20: 7, 10: 7 };

const warningLevel = 40;

function byLevel({ priorities: areWanted = false, onWarning }: LoggerOptions, destination: DestinationStream) {
  if (!areWanted && !onWarning) return destination;
  return {
    // pino sets `lastLevel` of such a destination before each line.
    [Symbol.for("pino.metadata")]: true as const,
    lastLevel: 30,
    write(line: string) {
      destination.write(areWanted ? `<${priorities[this.lastLevel] ?? 6}>${line}` : line);
      if (this.lastLevel >= warningLevel) onWarning?.(line);
    },
  };
}

/** A logger that says nothing, for tests and for commands that print to a terminal. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
