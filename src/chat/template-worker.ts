/** The thread behind TemplateThread: does what it is told, one order after the other, and says first that it is there. */
import { parentPort } from "node:worker_threads";
import { execute, type TemplateOrder } from "./template-orders.js";

parentPort?.on("message", (order: TemplateOrder) => parentPort?.postMessage(execute(order)));
parentPort?.postMessage("ready");
