/**
 * /hearth/v1/doctor: looks what is wrong with the machine, for owners. A POST, which no link and no picture of a strange page can make:
 * a look reads from the storage and runs programs.
 */
import type { Server } from "../../net/server.js";

export function routeDoctor({ app }: Server, look: () => Promise<object>): void {
  const summary =
    "Looks what is wrong with the machine, as `hearth doctor` does; who asks meanwhile gets the same result";
  app.post("/hearth/v1/doctor", { config: { scope: "admin", api: { summary } } }, async () => look());
}
