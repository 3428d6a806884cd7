/** The thread behind TemplateThread: does what it is told, one order after the other. */
import { answerOrders } from "../base/worker-script.js";
import { execute } from "./template-orders.js";

answerOrders(execute);
