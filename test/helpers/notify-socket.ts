/** A listener in systemd's place: Node has no Unix datagram sockets, so Python holds it. */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

const program = `
import json, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1].replace("@", "\\0", 1))
print(json.dumps("bound"), flush=True)
while True:
    print(json.dumps(listener.recv(4096).decode()), flush=True)
`;

/** For a test's `skip`. */
export const missingPython =
  spawnSync("python3", ["--version"]).status !== 0 && "python3 is missing: sudo apt-get install python3-minimal";

export interface NotifySocket {
  /** The datagrams so far, each a set of lines. */
  readonly messages: readonly string[];
  /** Resolves when a datagram has this line. */
  received(line: string): Promise<void>;
}

/** Listens on `address`, a path or `@` and a name, until the test ends. */
export async function listenForNotifications(t: TestContext, address: string): Promise<NotifySocket> {
  const child = spawn("python3", ["-c", program, address], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const messages: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    messages.push(JSON.parse(line));
    for (const wake of waiting) wake();
  });
  const until = (holds: () => boolean, what: string) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`No ${what} came, only ${JSON.stringify(messages)}`));
      }, 30_000);
      const look = () => {
        if (!holds()) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  await until(() => messages.length > 0, "listener");
  return {
    messages,
    received: (line) => until(() => messages.some((message) => message.split("\n").includes(line)), line),
  };
}
