/** The log of a daemon on a terminal: a few lines for a person in place of JSON. Knows nothing of how the log is made. */
import { type LogEntry, parseEntry, personLine } from "../daemon/log-lines.js";
import { printable } from "./terminal.js";

export interface Destination {
  write(line: string): void;
}

/**
 * Writes the lines of a log that are worth it to `out`; how to ask comes once, when the model is there. `name`: how the command is called
 * here. `isElsewhere`: the address is not the configuration's, where the other commands look for a daemon.
 */
export function terminalLog(out: Destination, name: string, isElsewhere = false): Destination {
  let url = "";
  let isTold = false;
  return {
    write(line) {
      const entry = parseEntry(line);
      if (!entry) return;
      const text = personLine(entry);
      if (text !== null) out.write(`${printable(text)}\n`);
      if (entry.msg === "HTTPS with a self-signed certificate") url = "https:";
      if (entry.msg === "listening") url = `${url || "http:"}//${String(entry.address)}`;
      if (entry.msg === "the model is ready" && !isTold) {
        isTold = true;
        out.write(howToAsk(entry, url, isElsewhere ? `HEARTH_LISTEN=${url.replace(/^\w+:\/\//, "")} ${name}` : name));
      }
    },
  };
}

function howToAsk({ model }: LogEntry, url: string, name: string): string {
  const body = JSON.stringify({ model: String(model), input: "Hello! Who are you?" });
  return `
Ask it:       curl ${url}/v1/responses -H 'Content-Type: application/json' -d '${body}'
Its state:    ${name} status
All options:  ${name.replace(/^\S+=\S+ /, "")} serve --print-config
Stop it:      Ctrl-C

`;
}
