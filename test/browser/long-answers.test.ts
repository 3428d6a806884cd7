/** Answers of 100,000 tokens: pages stay quick, small and still, however long an answer has become. */
import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { deferred } from "../../src/base/async.js";
import { pageFiles } from "../../src/daemon/page-files.js";
import { startServer } from "../helpers/server.js";
import { answered, busyness, closeBrowser, openPage, say, withoutBrowser } from "./browser.js";
import { eventSource } from "./event-source.js";
import { type Shift, type Work, WorkMeter } from "./work-meter.js";

after(closeBrowser);

const options = { skip: withoutBrowser };

const words = "Some **words** of a `long` answer, with a [link](https://example.org) and more.".split(/(?= )/);
const paragraph = [...words, "\n\n"];
const pieces = Array.from({ length: 100_000 }, (_, i) => paragraph[i % paragraph.length] ?? "");
/** Tokens after which the page is measured: what 20,000 of them cost early is compared with what as many cost late. */
const marks = [1000, 10_000, 30_000, 80_000, 100_000] as const;
/** From here on each task is looked at. */
const traced = 95_000;

interface Watched {
  readonly page: Page;
  readonly meter: WorkMeter;
  /** At each of the marks. */
  readonly works: readonly Work[];
  /** The longest task at the end, in milliseconds that the page's thread computed. */
  readonly longestTask: number;
  /** Long tasks and layout shifts before the first mark: they belong to the page's first second and to the answer's beginning. */
  readonly firstTasks: number;
  readonly firstShifts: number;
}

/** Opens a page, and measures it while it shows the answer. `ask` has the answer begin. */
async function watch(t: TestContext, address: string, ask: (page: Page) => Promise<void>): Promise<Watched> {
  const server = await startServer(t, { pages: pageFiles() });
  const opened = deferred<WorkMeter>();
  const isMeasured = deferred<void>();
  const works: Work[] = [];
  let [firstTasks, firstShifts, longestTask] = [0, 0, 0];
  const measure = async () => {
    const meter = await opened.promise;
    works.push(await meter.read());
    if (works.length > 1) return;
    firstTasks = (await meter.longTasks()).length;
    firstShifts = (await meter.layoutShifts()).length;
  };
  const rests = new Map<number, () => Promise<void>>(marks.map((mark) => [mark, measure]));
  rests.set(traced, async () => (await opened.promise).startTrace());
  rests.set(pieces.length, async () => {
    longestTask = await (await opened.promise).stopTrace();
    await measure();
    isMeasured.resolve();
  });
  const url = await eventSource(t, server.url, pieces, rests);
  // The server knows nothing of the answer that the page wants it to forget at the end.
  const { page } = await openPage(t, `${url}${address}`, { allowErrors: /404/ });
  const meter = await WorkMeter.of(page);
  opened.resolve(meter);
  await ask(page);
  await isMeasured.promise;
  return { page, meter, works, longestTask, firstTasks, firstShifts };
}

/** Fails for what somebody could see moving. */
function assertStill(shifts: readonly Shift[]): void {
  assert.deepEqual(
    shifts.filter(({ value }) => value >= 0.001),
    [],
    "the layout shifted",
  );
}

/** Holds the last tokens to the first ones, and the page to a frame's time. */
async function assertSteady(t: TestContext, watched: Watched): Promise<void> {
  const { meter, works, longestTask, firstTasks, firstShifts } = watched;
  const [first, at10k, at30k, at80k, at100k] = works as [Work, Work, Work, Work, Work];
  const between = (from: Work, to: Work): Work => ({
    taskMs: to.taskMs - from.taskMs,
    longMs: to.longMs - from.longMs,
    heap: to.heap - from.heap,
  });
  const [early, late, all] = [between(at10k, at30k), between(at80k, at100k), between(first, at100k)];
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const tasks = (await meter.longTasks()).slice(firstTasks);
  const shifts = (await meter.layoutShifts()).slice(firstShifts);
  t.diagnostic(`20,000 tokens take ${ms(early.taskMs)} of the page's thread early, ${ms(late.taskMs)} late`);
  t.diagnostic(
    `the heap grows by ${megabytes(early.heap)} early, ${megabytes(late.heap)} late, ${megabytes(all.heap)} in all`,
  );
  t.diagnostic(
    `the longest of the last tasks computes for ${ms(longestTask)}; by the clock ${ms(late.longMs)} are in long ones`,
  );
  const most = (values: readonly number[]) => Math.max(0, ...values);
  const moved = most(shifts.map(({ value }) => value));
  t.diagnostic(
    `by the clock the longest of all takes ${ms(most(tasks))}; of ${shifts.length} shifts one moves ${moved.toFixed(5)}`,
  );
  assert.ok(late.taskMs <= 1.5 * early.taskMs, "the last tokens cost more than the first");
  assert.ok(late.heap <= 1.5 * Math.max(early.heap, 1e6), "the last tokens take more memory than the first");
  assert.ok(all.heap < 25e6, `the heap grew by ${megabytes(all.heap)}`);
  assert.ok(longestTask <= 50, `a task computes for ${ms(longestTask)}`);
  // A task may be long by the clock without working where other programs want the processor.
  if (busyness() === 1) assert.deepEqual(tasks, [], "frames over 50 ms on a quiet machine");
  assertStill(shifts);
}

test("100,000 tokens in the chat: the last cost no more than the first, and nothing moves", options, async (t) => {
  const watched = await watch(t, "/", (page) => say(page, "Write a lot"));
  await assertSteady(t, watched);
  const { page, meter } = watched;
  const { length } = await meter.layoutShifts();
  await answered(page);
  await meter.rest();
  assertStill((await meter.layoutShifts()).slice(length));
  const paragraphs = await page.locator(".message.answer .markdown p").allTextContents();
  assert.equal(paragraphs.length, Math.ceil(pieces.length / paragraph.length));
  assert.deepEqual([...new Set(paragraphs.slice(0, -1))], ["Some words of a long answer, with a link and more."]);
});

const kinds = `## A heading

Some **words** of a \`long\` answer, with $x^2$ and more of them than stand in one line, so that it takes two of the column's lines or three.

1. One
2. Two, of which there is more to say than stands in one line of the column, however wide it is, and a bit more
   - of it
3. Three

> Somebody said so.

\`\`\`js
const answer = { text: "warm" }; // which has colours
\`\`\`

---

$$
\\frac{1}{2} + \\sqrt{x}
$$

`;

test("text of every kind comes to stand where it stays, and moves nothing", options, async (t) => {
  const server = await startServer(t, { pages: pageFiles() });
  const written = kinds.repeat(20).split(/(?<=[ \n])/);
  const begun = deferred<void>();
  const isMeasured = deferred<void>();
  let first = 0;
  let meter: WorkMeter | null = null;
  const rests = new Map([
    [
      Math.floor(written.length / 10), // the library of formulas is there
      async () => {
        await begun.promise;
        await meter?.rest();
        first = (await meter?.layoutShifts())?.length ?? 0;
      },
    ],
    [written.length, async () => isMeasured.resolve()],
  ]);
  const { page } = await openPage(t, await eventSource(t, server.url, written, rests), { allowErrors: /404/ });
  meter = await WorkMeter.of(page);
  begun.resolve();
  await say(page, "Write all kinds");
  await isMeasured.promise;
  await answered(page);
  await meter.rest();
  assertStill((await meter.layoutShifts()).slice(first));
  assert.equal(await page.locator(".message.answer math").count(), 40);
});

test("100,000 tokens in the kiosk: the last cost no more than the first, and nothing moves", options, async (t) => {
  // The kiosk asks by itself, before anybody could measure; its answer waits at the first mark.
  await assertSteady(t, await watch(t, "/kiosk?prompt=Write&every=86400", async () => {}));
});
