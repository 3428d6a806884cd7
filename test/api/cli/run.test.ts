import assert from "node:assert/strict";
import { test } from "node:test";
import { hearth, spawnHearth } from "../../helpers/command.js";
import { firstStory, model, skip } from "./commands.js";

test("run prints the greedy answer, the same each time, from a flag or from stdin", { skip }, async (t) => {
  const args = ["run", model, "--max-tokens", "12", "--temperature", "0"];
  const { prompt } = firstStory();
  const fromFlag = await hearth(t, [...args, "--prompt", prompt]);
  assert.equal(fromFlag.status, 0);
  assert.match(fromFlag.stdout, /^, there was a little girl named Lily\. /);
  const fromStdin = await hearth(t, [...args, "--prompt", "-"], { stdin: prompt });
  assert.equal(fromStdin.stdout, fromFlag.stdout);
});

test("run with a seed repeats itself, and with another seed says something else", { skip }, async (t) => {
  const story = async (seed: string) =>
    (await hearth(t, ["run", model, "--prompt", "One day", "--max-tokens", "40", "--seed", seed])).stdout;
  const first = await story("1");
  assert.equal(await story("1"), first);
  assert.notEqual(await story("2"), first);
});

test("Ctrl-C ends run cleanly", { skip }, async (t) => {
  const child = spawnHearth(t, ["run", model, "--prompt", "Once", "--raw"], { HEARTH_ISA: "ref", HEARTH_THREADS: "1" });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGINT");
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
});

test("run whose reader goes away ends", { skip }, async (t) => {
  const child = spawnHearth(t, ["run", model, "--prompt", "Once"]);
  child.stdout.destroy();
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
});
