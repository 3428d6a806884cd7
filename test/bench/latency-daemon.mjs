/**
 * The daemon of latency.mjs: as `hearth serve` starts it, but the end of every step is noted, and when a piece of an answer was
 * handed to the kernel; both are told to whoever asks.
 */
import { Socket } from "node:net";
import { systemClock } from "../../dist/base/clock.js";
import { createLogger } from "../../dist/base/logger.js";
import { loadConfig } from "../../dist/config/load.js";
import { Daemon } from "../../dist/daemon/daemon.js";
import { openModelStore, stateFolder } from "../../dist/daemon/model-file.js";
import { connectSystemd } from "../../dist/daemon/systemd.js";
import { loadEngineModule } from "../../dist/engine/binding.js";

const { config } = loadConfig({ env: process.env, flags: {} });
const logger = createLogger({ level: "info", prompts: false });
const engineModule = loadEngineModule();
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

const createEngine = engineModule.createEngine.bind(engineModule);
engineModule.createEngine = async (...args) => {
  const engine = await createEngine(...args);
  const step = engine.step.bind(engine);
  engine.step = async (plan) => {
    const result = await step(plan);
    const at = process.hrtime.bigint();
    for (const chunk of plan.chunks) if (chunk.sample) drawn.push(String(at));
    return result;
  };
  return engine;
};

const store = openModelStore(config, process.env, engineModule);
const daemon = new Daemon(config, {
  engineModule,
  store,
  clock: systemClock,
  logger,
  systemd: connectSystemd({ env: {}, pid: process.pid, logger, datagram: engineModule.notify }),
  stateFolder: stateFolder(config, process.env),
  pull: async () => {},
  tls: null,
});
process.on("message", () => {
  process.send({ drawn, written });
  drawn = [];
  written = [];
});
process.once("SIGTERM", () => void daemon.stop().then(() => process.disconnect()));
await daemon.start();
