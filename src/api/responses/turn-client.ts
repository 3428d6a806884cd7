/** TurnClient is the client of a turn, told from its key, the headers and the request itself. */
import type { IncomingHttpHeaders } from "node:http";
import { type Client, ownerOf } from "../../net/api-key-auth.js";
import { demandOf } from "../../net/demand.js";
import type { CreateRequest } from "./schema.js";
import type { ResponseMemory } from "./store.js";
import type { TurnClient } from "./turn.js";

/** A frame on a socket has no headers of its own. REQUEST_INVALID for headers that cannot be read. */
export function turnClientOf(
  request: CreateRequest,
  client: Client,
  headers: IncomingHttpHeaders,
  memory: ResponseMemory | null = null,
): TurnClient {
  const demand = demandOf(client, headers, request.service_tier);
  const maxQueueMs = request.max_queue_ms ?? demand.maxQueueMs;
  return { owner: ownerOf(client), demand: { ...demand, maxQueueMs }, memory };
}
