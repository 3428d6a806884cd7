/** Sizes of memory on the command line. */
import { HearthError } from "../base/errors.js";

const units = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;
/** Less than any process takes. */
const least = 2 ** 20;
const most = 2 ** 50;

/**
 * A commander argument parser for `3000MB`, `4G`, `512MiB` or bytes: units are powers of 1024, as memory is sold, and as systemd and
 * Docker count it.
 */
export function memorySize(name: string): (text: string) => number {
  return (text) => {
    const match = /^(\d{1,16}(?:\.\d{1,6})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
    const unit = match?.[2]?.toLowerCase() as keyof typeof units | undefined;
    const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match?.[1]) * units[unit]);
    if (bytes >= least && bytes <= most) return bytes;
    const problem = Number.isNaN(bytes)
      ? "a size such as 3000MB, 4G or 512MiB"
      : `a size from ${least} to ${most} bytes, such as 3000MB, 4G or 512MiB`;
    throw new HearthError("COMMAND_INVALID", `${name} takes ${problem}, not ${JSON.stringify(text.slice(0, 40))}.`);
  };
}
