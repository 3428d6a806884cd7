/** A request's place in the queue, in the scheduler's words. */
import type { Demand } from "../base/demand.js";
import type { SequenceRequest } from "../scheduler/types.js";

export function queueing(demand: Demand | undefined): Pick<SequenceRequest, "client" | "priority" | "maxQueueMs"> {
  if (!demand) return {};
  const { client, priority, maxQueueMs } = demand;
  return { client, priority, ...(maxQueueMs !== null && { maxQueueMs }) };
}
