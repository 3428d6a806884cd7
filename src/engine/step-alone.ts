/** A step of one chunk, for measurements: the daemon's steps carry many. */
import { HearthError } from "../base/errors.js";
import type { ChunkResult, Engine, StepChunk } from "./contract.js";

export async function stepAlone(engine: Engine, chunk: StepChunk): Promise<ChunkResult> {
  const { chunks } = await engine.step({ chunks: [chunk] });
  const [result] = chunks;
  if (!result) throw new HearthError("INTERNAL", "The engine gave no result of a step's chunk.");
  return result;
}
