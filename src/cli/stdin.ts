/** Reads standard input. */
import { HearthError } from "../base/errors.js";

const limitBytes = 64 * 1024 * 1024;

/** All of stdin as UTF-8. COMMAND_INVALID when it is not, or is endless. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limitBytes) throw new HearthError("COMMAND_INVALID", `stdin holds more than ${limitBytes} bytes.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new HearthError("COMMAND_INVALID", "stdin is not UTF-8.", { cause: error });
  }
}
