/** Who asks for a response: from the caller, the headers and what the request says of itself. */
import type { IncomingHttpHeaders } from "node:http";
import { type Caller, ownerOf } from "../../net/auth.js";
import { demandOf } from "../../net/demand.js";
import type { CreateRequest } from "./schema.js";
import type { ResponseMemory } from "./store.js";
import type { Asker } from "./turn.js";

/** A frame on a socket has no headers of its own. REQUEST_INVALID for headers that cannot be read. */
export function askerOf(
  request: CreateRequest,
  caller: Caller,
  headers: IncomingHttpHeaders,
  memory: ResponseMemory | null = null,
): Asker {
  const demand = demandOf(caller, headers, request.service_tier);
  const maxQueueMs = request.max_queue_ms ?? demand.maxQueueMs;
  return { owner: ownerOf(caller), demand: { ...demand, maxQueueMs }, memory };
}
