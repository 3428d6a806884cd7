/** Bodies of requests against their schemas, and the errors that name the field at fault. */

import type * as z from "zod";
import { HearthError } from "../base/errors.js";
import { excerpt } from "../base/excerpt.js";
import { checkSizes } from "./body-sizes.js";

/** Validates a request, or with a `path` (where it stands, for the error) a part of it. REQUEST_INVALID. */
export function parseAt<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  if (path === "") checkSizes(value);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = [path, ...(issue?.path ?? []).map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))]
    .join("")
    .replace(/^\./, "");
  throw new HearthError(
    "REQUEST_INVALID",
    `${excerpt(param) || "The request"}: ${excerpt(issue?.message ?? "is not valid", 120)}.`,
    {
      param: excerpt(param),
    },
  );
}

export function unsupported(param: string, what: string): HearthError {
  return new HearthError("REQUEST_UNSUPPORTED", `This server does not support ${excerpt(what, 120)}.`, {
    param: excerpt(param),
  });
}
