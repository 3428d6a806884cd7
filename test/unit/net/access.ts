import { type ApiKey, hashKey, type Scope } from "../../../src/base/api-key.js";
import { type ErrorCode, HearthError } from "../../../src/base/errors.js";

export const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof HearthError && error.code === code;

export const keyOf = (key: string, scopes: readonly Scope[] = ["generate"]): ApiKey => ({
  id: `id-${key}`,
  name: key,
  hash: hashKey(key),
  scopes,
  requestsPerMinute: null,
  concurrentRequests: null,
});
