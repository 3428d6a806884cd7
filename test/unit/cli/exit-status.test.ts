import assert from "node:assert/strict";
import { test } from "node:test";
import { CommanderError } from "commander";
import { HearthError } from "../../../src/base/errors.js";
import { describeFailure, exitStatusOf, toHearthError } from "../../../src/cli/exit-status.js";

test("a failure is one line: code, what was wrong, what to do", () => {
  const error = new HearthError("GGUF_BAD_MAGIC", "a.gguf begins with\n0x00");
  assert.equal(
    describeFailure(error, false),
    "hearth: GGUF_BAD_MAGIC: a.gguf begins with 0x00. This is not a GGUF file. Give the path of a .gguf model.",
  );
});

test("with --json a failure is one object", () => {
  const error = new HearthError("CONFIG_BAD_VALUE", "Wrong.", { param: "scheduler.slots" });
  assert.deepEqual(JSON.parse(describeFailure(error, true)), {
    code: "CONFIG_BAD_VALUE",
    message: "Wrong.",
    param: "scheduler.slots",
    advice: "Give a value of the option's type and range.",
  });
});

test("exit statuses tell a bug, a wrong command and a bad moment apart", () => {
  const statusOf = (error: unknown) => exitStatusOf(toHearthError(error));
  assert.equal(statusOf(new TypeError("x is undefined")), 1);
  assert.equal(statusOf(new HearthError("INTERNAL", "A bug.")), 1);
  assert.equal(statusOf(new CommanderError(1, "commander.unknownOption", "error: unknown option '--x'")), 2);
  assert.equal(statusOf(new HearthError("LISTEN_FAILED", "In use.")), 75);
  assert.equal(statusOf(new HearthError("GGUF_TRUNCATED", "Short.")), 2);
  assert.equal(statusOf(new HearthError("OUT_OF_MEMORY", "Full.")), 75);
});
