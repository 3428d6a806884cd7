/**
 * A file system of one read-only file, by FUSE's protocol (linux/fuse.h) and without a library: `node fuse-server.mjs FILE FOLDER`, as
 * root. It is told by messages of its parent how it is to behave: { mode: "works" | "fails" | "hangs" }. Reads that fail give EIO as a
 * bad card does; those that hang are answered once it is to do something else.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, read, readSync, statSync, writeSync } from "node:fs";
import path from "node:path";

const [file, folder] = process.argv.slice(2);
const name = path.basename(file);
const content = openSync(file, "r");
const { size } = statSync(file);
const device = openSync("/dev/fuse", "r+");
const options = "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other,ro";
// -i: without a helper program, which need not be installed.
const mounted = spawnSync("mount", ["-i", "-t", "fuse", "-o", options, "hearth-failing-disk", folder], {
  stdio: ["ignore", "inherit", "inherit", device],
});
if (mounted.status !== 0) process.exit(1);

const Op = { lookup: 1, forget: 2, getattr: 3, open: 14, read: 15, statfs: 17, release: 18, flush: 25, init: 26 };
const Quiet = new Set([Op.forget, 36, 42]); // that have no reply; and an interrupted read is answered all the same
const Errno = { ENOENT: 2, EIO: 5, ENOSYS: 38 };
const fileNode = 2n;
const longSeconds = 3600n; // nothing but reads is to be asked again

let mode = "works";
let held = [];

function reply(unique, error, body = Buffer.alloc(0)) {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeInt32LE(-error, 4);
  head.writeBigUInt64LE(unique, 8);
  try {
    writeSync(device, Buffer.concat([head, body]));
  } catch (cause) {
    if (cause.code !== "ENOENT") throw cause; // whoever asked was ended meanwhile
  }
}

function attributes(node) {
  const isFile = node === fileNode;
  const out = Buffer.alloc(88);
  out.writeBigUInt64LE(node, 0);
  out.writeBigUInt64LE(BigInt(isFile ? size : 0), 8);
  out.writeBigUInt64LE(1_700_000_000n, 32); // mtime
  out.writeUInt32LE(isFile ? 0o100444 : 0o40555, 60);
  out.writeUInt32LE(1, 64);
  out.writeUInt32LE(4096, 80);
  return out;
}

function sendBytes(unique, offset, length) {
  if (mode === "hangs") return held.push([unique, offset, length]);
  if (mode === "fails") return reply(unique, Errno.EIO);
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
  readSync(content, bytes, 0, bytes.length, offset);
  reply(unique, 0, bytes);
}

const answers = {
  [Op.init](unique, body) {
    const out = Buffer.alloc(64);
    out.writeUInt32LE(7, 0);
    out.writeUInt32LE(Math.min(31, body.readUInt32LE(4)), 4);
    out.writeUInt32LE(body.readUInt32LE(8), 8);
    out.writeUInt32LE(1, 12); // FUSE_ASYNC_READ
    out.writeUInt16LE(64, 16);
    out.writeUInt16LE(48, 18);
    out.writeUInt32LE(128 * 1024, 20);
    out.writeUInt32LE(1, 24);
    reply(unique, 0, out);
  },
  [Op.lookup](unique, body) {
    if (body.subarray(0, body.indexOf(0)).toString() !== name) return reply(unique, Errno.ENOENT);
    const out = Buffer.alloc(40);
    out.writeBigUInt64LE(fileNode, 0);
    out.writeBigUInt64LE(longSeconds, 16);
    out.writeBigUInt64LE(longSeconds, 24);
    reply(unique, 0, Buffer.concat([out, attributes(fileNode)]));
  },
  [Op.getattr](unique, _body, node) {
    const out = Buffer.alloc(16);
    out.writeBigUInt64LE(longSeconds, 0);
    reply(unique, 0, Buffer.concat([out, attributes(node)]));
  },
  [Op.open]: (unique) => reply(unique, 0, Buffer.alloc(16)),
  [Op.release]: (unique) => reply(unique, 0),
  [Op.flush]: (unique) => reply(unique, 0),
  [Op.statfs]: (unique) => reply(unique, 0, Buffer.alloc(80)),
  [Op.read]: (unique, body) => sendBytes(unique, Number(body.readBigUInt64LE(8)), body.readUInt32LE(16)),
};

function serve() {
  const request = Buffer.alloc(256 * 1024);
  read(device, request, 0, request.length, null, (error, length) => {
    if (error?.code === "ENODEV") process.exit(0); // unmounted
    if (!error) {
      const opcode = request.readUInt32LE(4);
      const [unique, node] = [request.readBigUInt64LE(8), request.readBigUInt64LE(16)];
      const answer = answers[opcode] ?? (Quiet.has(opcode) ? () => {} : () => reply(unique, Errno.ENOSYS));
      answer(unique, request.subarray(40, length), node);
    }
    serve();
  });
}

process.on("message", (message) => {
  mode = message.mode;
  const waiting = held;
  held = [];
  for (const [unique, offset, length] of waiting) sendBytes(unique, offset, length);
  process.send({ mode });
});
process.on("disconnect", () => {
  spawnSync("umount", ["-l", folder]);
  closeSync(device);
  process.exit(0);
});
serve();
process.send({ mode });
