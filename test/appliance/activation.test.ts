/** Sockets that systemd opened: clients wait in them until the daemon listens, and a second daemon takes them over. */
import assert from "node:assert/strict";
import path from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { hearth, spawnHearth } from "../helpers/command.js";
import { missingPython } from "../helpers/notify-socket.js";
import { root } from "../helpers/shared.js";

const skip = missingPython;
const model = path.join(root, "models", "spark", "spark-q8_0.gguf");

/** Opens a socket as systemd does, tells its port, and becomes the command. */
const activate = `
import os, socket, sys
listener = socket.socket()
listener.bind((sys.argv[1], 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.execvpe(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
`;
const through = (host: string) => ["python3", "-c", activate, host];

/** The port of a daemon whose socket is open before it has started. */
async function start(t: TestContext, args: readonly string[]) {
  const child = spawnHearth(t, ["serve", "--model", model, ...args], {}, through("127.0.0.1"));
  const lines = createInterface({ input: child.stdout });
  const [port] = await new Promise<string[]>((resolve) => lines.once("line", (line) => resolve([line])));
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, exited, url: `http://127.0.0.1:${port}` };
}

test("a request that comes before the daemon listens waits in the socket, and is answered", { skip }, async (t) => {
  const { child, exited, url } = await start(t, []);
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "default", max_tokens: 4, messages: [{ role: "user", content: "Once" }] }),
  });
  assert.equal(response.status, 200);
  await response.arrayBuffer();
  child.kill("SIGTERM");
  assert.equal(await exited, 0);
});

test("a socket that the network reaches is refused where the configuration says loopback", { skip }, async (t) => {
  const args = ["serve", "--model", model, "--listen", "127.0.0.1:0"];
  const { status, stderr } = await hearth(t, args, { through: through("0.0.0.0") });
  assert.equal(status, 2);
  assert.match(stderr, /CONFIG_BAD_VALUE: hearthd\.socket listens on 0\.0\.0\.0:\d+.*daemon-reload/);
});
