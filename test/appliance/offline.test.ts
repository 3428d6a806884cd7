/** The built project on a machine without a network: Spark is there and answers. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { root } from "../helpers/shared.js";
import { readDialogues } from "../spark/dialogues.js";

const mostResidentBytes = 150e6;
const startLimitMs = 120_000;

/** A network namespace of its own has nothing but loopback; in a process namespace too, all ends with its first process. */
const withoutNetwork = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
const loopbackUp = 'ip link set lo up && exec "$@"';

function reasonToSkip(): string | false {
  const { status } = spawnSync("unshare", [...withoutNetwork, "sh", "-c", loopbackUp, "sh", "true"]);
  return status === 0 ? false : "This machine does not allow network namespaces (unshare, ip).";
}

interface Offline {
  readonly url: string;
  /** The standard output of `node -e SCRIPT ARGS` beside the daemon. */
  run(script: string, ...args: string[]): string;
}

/** `npm start` where no name resolves and no address but loopback is reached. */
async function startOffline(t: TestContext): Promise<Offline> {
  const npm = ["npm", "start", "--silent", "--offline", "--", "--listen", "127.0.0.1:0"];
  const child = spawn("unshare", [...withoutNetwork, "sh", "-c", loopbackUp, "sh", ...npm], { cwd: root });
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const address = await new Promise<string>((resolve, reject) => {
    const fail = () => reject(new Error(`The daemon does not listen: ${stderr}`));
    const timer = setTimeout(fail, startLimitMs);
    child.on("close", fail);
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line: unknown = text.startsWith("{") ? JSON.parse(text) : {};
      if (!line || typeof line !== "object" || !("address" in line)) return;
      clearTimeout(timer);
      resolve(String(line.address));
    });
  });
  return {
    url: `http://${address}`,
    run(script, ...args) {
      const enter = ["--target", String(child.pid), "--user", "--net", "--preserve-credentials"];
      const node = [process.execPath, "--input-type=module", "-e", script, ...args];
      const result = spawnSync("nsenter", [...enter, ...node], { encoding: "utf8" });
      assert.equal(result.status, 0, result.stderr);
      return result.stdout;
    },
  };
}

const askScript = `
const [url, body] = process.argv.slice(1);
const headers = { "content-type": "application/json" };
const started = performance.now();
const response = await fetch(url + "/v1/responses", { method: "POST", headers, body });
let text = "";
let firstMs = 0;
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
  text += piece;
  if (firstMs === 0 && /^event: \\S+[.]delta$/m.test(text)) firstMs = performance.now() - started;
}
const metrics = await (await fetch(url + "/metrics")).text();
const resident = Number(/^hearth_process_resident_memory_bytes (\\S+)/m.exec(metrics)[1]);
const outside = await fetch("http://192.0.2.1").then(() => "reached", () => "unreachable");
console.log(JSON.stringify({ status: response.status, text, firstMs, resident, outside }));
`;

test("without a network, npm start serves Spark in little memory", { skip: reasonToSkip() }, async (t) => {
  const offline = await startOffline(t);
  const dialogue = readDialogues("commands").find(({ messages }) => messages.length === 2);
  assert.ok(dialogue);
  const tools = dialogue.tools.map((tool) => ({ type: "function", ...tool }));
  const request = { model: "default", stream: true, temperature: 0, input: dialogue.messages, tools };
  const answer = JSON.parse(offline.run(askScript, offline.url, JSON.stringify(request)));
  assert.equal(answer.outside, "unreachable");
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /^event: response.completed$/m);
  assert.ok(answer.firstMs > 0, answer.text);
  t.diagnostic(`first token after ${answer.firstMs.toFixed(0)} ms, ${(answer.resident / 1e6).toFixed(0)} MB resident`);
  assert.ok(answer.resident < mostResidentBytes, `${answer.resident} bytes resident`);
});
