/** The names of how bad something is that is logged. Apart from the logger, which small commands need not load. */

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];
