/** Adds what no other protocol has: /hearth/v1. */
import type { Server } from "../../net/server.js";
import { type Chats, routeChats } from "./chats.js";
import { routeDoctor } from "./doctor.js";
import { type KioskDependencies, routeKiosk } from "./kiosk.js";
import { type LoggedWarning, routeWarnings } from "./warnings.js";

export interface HearthDependencies extends KioskDependencies {
  /** null: none are kept. */
  readonly chats: Chats | null;
  /** Looks at the machine as `hearth doctor` does; the result is JSON. */
  readonly doctor: () => Promise<object>;
  /** The newest warnings of the log come first. */
  readonly warnings: () => readonly LoggedWarning[];
}

export function registerHearth(server: Server, { chats, doctor, warnings, ...dependencies }: HearthDependencies): void {
  if (chats) routeChats(server, chats);
  routeKiosk(server, dependencies);
  routeDoctor(server, doctor);
  routeWarnings(server, warnings);
}
