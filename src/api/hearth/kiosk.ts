/**
 * /hearth/v1/kiosk: what kiosks show. A kiosk asks again and again, and each question waits until there is something new; whoever may
 * ask a model may also have kiosks show something, such as an automation of the home.
 */
import * as z from "zod";
import type { Clock } from "../../base/clock.js";
import { version } from "../../base/version.js";
import type { Config } from "../../config/options.js";
import type { Server } from "../../net/server.js";
import { parseAt } from "../../net/validate.js";

/** Less than the time after which anything between would take the connection for dead. */
const longestWaitMs = 25_000;

const showSchema = z
  .object({
    /** Answered by each kiosk. */
    prompt: z.string().min(1).max(4000).optional(),
    /** Shown as it is. */
    text: z.string().min(1).max(4000).optional(),
  })
  .refine(({ prompt, text }) => (prompt === undefined) !== (text === undefined), "takes either a prompt or a text");

const waitSchema = z.object({
  /** The number of what the kiosk saw last: the answer waits until there is something newer. */
  after: z
    .string()
    .regex(/^\d{1,15}$/, "is no number")
    .optional(),
});

interface Shown {
  readonly number: number;
  readonly prompt: string | null;
  readonly text: string | null;
}

export interface KioskDependencies {
  readonly config: Pick<Config, "kiosk.prompts" | "kiosk.every_ms">;
  readonly clock: Clock;
}

export function routeKiosk({ app }: Server, { config, clock }: KioskDependencies): void {
  // Numbers go on over a restart: a kiosk that saw the last one of before sees the first one of now.
  let shown: Shown = { number: clock.wallTime(), prompt: null, text: null };
  const waiting = new Set<() => void>();

  const get = { api: { summary: "What a kiosk shows; waits for something newer than `after`", query: waitSchema } };
  app.get("/hearth/v1/kiosk", { config: get }, async ({ query }, reply) => {
    const { after } = parseAt(waitSchema, query, "");
    if (after === String(shown.number)) {
      await new Promise<void>((resolve) => {
        const end = () => {
          waiting.delete(end);
          stopTime();
          resolve();
        };
        const stopTime = clock.after(longestWaitMs, end);
        waiting.add(end);
        reply.raw.once("close", end);
      });
    }
    return { version, prompts: config["kiosk.prompts"], every_ms: config["kiosk.every_ms"], ...shown };
  });

  const post = { api: { summary: "Has every kiosk show a text, or the answer to a prompt", body: showSchema } };
  app.post("/hearth/v1/kiosk", { config: post }, async ({ body }) => {
    const { prompt = null, text = null } = parseAt(showSchema, body, "");
    const kiosks = waiting.size;
    shown = { number: Math.max(shown.number + 1, clock.wallTime()), prompt, text };
    for (const end of [...waiting]) end();
    return { number: shown.number, kiosks };
  });

  app.addHook("preClose", async () => {
    for (const end of [...waiting]) end();
  });
}
