import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../../src/base/errors.js";
import { integerBetween, numberBetween, tokenIds } from "../../../src/cli/arguments.js";

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
