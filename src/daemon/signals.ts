/** The signals that end the daemon: the first asks it to stop, a second one does not wait. And the one that never does. */

const stopSignals = ["SIGTERM", "SIGINT"] as const;

export interface StopHandlers {
  first(signal: NodeJS.Signals): void;
  second(signal: NodeJS.Signals): void;
}

/** The result removes the handlers. */
export function onStopSignals(handlers: StopHandlers, signals: readonly NodeJS.Signals[] = stopSignals): () => void {
  let stopping = false;
  const handle = (signal: NodeJS.Signals) => {
    if (stopping) {
      handlers.second(signal);
      return;
    }
    stopping = true;
    handlers.first(signal);
  };
  for (const signal of signals) process.on(signal, handle);
  return () => {
    for (const signal of signals) process.off(signal, handle);
  };
}

/** SIGHUP asks to read the configuration again, and comes when a terminal is closed; the daemon outlives both. */
export function onHangup(action: () => void): void {
  process.on("SIGHUP", action);
}
