/**
 * Tells systemd how the daemon is (sd_notify(3)). The systemd-notify package sends READY and STATUS; it cannot send
 * STOPPING, RELOADING, EXTEND_TIMEOUT_USEC and WATCHDOG, and a ping must not cost a child process, so these go as a datagram of our own.
 * Silent without NOTIFY_SOCKET.
 */
import systemdNotify from "systemd-notify";
import type { Logger } from "../base/logger.js";

export interface Systemd {
  /** Whether it started this process and listens. */
  readonly isPresent: boolean;
  /** The period within which systemd wants a ping, or null. */
  readonly watchdogMs: number | null;
  ready(status: string): void;
  status(text: string): void;
  stopping(status: string): void;
  /** The configuration is read again, until the next `ready`. */
  reloading(): void;
  /** A start or a stop that gets on may take this much longer from now on. */
  extend(milliseconds: number): void;
  ping(): void;
  /** Resolves when all that was said has been sent. */
  sent(): Promise<void>;
}

export interface SystemdDependencies {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly logger: Logger;
  /** Sends one datagram; throws when it cannot. */
  readonly datagram: (socketPath: string, message: string) => void;
  readonly notifyProgram?: typeof systemdNotify;
}

const silent: Systemd = {
  isPresent: false,
  watchdogMs: null,
  ready() {},
  status() {},
  stopping() {},
  reloading() {},
  extend() {},
  ping() {},
  sent: async () => {},
};

export function connectSystemd(dependencies: SystemdDependencies): Systemd {
  const { env, pid, logger, datagram, notifyProgram = systemdNotify } = dependencies;
  const socketPath = env.NOTIFY_SOCKET;
  if (!socketPath) return silent;
  let queue = Promise.resolve();

  const send = (...assignments: string[]) => {
    try {
      datagram(socketPath, assignments.join("\n"));
    } catch (error) {
      logger.warn({ err: error }, "systemd could not be notified");
    }
  };
  /** In order, each after the one before: a child that starts late must not overtake. */
  const sendByProgram = (message: { ready?: true; status: string }) => {
    queue = queue
      .then(() => notifyProgram({ ...message, pid }))
      .then(() => {})
      .catch((error) => {
        logger.debug({ err: error }, "systemd-notify failed; sending the datagram directly");
        send(...(message.ready ? ["READY=1"] : []), `MAINPID=${pid}`, `STATUS=${message.status}`);
      });
  };

  const watchdogMs = watchdogPeriod(env, pid);
  return {
    isPresent: true,
    watchdogMs,
    ready: (status) => sendByProgram({ ready: true, status: oneLine(status) }),
    status: (text) => sendByProgram({ status: oneLine(text) }),
    stopping: (status) => send("STOPPING=1", `STATUS=${oneLine(status)}`),
    reloading: () => send("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    extend: (milliseconds) => send(`EXTEND_TIMEOUT_USEC=${Math.round(milliseconds * 1000)}`),
    ping() {
      if (watchdogMs !== null) send("WATCHDOG=1");
    },
    sent: () => queue,
  };
}

/** WATCHDOG_USEC counts only for the process that WATCHDOG_PID names, where it is set (sd_watchdog_enabled(3)). */
function watchdogPeriod(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const microseconds = Number(env.WATCHDOG_USEC);
  const forUs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === pid;
  return forUs && Number.isInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : null;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
