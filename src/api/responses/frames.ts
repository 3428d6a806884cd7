/** Frames that a client may send over a WebSocket, and their checks. Pure. */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { parseAt } from "../../net/validate.js";
import { type CreateRequest, createSchema, parseCreate, parseResume } from "./schema.js";

/** A new response, the rest of one whose stream was lost, or the end of one. */
export type Ask =
  | { readonly type: "create"; readonly request: CreateRequest }
  | { readonly type: "resume"; readonly id: string; readonly startingAfter: number }
  | { readonly type: "cancel"; readonly id: string | null };

/** The frame of our own that reads on from a stream. */
const resumeFrame = "hearth:response.resume";

/** Fields of the HTTP request that mean nothing on a socket. */
const httpOnly = ["stream", "stream_options", "background"] as const;

const streamIdSchema = z.string().min(1).max(256).nullish();
const cancelSchema = z.object({ response_id: z.string().max(256).nullish() });

/** The fields of a frame that creates a response. */
export const createFrameSchema = createSchema.extend({ type: z.string(), stream_id: streamIdSchema });

/** REQUEST_INVALID for what is no JSON object. */
export function readFrame(text: string | null): object {
  if (text === null) throw new HearthError("REQUEST_INVALID", "Messages are JSON text; this one is binary.");
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch (error) {
    throw new HearthError("REQUEST_INVALID", "The message is not JSON.", { cause: error });
  }
  return typeof frame === "object" && frame !== null ? frame : {};
}

/** The lane that the frame is for: its events carry the name. null where it names none. REQUEST_INVALID. */
export function streamIdOf(frame: object): string | null {
  return parseAt(streamIdSchema, "stream_id" in frame ? frame.stream_id : null, "stream_id") ?? null;
}

/** REQUEST_INVALID, REQUEST_UNSUPPORTED. */
export function toAsk(frame: object): Ask {
  const type = "type" in frame ? frame.type : undefined;
  if (type === resumeFrame) return { type: "resume", ...parseResume(frame) };
  if (type === "response.cancel") {
    return { type: "cancel", id: parseAt(cancelSchema, frame, "").response_id ?? null };
  }
  if (type !== "response.create") {
    const message = `A message has the type response.create, response.cancel or ${resumeFrame}.`;
    throw new HearthError("REQUEST_INVALID", message, { param: "type" });
  }
  for (const name of httpOnly) {
    if (name in frame) {
      throw new HearthError("REQUEST_UNSUPPORTED", `${name} has no meaning on a WebSocket.`, { param: name });
    }
  }
  return { type: "create", request: parseCreate(frame) };
}
