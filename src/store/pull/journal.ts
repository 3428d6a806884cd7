/**
 * The journal of a pull: the bytes of a partial file that are on the disk. Written after they were synced, so that it never
 * promises what a power cut took. Knows nothing of where the bytes come from.
 */
import * as z from "zod";
import { readSmallText } from "../../base/files.js";
import { writeDurably } from "../durable-files.js";

const count = z.number().int().nonnegative();

const schema = z.object({
  /** The source's word for this content; bytes of another one do not go with these. */
  validator: z.string().max(1024).nullable(),
  bytes: count,
  segmentBytes: count.min(1),
  /** The bytes of each segment that are there, from its start. */
  done: z.array(count).max(1_000_000),
});

export type Journal = Readonly<z.infer<typeof schema>>;

export function makeJournal(bytes: number, segmentBytes: number, validator: string | null): Journal {
  return { validator, bytes, segmentBytes, done: Array.from({ length: Math.ceil(bytes / segmentBytes) }, () => 0) };
}

/** null when there is none, or none that can be trusted. */
export async function readJournal(file: string): Promise<Journal | null> {
  try {
    const journal = schema.parse(JSON.parse(readSmallText(file)));
    const { bytes, segmentBytes, done } = journal;
    const fits = (present: number, i: number) => present <= Math.min(segmentBytes, bytes - i * segmentBytes);
    return done.length === Math.ceil(bytes / segmentBytes) && done.every(fits) ? journal : null;
  } catch {
    return null;
  }
}

export async function writeJournal(file: string, journal: Journal): Promise<void> {
  await writeDurably(file, JSON.stringify(journal));
}

export function bytesDone({ done }: Journal): number {
  return done.reduce((sum, bytes) => sum + bytes, 0);
}
