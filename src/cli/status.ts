/** `hearth status`: the state of the daemon that runs on this machine. */
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { configurationOf } from "./configuration.js";
import { print } from "./models-store.js";
import { requireStatus } from "./running-daemon.js";
import { statusText } from "./status-text.js";

export function statusCommand(): Command {
  return new Command("status")
    .description("what the running daemon does: model, speed, board, heat, memory, queue, clients, files")
    .action(async (_flags: object, self: Command) => {
      const status = await requireStatus(configurationOf(self).config);
      print(self.optsWithGlobals().json === true, status, statusText(status, systemClock.wallTime()));
    });
}
