/** Files and folders that are not what they should be: an error within moments, never a hang, never called a bug. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { fromSystemError, readSmallFile, reasonOf } from "../../src/base/files.js";
import { exitStatusOf, toHearthError } from "../../src/cli/exit-status.js";
import { makeFolder } from "../../src/store/durable-files.js";
import { hearth } from "../helpers/command.js";
import { startDaemon } from "../helpers/daemon.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing, shared } from "../helpers/shared.js";

const stories = "models/stories260K.gguf";
const skip = missing(stories);
const model = shared(stories);
/** The limit for a command that has nothing to wait for, on a busy machine. */
const limitMs = 15_000;

function makeFifo(file: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true, recursive: true });
  assert.equal(spawnSync("mkfifo", [file]).status, 0);
  return file;
}

/** Paths that are no file that can be read. */
function hostilePaths(t: TestContext): string[] {
  const folder = temporaryFolder(t);
  const loop = path.join(folder, "loop.gguf");
  symlinkSync(loop, loop);
  writeFileSync(path.join(folder, "plain"), "");
  mkdirSync(path.join(folder, "folder.gguf"));
  return [
    makeFifo(path.join(folder, "fifo.gguf")),
    loop,
    path.join(folder, "folder.gguf"),
    path.join(folder, "plain", "below-a-file.gguf"),
    path.join(folder, `${"long".repeat(100)}.gguf`),
    "/dev/zero",
  ];
}

async function refused(t: TestContext, args: string[], env: Record<string, string> = {}): Promise<string> {
  const startedAt = performance.now();
  const { status, stderr } = await hearth(t, args, { env });
  assert.equal(status, 2, `${args.join(" ")}: ${status} ${stderr}`);
  assert.doesNotMatch(stderr, /INTERNAL/);
  assert.ok(performance.now() - startedAt < limitMs, args.join(" "));
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  return stderr;
}

test("a model that is a FIFO, a folder, a loop of links or a name too long is FILE_OPEN_FAILED", {
  skip,
}, async (t) => {
  for (const file of hostilePaths(t)) {
    for (const args of [
      ["run", file, "--prompt", "a"],
      ["serve", "--listen", "127.0.0.1:0", "--model", file],
      ["quantize", file, path.join(temporaryFolder(t), "out"), "q8_0"],
    ]) {
      assert.match(await refused(t, args), /FILE_OPEN_FAILED/);
    }
    assert.match(await refused(t, ["models", "import", file]), /FILE_OPEN_FAILED|IMPORT_UNSUPPORTED/);
  }
});

test("what a service may not read comes with the command that mends it", { skip }, async (t) => {
  const loop = path.join(temporaryFolder(t), "loop.gguf");
  symlinkSync(loop, loop);
  const stderr = await refused(t, ["serve", "--listen", "127.0.0.1:0", "--model", loop]);
  assert.match(stderr, /FILE_OPEN_FAILED: .*ELOOP.*`sudo hearth models import .*loop\.gguf`/);
});

test("a configuration, certificate or pinned prompt that is no readable file is an error at once", {
  skip,
}, async (t) => {
  for (const file of hostilePaths(t)) {
    const serve = ["serve", "--listen", "127.0.0.1:0", "--model", model];
    await refused(t, [...serve, "--config", file]);
    assert.match(await refused(t, serve, { HEARTH_TLS_CERT: file, HEARTH_TLS_KEY: file }), /TLS_UNUSABLE/);
    assert.match(await refused(t, serve, { HEARTH_PREFIX_PINNED: file }), /CONFIG_BAD_VALUE/);
  }
});

test("a state folder that can never be one is an error, for every command", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const [loop, dangling, plain] = ["loop", "dangling", "plain"].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  symlinkSync(loop, loop);
  symlinkSync(path.join(folder, "nothing"), dangling);
  writeFileSync(plain, "");
  for (const state of [
    loop,
    dangling,
    plain,
    makeFifo(path.join(folder, "fifo")),
    path.join(folder, "x".repeat(300)),
  ]) {
    const env = { HEARTH_STATE: state };
    for (const args of [
      ["key", "list"],
      ["models", "list"],
      ["serve", "--listen", "127.0.0.1:0", "--model", model],
    ]) {
      assert.match(await refused(t, args, env), /CONFIG_BAD_VALUE: state\.path/);
    }
  }
  for (const state of ["/proc/hearth", "/proc/self/a/b", path.join(dangling, "state"), path.join(plain, "state")]) {
    const env = { HEARTH_STATE: state };
    await refused(t, ["key", "create", "a"], env);
    await refused(t, ["models", "import", model], env);
    await refused(t, ["serve", "--listen", "127.0.0.1:0", "--model", model], env);
  }
});

test("a folder that can never be made is an error and no endless loop", async (t) => {
  const dangling = path.join(temporaryFolder(t), "dangling");
  symlinkSync("/nowhere/at/all", dangling);
  for (const folder of ["/proc/hearth/state", path.join(dangling, "state"), dangling]) {
    await assert.rejects(makeFolder(folder), /ENOENT|EEXIST/, folder);
  }
});

test("a daemon whose state files are FIFOs serves, and SIGTERM ends it", { skip }, async (t) => {
  const state = temporaryFolder(t);
  for (const file of [
    "tunings.json",
    "keys.json",
    "prefixes/written.json",
    `prefixes/${"0".repeat(8)}-${"0".repeat(24)}-${"0".repeat(16)}.kv`,
    `responses/resp_${"0".repeat(48)}.json`,
    "models/a.json",
    ".locks/prefixes",
    ".locks/responses",
    "models/.locks/a",
  ]) {
    makeFifo(path.join(state, file));
  }
  const daemon = await startDaemon(t, { env: { HEARTH_STATE: state } });
  await daemon.logged("the model is ready");
  assert.equal((await fetch(`${daemon.url}/readyz`)).status, 200);
  assert.equal((await fetch(`${daemon.url}/v1/models`)).status, 200);
  const { conditions } = (await (await fetch(`${daemon.url}/healthz`)).json()) as {
    conditions: { name: string; reason: string }[];
  };
  assert.match(conditions.find(({ name }) => name === "keys")?.reason ?? "", /FIFO/);
  daemon.kill("SIGTERM");
  assert.equal(await daemon.exited, 0);
});

test("a daemon that needs keys or its certificate, and finds FIFOs, ends with status 2", { skip }, async (t) => {
  for (const [file, env] of [
    ["keys.json", { HEARTH_AUTH_MODE: "required" }],
    ["tls.pem", { HEARTH_TLS_SELF_SIGNED: "true" }],
  ] as const) {
    const state = temporaryFolder(t);
    makeFifo(path.join(state, file));
    await refused(t, ["serve", "--listen", "127.0.0.1:0", "--model", model], { HEARTH_STATE: state, ...env });
  }
});

test("keys that cannot be read are status 2, and the advice is never to remove them", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const file = path.join(state, "keys.json");
  const env = { HEARTH_STATE: state };
  for (const text of ["{", "", "[]"]) {
    writeFileSync(file, text);
    for (const args of [
      ["key", "list"],
      ["key", "create", "a"],
      ["key", "revoke", "a"],
    ]) {
      const stderr = await refused(t, args, env);
      assert.match(stderr, /KEY_FILE_INVALID/);
      assert.doesNotMatch(stderr, /remove|delete/i);
    }
    assert.equal(readFileSync(file, "utf8"), text);
  }
  rmSync(file);
  mkdirSync(file);
  assert.match(await refused(t, ["key", "list"], env), /KEY_FILE_INVALID: .*EISDIR/);
});

test("what the system refuses is never called a bug", () => {
  const codes = [
    "EACCES",
    "EPERM",
    "ELOOP",
    "ENAMETOOLONG",
    "ENOTDIR",
    "EISDIR",
    "EROFS",
    "EMFILE",
    "ENXIO",
    "EIO",
    "ENOENT",
  ];
  for (const syscall of ["open", "stat", "mkdir", "rename", "write", "scandir", "unlink", "access", "fsync", "read"]) {
    for (const code of [...codes, "ENOSPC", "EDQUOT"]) {
      const error = Object.assign(new Error(`${code}: words, ${syscall} '/a/b'`), {
        code,
        syscall,
        errno: -1,
        path: "/a/b",
      });
      const failure = toHearthError(error);
      assert.notEqual(failure.code, "INTERNAL", `${syscall} ${code}`);
      assert.equal(exitStatusOf(failure), 2);
      assert.equal(failure.message, `/a/b: ${code}: words.`);
    }
  }
  assert.equal(fromSystemError(new TypeError("x is undefined")), null);
  assert.throws(
    () => readSmallFile("/tmp/a\0b"),
    (error: unknown) => toHearthError(error).code === "FILE_OPEN_FAILED",
  );
  assert.equal(reasonOf(new Error("plain words")), "plain words");
});

test("a locked-out file in a store is named, and the others are listed", { skip }, async (t) => {
  const state = temporaryFolder(t);
  const env = { HEARTH_STATE: state };
  assert.equal((await hearth(t, ["models", "import", model, "--name", "sound"], { env })).status, 0);
  makeFifo(path.join(state, "models", "b.json"));
  mkdirSync(path.join(state, "models", "c.json"));
  const { status, stdout, stderr } = await hearth(t, ["models", "list"], { env });
  assert.equal(status, 0);
  assert.match(stdout, /^sound /m);
  assert.match(stderr, /STORE_DAMAGED: b\.json cannot be read: .*FIFO/);
  assert.match(stderr, /STORE_DAMAGED: c\.json cannot be read: EISDIR/);
  assert.ok(readdirSync(path.join(state, "models")).includes("b.json"));
});
