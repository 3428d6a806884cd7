/** The daemon takes sockets and credentials from systemd, and says to it how it gets on. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { hashKey } from "../../../src/base/api-key.js";
import { HearthError } from "../../../src/base/errors.js";
import { silentLogger } from "../../../src/base/logger.js";
import { loadConfig } from "../../../src/config/load.js";
import { withCredentials } from "../../../src/daemon/credentials.js";
import { inheritedSockets } from "../../../src/daemon/inherited-sockets.js";
import { connectSystemd } from "../../../src/daemon/systemd.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { root } from "../../helpers/shared.js";

const { config } = loadConfig({ env: {}, flags: {} });

test("sockets of systemd are taken by the process that they are for", () => {
  assert.deepEqual(inheritedSockets({ LISTEN_PID: "42", LISTEN_FDS: "2" }, 42), [3, 4]);
  for (const env of [
    {},
    { LISTEN_FDS: "1" },
    { LISTEN_PID: "43", LISTEN_FDS: "1" },
    { LISTEN_PID: "42", LISTEN_FDS: "0" },
    { LISTEN_PID: "42", LISTEN_FDS: "many" },
  ]) {
    assert.deepEqual(inheritedSockets(env, 42), []);
  }
});

function credentials(t: TestContext, files: Record<string, string>) {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, `hearth_${name}`), text);
  return { folder, read: (base = config) => withCredentials(base, { CREDENTIALS_DIRECTORY: folder }) };
}

const key = `hearth_${"a".repeat(43)}`;

test("keys of a credential are added to those of the configuration, as hashes", (t) => {
  const { read } = credentials(t, { "api-keys": `# mine\n${key}\n\n  other_${"b".repeat(30)} # a phone\n` });
  const expected = [hashKey(key), hashKey(`other_${"b".repeat(30)}`)];
  assert.deepEqual(read()["auth.keys"], expected);
  assert.deepEqual(read({ ...config, "auth.keys": ["0".repeat(64)] })["auth.keys"], ["0".repeat(64), ...expected]);
});

test("a credential that is no key is refused, and not repeated", (t) => {
  for (const text of ["tiny\n", `${key} ${key}\n`]) {
    const { read } = credentials(t, { "api-keys": text });
    assert.throws(
      read,
      (error) =>
        error instanceof HearthError && error.code === "CONFIG_BAD_VALUE" && !error.message.includes(text.trim()),
    );
  }
});

test("a certificate of the credentials is served unless the configuration names one", (t) => {
  const { read, folder } = credentials(t, { "tls-cert.pem": "c", "tls-key.pem": "k" });
  assert.equal(read()["tls.cert"], path.join(folder, "hearth_tls-cert.pem"));
  assert.equal(read()["tls.key"], path.join(folder, "hearth_tls-key.pem"));
  assert.equal(read({ ...config, "tls.cert": "/own.pem", "tls.key": "/own.key" })["tls.cert"], "/own.pem");
  assert.equal(read({ ...config, "tls.self_signed": true })["tls.cert"], "");
});

test("without credentials the configuration is what it was", (t) => {
  assert.equal(withCredentials(config, {}), config);
  assert.deepEqual({ ...credentials(t, {}).read() }, { ...config });
});

test("systemd hears of a reload and of a start that takes longer", () => {
  const sent: string[] = [];
  const systemd = connectSystemd({
    env: { NOTIFY_SOCKET: "/x" },
    pid: 1,
    logger: silentLogger(),
    datagram: (_path, message) => sent.push(message),
    notifyProgram: async () => {},
  });
  systemd.reloading();
  systemd.extend(30_000);
  assert.match(sent[0] ?? "", /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  assert.equal(sent[1], "EXTEND_TIMEOUT_USEC=30000000");
});

const script = path.join(root, "systemd", "socket-address");

/** The address that the socket unit gets for a configuration. */
function socketAddress(t: TestContext, text: string): string {
  const file = path.join(temporaryFolder(t), "hearth.toml");
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync("sh", [script, "print"], {
    encoding: "utf8",
    env: { ...process.env, HEARTH_CONFIG: file },
  });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test("the socket's address is that of the configuration, in each way to write it", (t) => {
  const cases: [text: string, address: string][] = [
    ["", "127.0.0.1:11434"],
    ['[server]\nlisten = "0.0.0.0:80"\n', "0.0.0.0:80"],
    ['[server] # here\n  listen="[::]:11434" # all\n', "[::]:11434"],
    ["server.listen = '192.168.1.5:1'\n", "192.168.1.5:1"],
    ['[server]\n#listen = "0.0.0.0:80"\nlisten = "localhost:5"\n', "127.0.0.1:5"],
    ['[[upstream]]\nlisten = "0.0.0.0:80"\n', "127.0.0.1:11434"],
    ['[server]\nlisten = "kitchen.lan:80"\n', ""],
    ['[server]\nlisten = "127.0.0.1:0"\n', ""],
  ];
  for (const [text, address] of cases) assert.equal(socketAddress(t, text), address, text);
});
