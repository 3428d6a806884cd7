import assert from "node:assert/strict";
import test from "node:test";
import { GrowingText } from "../../../../src/web/common/growing-text.js";
import { splitBlocks } from "../../../../src/web/markdown/blocks.js";
import { BlockGroups } from "../../../../src/web/markdown/groups.js";

const text = `${Array.from({ length: 100 }, (_, i) => `Paragraph ${i} of a text.`).join("\n\n")}\n\nThe end`;

const blocksOf = ({ all, last }: BlockGroups) => [...all.flatMap(({ blocks }) => blocks), ...(last ? [last] : [])];

test("groups have the blocks of the text in their order, whatever way it comes", () => {
  const growing = new GrowingText();
  const groups = new BlockGroups();
  for (let i = 0; i < text.length; i += 7) {
    growing.append(text.slice(i, i + 7));
    groups.follow(growing);
  }
  const whole = new BlockGroups();
  whole.follow(text);
  for (const each of [groups, whole]) {
    assert.deepEqual(blocksOf(each), splitBlocks(text));
    assert.equal(each.count, 99);
  }
});

test("a group that is full stays as it is, and no group is long", () => {
  const groups = new BlockGroups();
  groups.follow(text.slice(0, text.length / 2));
  const full = groups.all.filter(({ isFull }) => isFull).map((group) => ({ group, blocks: [...group.blocks] }));
  assert.ok(full.length > 1);
  groups.follow(text);
  for (const [i, { group, blocks }] of full.entries()) {
    assert.equal(groups.all[i], group);
    assert.deepEqual(group.blocks, blocks);
  }
  const long = new BlockGroups();
  long.follow("x".repeat(100_000));
  for (const each of [...groups.all, ...long.all]) {
    assert.ok(each.blocks.length <= 24);
    assert.ok(each.blocks.reduce((sum, block) => sum + block.text.length, 0) < 17_000);
  }
});

test("a text that goes on keeps its groups, as at an answer's end; another one has its own", () => {
  const growing = new GrowingText(text);
  const groups = new BlockGroups();
  groups.follow(growing);
  const [first] = groups.all;
  growing.append(" of it");
  groups.follow(`${text} of it all`);
  assert.equal(groups.all[0], first);
  assert.deepEqual(blocksOf(groups), splitBlocks(`${text} of it all`));
  groups.follow("Another text");
  assert.notEqual(groups.all[0], first);
  assert.deepEqual(blocksOf(groups), splitBlocks("Another text"));
});
