/** A real daemon: `hearth serve` as a process of its own, on a free port of loopback. */
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { spawnHearth } from "./command.js";
import { shared } from "./shared.js";

/** A start takes a second on an idle machine and much longer on a busy one. */
const startLimitMs = 60_000;

export interface LogLine {
  readonly msg: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

export interface TestDaemon {
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  readonly log: readonly LogLine[];
  /** The first line with this message, from the past or the future. */
  logged(msg: string): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** The exit status; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** The value of a metric without labels. */
  metric(name: string): Promise<number>;
}

export interface DaemonOptions {
  readonly model?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves when the daemon listens; the model may still be loading. */
export async function startDaemon(t: TestContext, options: DaemonOptions = {}): Promise<TestDaemon> {
  const model = options.model ?? shared("models/stories260K.gguf");
  const args = ["serve", "--listen", "127.0.0.1:0", "--model", model, ...(options.args ?? [])];
  const child = spawnHearth(t, args, options.env ?? {});
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  createInterface({ input: child.stdout }).on("line", (line) => {
    log.push(JSON.parse(line));
    for (const wake of waiting) wake();
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });

  const logged = (msg: string) =>
    new Promise<LogLine>((resolve, reject) => {
      const fail = (why: string) => {
        settle();
        reject(new Error(`The daemon ${why} without logging "${msg}": ${JSON.stringify(log)} ${stderr}`));
      };
      const timer = setTimeout(() => fail("went on"), startLimitMs);
      const look = () => {
        const line = log.find((each) => each.msg === msg);
        if (!line) return;
        settle();
        resolve(line);
      };
      const settle = () => {
        clearTimeout(timer);
        waiting.delete(look);
      };
      waiting.add(look);
      void exited.then(() => fail("ended"));
      look();
    });

  const { address } = await logged("listening");
  const url = `http://${address}`;
  assert.ok(child.pid !== undefined);
  return {
    url,
    pid: child.pid,
    log,
    logged,
    kill: (signal) => child.kill(signal),
    exited,
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const value = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
      assert.ok(value !== undefined, `no metric ${name}`);
      return Number(value);
    },
  };
}
