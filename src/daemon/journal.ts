/** Finds out whether output goes to systemd's journal, which reads a line's priority from `<4>` before it (sd-daemon(3)). */
import { fstatSync } from "node:fs";

/** JOURNAL_STREAM names device and inode; a child may have it from its parent and write elsewhere (systemd.exec(5)). */
export function isJournal(fd: number, stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return stream === `${dev}:${ino}`;
  } catch {
    return false; // closed
  }
}
