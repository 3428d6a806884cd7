/**
 * Bodies of clients that do not say that they send JSON: curl's -d says that it is a form, some libraries say nothing. They are
 * programs. A page that somebody opened cannot be one of them: browsers send Origin with every POST and DELETE, and
 * Sec-Fetch-Site with every request to a device that they trust, so that a request with either has to be JSON, for which
 * browsers ask the server first.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { HearthError } from "../../base/errors.js";
import { takeJson } from "../../net/body.js";

/** Sent by a browser, for a page. */
export function isOfPage({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
}

/** For the routes of `app`: any type of body is read as JSON, unless a page sent it. */
export function takeUnnamedJson(app: FastifyInstance): void {
  takeJson(app, "*", (request) => {
    if (isOfPage(request)) throw new HearthError("CONTENT_TYPE_UNSUPPORTED", "The body's Content-Type is not JSON.");
  });
}
