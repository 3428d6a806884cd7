/**
 * /hearth/v1/warnings: the newest warnings of the log, for owners. Not a part of the state, which programs of the device read without a
 * key: a warning may quote what somebody sent.
 */
import type { Server } from "../../net/server.js";

export interface LoggedWarning {
  /** Milliseconds since 1970, of the last time. */
  readonly at: number;
  readonly level: string;
  readonly text: string;
  /** How often it was said, without another one between. */
  readonly times: number;
}

/** `list`: the newest first. */
export function routeWarnings({ app }: Server, list: () => readonly LoggedWarning[]): void {
  const summary = "The last warnings and errors of the log, the newest first";
  app.get("/hearth/v1/warnings", { config: { scope: "admin", api: { summary } } }, async () => ({
    object: "list",
    data: list().map(({ at, ...warning }) => ({ logged_at: Math.floor(at / 1000), ...warning })),
  }));
}
