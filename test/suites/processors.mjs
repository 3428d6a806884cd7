/** The processor time of this process and its children: beside the clock's it says whether a suite computes or waits. */
import { existsSync, readFileSync } from "node:fs";

const file = "/proc/self/stat";
const ticksPerSecond = 100; // USER_HZ, equal on every Linux

/** Seconds; children count once they have ended, with their own. 0 where there is no /proc. */
export function processorSeconds() {
  if (!existsSync(file)) return 0;
  const fields = readFileSync(file, "utf8").split(") ").at(-1).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0); // utime, stime, cutime, cstime
  return ticks / ticksPerSecond;
}
