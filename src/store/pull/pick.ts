/** Picks the file of a repository to pull: a named one, or the usual quantization that fits the memory. Pure. */
import { HearthError } from "../../base/errors.js";
import { splitParts } from "../split-files.js";

export interface RepositoryFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string | null;
}

/** A model: one file, or all parts of a split one. */
export interface Candidate {
  /** The first file's path; of a split model without the part's number. */
  readonly path: string;
  readonly files: readonly RepositoryFile[];
  readonly bytes: number;
  /** `Q4_K_M`; null where the name does not say. */
  readonly quantization: string | null;
}

/** In the order of choice: 4 bits as most people take them, then what is larger, then what loses more. */
const usual = [
  "Q4_K_M",
  "Q4_K_S",
  "IQ4_NL",
  "IQ4_XS",
  "Q4_0",
  "Q4_1",
  "MXFP4",
  "Q5_K_M",
  "Q5_K_S",
  "Q5_0",
  "Q5_1",
  "Q6_K",
  "Q8_0",
  "Q3_K_L",
  "Q3_K_M",
  "IQ3_M",
  "IQ3_S",
  "Q3_K_S",
  "IQ3_XS",
  "IQ3_XXS",
  "Q2_K",
  "IQ2_M",
  "IQ2_S",
  "F16",
  "BF16",
  "F32",
] as const;

const quantizationPattern =
  /(?:^|[-._/])((?:UD-)?(?:I?Q[1-8]_(?:K_(?:XXS|XS|S|M|L|XL)|K|XXS|XS|S|M|NL|XL|[01])|TQ[12]_0|MXFP4(?:_MOE)?|BF16|FP16|F16|FP32|F32))(?=[-._/]|$)/gi;

/** Files beside models that are none: projectors of images, calibration data, vocabularies, adapters, drafts. */
const notModels = /(^|[-._/])(mmproj|imatrix|vocab|lora|adapter|draft|mtp)([-._/]|$)/i;

/** `Q4_K_M` in `Qwen3-0.6B-Q4_K_M.gguf` or `Q4_K_M/x.gguf`; null when the path does not say. */
export function quantizationOf(path: string): string | null {
  const found = [...path.replace(/\.gguf$/i, "").matchAll(quantizationPattern)].at(-1)?.[1];
  return found === undefined ? null : normalize(found);
}

/** The GGUF models among a repository's files. Split models of which a part is missing are left out. */
export function candidates(files: readonly RepositoryFile[]): Candidate[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((file): Candidate[] => {
    if (!/\.gguf$/i.test(file.path) || notModels.test(file.path)) return [];
    const slash = file.path.lastIndexOf("/") + 1;
    const [folder, name] = [file.path.slice(0, slash), file.path.slice(slash)];
    const split = splitParts(name);
    const names = split?.names ?? [name];
    if (names[0] !== name) return []; // its first part stands for it
    const parts = names.map((part) => byPath.get(folder + part)).filter((part) => part !== undefined);
    if (parts.length !== names.length) return [];
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const path = split ? `${folder}${split.stem}.gguf` : file.path;
    return [{ path, files: parts, bytes, quantization: quantizationOf(path) }];
  });
}

/**
 * `select`: a path, a file's name, or a quantization; null picks what fits into `budgetBytes`. What the user names is not
 * measured against the memory: the engine can run it from the disk. PULL_NOT_FOUND, MODEL_DOES_NOT_FIT; `from` is the
 * repository's name for messages.
 */
export function pick(found: readonly Candidate[], select: string | null, budgetBytes: number, from: string): Candidate {
  if (found.length === 0) throw new HearthError("PULL_NOT_FOUND", `${from} has no GGUF model.`);
  return select === null ? pickFitting(found, budgetBytes, from) : pickNamed(found, select, from);
}

function pickNamed(found: readonly Candidate[], select: string, from: string): Candidate {
  const asked = select.toLowerCase();
  const isAsked = ({ path, files }: Candidate) =>
    [path, ...files.map((file) => file.path)].some((each) => {
      const lower = each.toLowerCase();
      return lower === asked || lower.endsWith(`/${asked}`);
    });
  const quantization = normalize(select);
  const chosen =
    found.find(isAsked) ??
    smallest(found.filter((candidate) => candidate.quantization === quantization)) ??
    smallest(found.filter((candidate) => candidate.quantization === `UD-${quantization}`));
  if (chosen) return chosen;
  const known = found.map(({ path, quantization: type }) => type ?? path);
  const message = `${from} has no ${JSON.stringify(select.slice(0, 80))}; it has ${[...new Set(known)].slice(0, 30).join(", ")}.`;
  throw new HearthError("PULL_NOT_FOUND", message);
}

function pickFitting(found: readonly Candidate[], budgetBytes: number, from: string): Candidate {
  const [only] = found;
  const fitting = found.filter(({ bytes }) => bytes <= budgetBytes);
  for (const type of usual) {
    const chosen = smallest(fitting.filter(({ quantization }) => quantization === type));
    if (chosen) return chosen;
  }
  const other = smallest(fitting);
  if (other) return other;
  const least = smallest(found) ?? only;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const message = `The smallest model of ${from}, ${least?.path}, has ${gigabytes(least?.bytes ?? 0)}, and models may take ${gigabytes(budgetBytes)} of this machine's memory.`;
  throw new HearthError("MODEL_DOES_NOT_FIT", message);
}

function smallest(found: readonly Candidate[]): Candidate | undefined {
  return found.toSorted((a, b) => a.bytes - b.bytes || (a.path < b.path ? -1 : 1))[0];
}

function normalize(quantization: string): string {
  return quantization
    .toUpperCase()
    .replace(/^FP/, "F")
    .replace(/^MXFP4_MOE$/, "MXFP4");
}
