/** Programs of the system, run beside the event loop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "../../../src/daemon/programs.js";

test("a program's words and its status come back, and none where there is no such program", async () => {
  assert.deepEqual(await runProgram("sh", ["-c", "echo out; echo err >&2; exit 3"]), {
    status: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  assert.equal(await runProgram("hearth-no-such-program", []), null);
  assert.equal((await runProgram("/etc/passwd", []))?.status, -1);
});

test("a program that takes too long is interrupted, and what it said until then counts", async () => {
  const ended = await runProgram(
    "sh",
    ["-c", "trap 'echo last; exit 7' INT; echo first; while :; do sleep 0.05; done"],
    {
      timeMs: 300,
    },
  );
  assert.deepEqual(ended, { status: 7, stdout: "first\nlast\n", stderr: "", isLate: true });
});

test("one that does not end when it is told to is not waited for, and a signal ends it before its time", async () => {
  const startedAt = performance.now();
  const stubborn = ["-c", "trap '' INT; echo first; sleep 30"];
  assert.deepEqual(await runProgram("sh", stubborn, { timeMs: 100 }), {
    status: -1,
    stdout: "first\n",
    stderr: "",
    isLate: true,
  });
  assert.equal((await runProgram("sleep", ["30"], { signal: AbortSignal.timeout(100) }))?.status, -1);
  assert.equal((await runProgram("sleep", ["30"], { signal: AbortSignal.abort() }))?.status, -1);
  assert.ok(performance.now() - startedAt < 10_000);
});
