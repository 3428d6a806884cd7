import assert from "node:assert/strict";
import test from "node:test";
import { EventLog } from "../../../../src/api/responses/event-log.js";
import type { Event } from "../../../helpers/server.js";

const _numbers = (events: readonly Event[]) => events.map(({ sequence_number: number }) => number);

test("the log keeps what nobody took, and of the rest the newest within its size", () => {
  const log = new EventLog(100);
  const push = (count: number) => {
    for (let i = 0; i < count; i++) log.push({ type: "t", sequence_number: log.end });
  };
  push(50);
  assert.equal(log.start, 0);
  assert.equal(log.untaken, 50);
  const numbers = log.from(0).map(({ json }) => JSON.parse(json).sequence_number);
  assert.deepEqual(
    numbers,
    Array.from({ length: 50 }, (_, i) => i),
  );
  for (let i = 0; i < 50; i++) log.taken(i);
  assert.ok(log.start > 40 && log.from(log.start).length === 50 - log.start);
  push(1);
  assert.equal(log.untaken, 1);
  assert.equal(log.untakenCharacters, log.from(50)[0]?.json.length);
});
