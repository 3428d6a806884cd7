/** The other side of WorkerHost: answers one order after the other, on the thread that runs it. */
import { parentPort } from "node:worker_threads";

/** `handle` must not throw: what goes wrong is an answer too. */
export function answerOrders<Order, Answer>(handle: (order: Order) => Answer): void {
  parentPort?.on("message", (order: Order) => parentPort?.postMessage(handle(order)));
  parentPort?.postMessage("ready");
}
