/**
 * Names of models in the store, and of what can be pulled into it. Whatever becomes part of a path or an address is checked
 * here, by patterns that leave no room for traversal. Pure.
 */
import { HearthError } from "../base/errors.js";

const longestName = 160;
const longestSource = 2048;
const longestPath = 512;

const segment = "[A-Za-z0-9_][A-Za-z0-9._-]*";
const namePattern = new RegExp(`^${segment}(?:/${segment}){0,2}(?::${segment})?$`);
const segmentPattern = new RegExp(`^${segment}$`);

/** The tag of an Ollama name that names none. */
export const defaultTag = "latest";

export type PullSource =
  | { readonly kind: "huggingface"; readonly owner: string; readonly repo: string; readonly select: string | null }
  | { readonly kind: "ollama"; readonly namespace: string; readonly model: string; readonly tag: string }
  | { readonly kind: "url"; readonly url: URL; readonly sha256: string | null };

/** `text` as the name of a model; MODEL_NAME_INVALID when it cannot be one. */
export function checkModelName(text: string): string {
  if (text.length > longestName || text.includes("..") || !namePattern.test(text)) {
    throw invalid(`${quote(text)} is no model name.`);
  }
  return text;
}

/** The nearest model name to a text of unknown origin, such as a file's stem. */
export function toModelName(text: string): string {
  const clean = text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/\.{2,}/g, ".")
    .replace(/^[.-]+|[.-]+$/g, "")
    .slice(0, longestName / 2);
  return clean === "" ? "model" : clean;
}

/** The folder of a model: different names have different ones, but for upper and lower case, which do not count. */
export function folderOf(name: string): string {
  return checkModelName(name).toLowerCase().replaceAll("/", "+").replace(":", "@");
}

/** Whether a client's `asked` means the model `name`: case does not count, nor does a missing tag where it is the default. */
export function isSameName(asked: string, name: string): boolean {
  const [a, b] = [asked.toLowerCase(), name.toLowerCase()];
  return a === b || `${a}:${defaultTag}` === b || a === `${b}:${defaultTag}`;
}

/**
 * `hf:owner/repo[:file or quant]`, an http(s) address with an optional `#sha256=HEX`, or `[namespace/]model[:tag]` of
 * Ollama's library. MODEL_NAME_INVALID when it is none of these.
 */
export function parseSource(text: string): PullSource {
  if (text.length > longestSource || hasControls(text)) throw invalid(`${quote(text)} is no source of a model.`);
  if (/^https?:\/\//i.test(text)) return parseAddress(text);
  const huggingFace = /^(?:hf:|hf\.co\/|huggingface\.co\/)(.*)$/i.exec(text)?.[1];
  return huggingFace === undefined ? parseOllama(text) : parseHuggingFace(huggingFace, text);
}

/** The source in the form that `parseSource` takes. Without an address's query, which may hold a credential. */
export function formatSource(source: PullSource): string {
  if (source.kind === "url") return withoutQuery(source.url);
  if (source.kind === "huggingface") {
    return `hf:${source.owner}/${source.repo}${source.select === null ? "" : `:${source.select}`}`;
  }
  const { namespace, model, tag } = source;
  return `${namespace === "library" ? "" : `${namespace}/`}${model}:${tag}`;
}

/** An address that may be shown: queries of signed addresses are credentials. */
export function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** A path within a repository of others; MODEL_NAME_INVALID when it leaves it or is no plain path. */
export function checkRepositoryPath(path: string): string {
  const parts = path.split("/");
  const plain = parts.every((part) => !/^\.{0,2}$|\\/.test(part));
  if (!plain || path.length > longestPath || hasControls(path)) throw invalid(`${quote(path)} is no path of a file.`);
  return path;
}

function parseAddress(text: string): PullSource {
  if (!URL.canParse(text)) throw invalid(`${quote(text)} is no address.`);
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    throw new HearthError("PULL_REFUSED", "The address holds a user name or password, which would end up in logs.");
  }
  const page = /^\/([^/]+)\/([^/]+)(?:\/(?:blob|resolve)\/main\/(.+))?\/?$/.exec(url.pathname);
  if (page && ["huggingface.co", "hf.co"].includes(url.host)) {
    const path = page[3] === undefined ? "" : `:${decode(page[3], text)}`;
    return parseHuggingFace(`${page[1]}/${page[2]}${path}`, text);
  }
  const fragment = url.hash.slice(1);
  const sha256 = /^sha256=([0-9a-f]{64})$/i.exec(fragment)?.[1]?.toLowerCase() ?? null;
  if (fragment !== "" && sha256 === null)
    throw invalid(`"#${fragment.slice(0, 80)}" is not #sha256= and 64 hex digits.`);
  url.hash = "";
  return { kind: "url", url, sha256 };
}

function parseHuggingFace(text: string, whole: string): PullSource {
  const match = /^([^/:]+)\/([^/:]+)(?::(.+))?$/.exec(text);
  const [owner = "", repo = "", select] = match?.slice(1) ?? [];
  if (!segmentPattern.test(owner) || !segmentPattern.test(repo) || `${owner}${repo}`.includes("..")) {
    throw invalid(`${quote(whole)} is not hf:owner/repo or hf:owner/repo:file.`);
  }
  return { kind: "huggingface", owner, repo, select: select === undefined ? null : checkRepositoryPath(select) };
}

function parseOllama(text: string): PullSource {
  const match = /^(?:ollama:)?(?:registry\.ollama\.ai\/)?(?:([^/:]+)\/)?([^/:]+)(?::([^/:]+))?$/.exec(text);
  const [namespace = "library", model = "", tag = defaultTag] = match?.slice(1) ?? [];
  if (![namespace, model, tag].every((part) => segmentPattern.test(part) && !part.includes(".."))) {
    throw invalid(`${quote(text)} is no source of a model.`);
  }
  checkModelName(`${namespace}/${model}:${tag}`);
  return { kind: "ollama", namespace, model, tag };
}

function decode(path: string, whole: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(`${quote(whole)} is no address.`);
  }
}

function hasControls(text: string): boolean {
  return /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u.test(text);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

function invalid(message: string): HearthError {
  return new HearthError("MODEL_NAME_INVALID", message, { param: "model" });
}
