/** The storage of responses that clients want stored. */
import path from "node:path";
import { responseIdPattern } from "../api/responses/resource.js";
import { type StoredResponse, storedVersion } from "../api/responses/store.js";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Config } from "../config/options.js";
import { DocumentStore } from "../store/documents.js";
import type { Locker } from "../store/file-lock.js";

const maxDocuments = 10_000;
const hourMs = 3_600_000;

export function storedResponses(
  config: Pick<Config, "responses.max_bytes" | "responses.max_age_hours">,
  { stateFolder, clock, logger, locker }: { stateFolder: string; clock: Clock; logger: Logger; locker: Locker },
): DocumentStore<StoredResponse> {
  const limits = {
    bytes: config["responses.max_bytes"],
    documents: maxDocuments,
    ageMs: config["responses.max_age_hours"] * hourMs,
  };
  const folder = path.join(stateFolder, "responses");
  return new DocumentStore(
    { folder, idPattern: responseIdPattern, version: storedVersion, limits },
    { clock, logger, locker },
  );
}
