/** Adds what no other protocol has: /hearth/v1. */
import type { Server } from "../../net/server.js";
import { type Chats, routeChats } from "./chats.js";

export interface HearthDependencies {
  /** null: none are kept. */
  readonly chats: Chats | null;
}

export function registerHearth(server: Server, { chats }: HearthDependencies): void {
  if (chats) routeChats(server, chats);
}
