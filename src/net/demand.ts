/** Reads how urgent a request is and how long it may wait, as far as its client may say so. */
import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";
import { atMost, type Demand, type Priority, priorities } from "../base/demand.js";
import type { Client } from "./api-key-auth.js";
import { parseAt } from "./validate.js";

export const priorityHeader = "x-hearth-priority";
export const maxQueueHeader = "x-hearth-max-queue-ms";

const prioritySchema = z.enum(priorities).optional();
const maxQueueSchema = z
  .string()
  .regex(/^\d{1,9}$/, "expected milliseconds")
  .optional();

/** The priorities of OpenAI's `service_tier`; other words, such as `auto`, change nothing. */
const tiers: Readonly<Record<string, Priority>> = { priority: "high", flex: "low" };

/**
 * From the headers, or else the body's `service_tier`. A key that may not be urgent is not; without keys everybody may.
 * REQUEST_INVALID for headers that say something else.
 */
export function demandOf(client: Client, headers: IncomingHttpHeaders, tier?: string | null): Demand {
  const wanted = parseAt(prioritySchema, headers[priorityHeader], priorityHeader) ?? tiers[tier ?? ""] ?? "default";
  const limit = client.key === null ? "high" : (client.key.priority ?? "default");
  const waits = parseAt(maxQueueSchema, headers[maxQueueHeader], maxQueueHeader);
  const maxQueueMs = waits === undefined ? null : Number(waits);
  // A key of low priority is for what may wait, and one of high priority for what may not.
  const priority = wanted === "default" && limit === "high" && client.key !== null ? "high" : atMost(wanted, limit);
  return { client: client.id, name: client.key?.name ?? client.id, priority, maxQueueMs };
}
