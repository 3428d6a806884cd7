/** Adds what no other protocol has: /hearth/v1. */
import type { Server } from "../../net/server.js";
import { type Chats, routeChats } from "./chats.js";
import { type KioskDependencies, routeKiosk } from "./kiosk.js";

export interface HearthDependencies extends KioskDependencies {
  /** null: none are kept. */
  readonly chats: Chats | null;
}

export function registerHearth(server: Server, { chats, ...dependencies }: HearthDependencies): void {
  if (chats) routeChats(server, chats);
  routeKiosk(server, dependencies);
}
