import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { missing, shared } from "../../helpers/shared.js";

const stories = "models/stories260K.gguf";

export const skip = missing(stories, "models/greedy.json", "models/babyllama-Q8_0.gguf");

export const model = shared(stories);

interface Greedy {
  readonly stories260K: readonly { prompt: string; tokens: number[]; greedy: number[] }[];
}

export const firstStory = () => {
  const [first] = (JSON.parse(readFileSync(shared("models/greedy.json"), "utf8")) as Greedy).stories260K;
  assert.ok(first);
  return first;
};
