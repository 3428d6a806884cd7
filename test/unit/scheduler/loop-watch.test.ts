import assert from "node:assert/strict";
import test from "node:test";
import { isFiller, type LoopLimits, LoopWatch } from "../../../src/scheduler/loop-watch.js";
import { scripted } from "../../fake-engine/module.js";
import { outcome, request, startScheduler } from "../../helpers/scheduler.js";

/** Tokens that an answer of at most 200 has of a circle, behind 17 others. */
async function tokensBefore(circle: string, limits: Partial<LoopLimits> = {}): Promise<number> {
  const loops = { repeats: 12, tokens: 64, ...limits };
  const beginning = "Once upon a time:";
  const text = beginning + circle.repeat(400 / circle.length);
  const rig = await startScheduler({ next: scripted(text) }, {}, { loops });
  const { tokens, end } = await outcome(rig.scheduler.submit(request("Hi", { maxTokens: 200 })));
  assert.equal(end?.reason, "length");
  return tokens.length - beginning.length;
}

test("an answer that goes round in circles ends", async () => {
  assert.equal(await tokensBefore("a"), 12);
  assert.equal(await tokensBefore("ha"), 24);
  assert.equal(await tokensBefore("no "), 64);
  assert.equal(await tokensBefore("sixteen letters."), 64);
});

test("an answer that comes back after more tokens than a circle may have goes on", async () => {
  assert.equal(await tokensBefore("seventeen letters"), 200 - 17);
});

test("each limit of circles can be switched off", async () => {
  assert.equal(await tokensBefore("a", { repeats: 0 }), 64);
  assert.equal(await tokensBefore("no ", { tokens: 0 }), 200 - 17);
  assert.equal(await tokensBefore("a", { repeats: 0, tokens: 0 }), 200 - 17);
});

test("rules and indents may be four times as long as words", () => {
  const words = ["ha", " ha", "!", "-", "  ", " 0", ",", "|---", "\u2500", "é"];
  const lengthOf = (...circle: string[]) => {
    const watch = new LoopWatch({ repeats: 24, tokens: 512 }, (token) => isFiller(words[token] ?? ""));
    for (let n = 1; n <= 600; n++) if (watch.loopsWith(words.indexOf(circle[n % circle.length] ?? ""))) return n;
    return null;
  };
  for (const word of ["ha", "!", "é", " 0", ","]) assert.equal(lengthOf(word), 24, word);
  for (const rule of ["-", "  ", "|---", "\u2500"]) assert.equal(lengthOf(rule), 96, rule);
  assert.equal(lengthOf("ha", "!"), 48);
  assert.equal(lengthOf("ha", ","), 48);
  assert.equal(lengthOf(" 0", ","), 48);
  assert.equal(lengthOf("-", "  "), 192);
  assert.equal(lengthOf("-", "  ", " 0"), 512);
});
