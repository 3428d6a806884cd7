import assert from "node:assert/strict";
import { HearthError } from "../../../src/base/errors.js";
import { type ConfigSources, loadConfig } from "../../../src/config/load.js";

export const load = (sources: Partial<ConfigSources>) => loadConfig({ env: {}, flags: {}, ...sources });

export function failure(sources: Partial<ConfigSources>): HearthError {
  try {
    load(sources);
  } catch (error) {
    assert.ok(error instanceof HearthError, String(error));
    return error;
  }
  assert.fail("the configuration was accepted");
}
