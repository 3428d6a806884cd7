import assert from "node:assert/strict";
import { test } from "node:test";
import { CommanderError } from "commander";
import { HearthError } from "../../src/base/errors.js";
import { integerBetween, numberBetween, tokenIds } from "../../src/cli/arguments.js";
import { describeFailure, exitStatusOf, toHearthError } from "../../src/cli/exit-status.js";

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

test("numbers of flags are checked against their range", () => {
  const reps = integerBetween("-r", 1, 1000);
  assert.equal(reps("3"), 3);
  for (const text of ["", "0", "1001", "-1", "1.5", "3x", "1e2", " 3", "99999999999999999999"]) {
    assert.throws(() => reps(text), /-r takes an integer from 1 to 1000, not /, text);
  }
  const temperature = numberBetween("--temperature", 0, 10);
  assert.equal(temperature("0.75"), 0.75);
  assert.equal(temperature(".5"), 0.5);
  for (const text of ["", "10.01", "-0.1", "NaN", "Infinity", "1e1", "0x1"]) {
    assert.throws(() => temperature(text), /--temperature takes a number from 0 to 10/, text);
  }
});

test("token ids may be separated by spaces or commas", () => {
  assert.deepEqual([...tokenIds("1 2,3\n 4")], [1, 2, 3, 4]);
  for (const text of ["", " ", "1 x", "-1", "2147483648"]) assert.throws(() => tokenIds(text), HearthError, text);
});
