/**
 * A source of models, and the files to fetch from it, with the lengths and hashes that it gives. One function for each kind of
 * source. What comes from there is checked like any input.
 */
import * as z from "zod";
import { checkModelName, checkRepositoryPath, formatSource, type PullSource, toModelName } from "../model-names.js";
import { type RemoteFile, unquoted, validatorOf } from "./file-download.js";
import { badResponse, type SourceClient } from "./http.js";
import { candidates, pick, quantizationOf, type RepositoryFile } from "./pick.js";

export interface PullPlan {
  /** The name that the model gets unless the user gives one. */
  readonly name: string;
  readonly source: string;
  readonly files: readonly RemoteFile[];
}

export interface SourceContext {
  readonly client: SourceClient;
  /** Without a path. */
  readonly huggingFace: URL;
  readonly ollama: URL;
  /** The room for a model that nobody chose by name. */
  readonly budgetBytes: number;
  readonly signal: AbortSignal;
}

/** PULL_NOT_FOUND, PULL_DENIED, PULL_REFUSED, PULL_BAD_RESPONSE, MODEL_DOES_NOT_FIT; TransientError. */
export function resolveSource(source: PullSource, context: SourceContext): Promise<PullPlan> {
  if (source.kind === "huggingface") return resolveHuggingFace(source, context);
  return source.kind === "ollama" ? resolveOllama(source, context) : resolveUrl(source, context);
}

type SourceOf<Kind> = Extract<PullSource, { kind: Kind }>;

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** https://huggingface.co/docs/hub/api: the tree of a repository; large files are in LFS, whose id is their SHA-256. */
const treeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: count.optional(),
    lfs: z.object({ oid: hash, size: count }).optional(),
  }),
);
/** The pages of a list, a thousand files each. */
const mostPages = 20;

async function resolveHuggingFace(
  { owner, repo, select, ...source }: SourceOf<"huggingface">,
  context: SourceContext,
): Promise<PullPlan> {
  const from = `hf:${owner}/${repo}`;
  const files = await listRepository(owner, repo, context);
  const chosen = pick(candidates(files), select, context.budgetBytes, from);
  const tag = chosen.quantization ?? toModelName((chosen.path.split("/").at(-1) ?? "").replace(/\.gguf$/i, ""));
  return {
    name: checkModelName(`${owner}/${repo}:${tag}`),
    source: formatSource({ ...source, owner, repo, select: select ?? chosen.quantization ?? chosen.path }),
    files: chosen.files.map(({ path, bytes, sha256 }) => {
      const escaped = checkRepositoryPath(path).split("/").map(encodeURIComponent).join("/");
      const url = new URL(`/${owner}/${repo}/resolve/main/${escaped}`, context.huggingFace);
      return { url, bytes, sha256, validator: null };
    }),
  };
}

async function listRepository(owner: string, repo: string, context: SourceContext): Promise<RepositoryFile[]> {
  const { client, huggingFace, signal } = context;
  const files: RepositoryFile[] = [];
  let next: URL | null = new URL(`/api/models/${owner}/${repo}/tree/main?recursive=1`, huggingFace);
  for (let page = 0; next !== null && page < mostPages; page++) {
    const url: URL = next;
    const { value, headers } = await client.json(url, { signal });
    for (const { type, path, size, lfs } of parse(treeSchema, value, url)) {
      if (type !== "file" || !/\.gguf$/i.test(path)) continue;
      files.push({ path: checkRepositoryPath(path), bytes: lfs?.size ?? size ?? 0, sha256: lfs?.oid ?? null });
    }
    next = nextPage(headers.link, url);
  }
  return files;
}

/** RFC 8288. Pages of another origin are none of this list. */
function nextPage(link: string | undefined, from: URL): URL | null {
  const target = /<([^>]{1,2048})>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, from.href)) return null;
  const url = new URL(target, from);
  return url.origin === from.origin ? url : null;
}

/** https://distribution.github.io/distribution/spec/manifest-v2-2, with Ollama's types of layers. */
const manifestSchema = z.object({
  layers: z.array(z.object({ mediaType: z.string(), digest: z.string(), size: count })).max(1000),
});
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const modelLayer = "application/vnd.ollama.image.model";

async function resolveOllama(source: SourceOf<"ollama">, context: SourceContext): Promise<PullPlan> {
  const { namespace, model, tag } = source;
  const repository = `/v2/${namespace}/${model}`;
  const url = new URL(`${repository}/manifests/${tag}`, context.ollama);
  const { value } = await context.client.json(url, { signal: context.signal, headers: { accept: manifestType } });
  const layers = parse(manifestSchema, value, url).layers.filter(({ mediaType }) => mediaType === modelLayer);
  const [layer] = layers;
  if (!layer || layers.length > 1) throw badResponse(url, `lists ${layers.length} models where one is expected`);
  const sha256 = /^sha256:([0-9a-f]{64})$/.exec(layer.digest)?.[1];
  if (sha256 === undefined) throw badResponse(url, "names its model by no SHA-256");
  const name = formatSource(source);
  const blob = new URL(`${repository}/blobs/${layer.digest}`, context.ollama);
  return { name, source: name, files: [{ url: blob, bytes: layer.size, sha256, validator: null }] };
}

async function resolveUrl(source: SourceOf<"url">, { client, signal }: SourceContext): Promise<PullPlan> {
  const { url, sha256 } = source;
  // One byte, as some servers answer HEAD otherwise than GET, and signed addresses are for GET alone.
  const { status, headers, allHeaders, body } = await client.get(url, { signal, headers: { range: "bytes=0-0" } });
  body.destroy();
  const length = status === 206 ? /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] : headers["content-length"];
  const bytes = length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : null;
  const linked = unquoted(allHeaders["x-linked-etag"]);
  const known = sha256 ?? (linked !== null && hash.safeParse(linked).success ? linked : null);
  const stem = decodeURIComponent(url.pathname.split("/").at(-1) ?? "").replace(/\.gguf$/i, "");
  const quantization = quantizationOf(stem);
  // `Qwen3-0.6B-Q4_K_M` as `Qwen3-0.6B:Q4_K_M`, like what comes from repositories.
  const base = quantization === null ? stem : stem.slice(0, Math.max(0, stem.length - quantization.length - 1));
  const isTail = quantization !== null && base !== "" && stem.toUpperCase().endsWith(quantization);
  const name = isTail ? `${toModelName(base)}:${quantization}` : toModelName(stem);
  return {
    name: checkModelName(name),
    source: formatSource(source),
    files: [{ url, bytes, sha256: known, validator: validatorOf(headers) }],
  };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, url: URL): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue ? ` at ${issue.path.join(".").slice(0, 80)}: ${issue.message}` : "";
  throw badResponse(url, `is not what it should be${where}`);
}
