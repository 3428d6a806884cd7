/**
 * Loaded into the daemon of latency.mjs before the daemon itself: notes the end of every step, and when a piece of an answer was
 * handed to the kernel, and tells both to whoever asks.
 */
import { createRequire } from "node:module";
import { Socket } from "node:net";

/** When the steps ended that drew a token, on the machine's monotonic clock in nanoseconds. */
let drawn = [];
/** When a WebSocket's event with a piece of an answer was written to its socket, on the same clock. */
let written = [];

const writeAll = Socket.prototype._writev;
Socket.prototype._writev = function (chunks, done) {
  const at = String(process.hrtime.bigint()); // before: whom the write wakes may take this core at once
  writeAll.call(this, chunks, done);
  for (const { chunk } of chunks) if (chunk.includes("response.output_text.delta")) written.push(at);
};

const addon = createRequire(import.meta.url)("../../build/Release/hearth.node"); // the very object that the daemon gets
const { createEngine } = addon;
addon.createEngine = async (...args) => {
  const engine = await createEngine(...args);
  const step = engine.step.bind(engine);
  const noted = async (plan) => {
    const result = await step(plan);
    const at = process.hrtime.bigint();
    for (const chunk of plan.chunks) if (chunk.sample) drawn.push(String(at));
    return result;
  };
  return Object.defineProperty(engine, "step", { value: noted }); // methods of an addon cannot be assigned
};

process.on("message", () => {
  process.send({ drawn, written });
  drawn = [];
  written = [];
});
