/** Prefix snapshots of the fake engine: a checksum and JSON, with the errors of the real ones. */
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { HearthError } from "../../src/base/errors.js";
import type { SnapshotInfo } from "../../src/engine/contract.js";

/** `resumeEvery`: null where a sequence can go on from anywhere. */
export async function writeSnapshot(path: string, key: string, tokens: number[], resumeEvery: number | null) {
  const resumable = resumeEvery && tokens.flatMap((_, i) => ((i + 1) % resumeEvery === 0 ? i + 1 : []));
  if (resumable && resumeEvery && tokens.length % resumeEvery !== 0) resumable.push(tokens.length);
  const text = JSON.stringify({ key, tokens, resumable });
  await writeFile(`${path}.fake.tmp`, `${checksum(text)}\n${text}`);
  await rename(`${path}.fake.tmp`, path);
}

export async function readSnapshot(path: string, key: string): Promise<SnapshotInfo> {
  const content = await readFile(path, "utf8").catch((error) => {
    throw new HearthError("FILE_OPEN_FAILED", `${path}: ${error.message}`);
  });
  const [sum, text = ""] = content.split("\n");
  if (sum !== checksum(text)) throw new HearthError("PREFIX_FILE_INVALID", `${path} is damaged.`);
  const stored = JSON.parse(text) as { key: string; tokens: number[]; resumable: number[] | null };
  if (stored.key !== key) throw new HearthError("PREFIX_FILE_INVALID", `${path} is of another model.`);
  return {
    tokens: Int32Array.from(stored.tokens),
    resumable: stored.resumable && Int32Array.from(stored.resumable),
    fileBytes: content.length,
  };
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
