/** Values of flags, checked. */
import { HearthError } from "../base/errors.js";

/** A commander argument parser for an integer from `min` to `max`. */
export function integerBetween(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,16}$/.test(text) && value >= min && value <= max) return value;
    throw new HearthError("COMMAND_INVALID", `${name} takes an integer from ${min} to ${max}, not ${shown(text)}.`);
  };
}

/** Reads a decimal number between two limits, as wholeNumberBetween() does a whole one. */
export function numberBetween(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new HearthError("COMMAND_INVALID", `${name} takes a number from ${min} to ${max}, not ${shown(text)}.`);
  };
}

/** Token ids with spaces or commas between them. */
export function tokenIds(text: string): Int32Array {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const ids = words.map(integerBetween("--tokens", 0, 2 ** 31 - 1));
  if (ids.length === 0) throw new HearthError("COMMAND_INVALID", "--tokens takes at least one token id.");
  return Int32Array.from(ids);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
