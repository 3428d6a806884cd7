import assert from "node:assert/strict";
import { test } from "node:test";
import { HearthError } from "../../../src/base/errors.js";
import {
  checkModelName,
  checkRepositoryPath,
  folderOf,
  formatSource,
  isSameName,
  parseSource,
  toModelName,
} from "../../../src/store/model-names.js";
import { splitParts } from "../../../src/store/split-files.js";

const refused = (code: string) => (error: unknown) => error instanceof HearthError && error.code === code;

test("names that users and registries give are model names", () => {
  for (const name of ["qwen3:0.6b", "qwen3", "bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M", "a/b/c:d", "_x"]) {
    assert.equal(checkModelName(name), name);
  }
});

test("names that could leave the store, hide or confuse are refused", () => {
  const hostile = [
    "",
    ".",
    "..",
    "../etc/passwd",
    "a/../b",
    "a..b",
    "/etc/passwd",
    "a//b",
    "a/",
    "a/b/c/d",
    "a:b:c",
    "a b",
    "a\nb",
    "a\u0000b",
    "a\u202eb",
    "ä",
    "-rf",
    ".hidden",
    "a\\b",
    "C:\\x",
    "a@b",
    "a+b",
    "x".repeat(161),
  ];
  for (const name of hostile) assert.throws(() => checkModelName(name), refused("MODEL_NAME_INVALID"), name);
});

test("different names have different folders, but for case, and no folder is a path", () => {
  const names = ["a/b:c", "a/b", "a:b", "a-b:c", "a/b-c", "a/b.c", "A/B:C", "abc", "a_b"];
  const folders = names.map(folderOf);
  assert.equal(new Set(folders).size, names.length - 1);
  assert.equal(folderOf("A/B:C"), folderOf("a/b:c"));
  for (const folder of folders) assert.doesNotMatch(folder, /[/\\]|\.\.|^\./);
});

test("any text has a model name near it", () => {
  assert.equal(toModelName("stories260K"), "stories260K");
  assert.equal(toModelName("My model (final)!"), "My-model-final");
  assert.equal(toModelName("../../x"), "x");
  for (const text of ["", "...", "äöü", "x".repeat(999), "\u0000"]) checkModelName(toModelName(text));
});

test("case does not tell names apart, nor does the default tag", () => {
  assert.ok(isSameName("Qwen3", "qwen3:latest"));
  assert.ok(isSameName("qwen3:latest", "qwen3"));
  assert.ok(!isSameName("qwen3", "qwen3:0.6b"));
});

test("a source is of Hugging Face, of Ollama, or an address", () => {
  const source = (text: string) => {
    const { kind, ...rest } = parseSource(text);
    return { kind, ...rest, text: formatSource(parseSource(text)) };
  };
  assert.deepEqual(source("hf:unsloth/Qwen3-0.6B-GGUF"), {
    kind: "huggingface",
    owner: "unsloth",
    repo: "Qwen3-0.6B-GGUF",
    select: null,
    text: "hf:unsloth/Qwen3-0.6B-GGUF",
  });
  assert.equal(source("hf:a/b:Q4_K_M").text, "hf:a/b:Q4_K_M");
  assert.equal(source("hf.co/a/b:sub/x.gguf").text, "hf:a/b:sub/x.gguf");
  assert.equal(source("https://huggingface.co/a/b").text, "hf:a/b");
  assert.equal(source("https://huggingface.co/a/b/blob/main/x%20y.gguf").text, "hf:a/b:x y.gguf");
  assert.deepEqual(source("qwen3:0.6b"), {
    kind: "ollama",
    namespace: "library",
    model: "qwen3",
    tag: "0.6b",
    text: "qwen3:0.6b",
  });
  assert.equal(source("qwen3").text, "qwen3:latest");
  assert.equal(source("registry.ollama.ai/me/mine:1").text, "me/mine:1");
  const sha256 = "0123456789abcdef".repeat(4);
  const address = parseSource(`https://host/a.gguf?signature=secret#sha256=${sha256}`);
  assert.ok(address.kind === "url" && address.sha256 === sha256 && address.url.hash === "");
  assert.equal(formatSource(address), "https://host/a.gguf");
});

test("sources that traverse, hide, or carry credentials are refused", () => {
  const hostile = [
    "hf:a",
    "hf:a/b/c",
    "hf:../b",
    "hf:a/..",
    "hf:a/b:../x.gguf",
    "hf:a/b:/etc/passwd",
    "hf:a/b:x//y",
    "hf:a/b:x\\..\\y",
    "hf:a/b\n",
    "hf:a/b:\u202egguf.exe",
    "hf:a%2f..%2fb/c",
    "../x",
    "a/b/c:d",
    "evil.example/a/b",
    "a:b:c",
    "ftp://host/a.gguf",
    "file:///etc/passwd",
    "https://",
    "https://host/a.gguf#md5=0",
    `https://host/${"x".repeat(3000)}`,
    "qwen3:../../x",
  ];
  for (const text of hostile) assert.throws(() => parseSource(text), refused("MODEL_NAME_INVALID"), text);
  assert.throws(() => parseSource("https://me:secret@host/a.gguf"), refused("PULL_REFUSED"));
});

test("paths in repositories are plain", () => {
  assert.equal(checkRepositoryPath("Q4/x y.gguf"), "Q4/x y.gguf");
  for (const path of ["", "/x", "x/", "a/../b", ".", "a/./b", "a\\b", "a\u0007", "x".repeat(600)]) {
    assert.throws(() => checkRepositoryPath(path), refused("MODEL_NAME_INVALID"), path);
  }
});

test("the parts of a split file are known from the name of one", () => {
  assert.deepEqual(splitParts("m-00002-of-00003.gguf"), {
    stem: "m",
    names: ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"],
  });
  for (const name of ["m.gguf", "m-00000-of-00003.gguf", "m-00004-of-00003.gguf", "m-00001-of-99999.gguf"]) {
    assert.equal(splitParts(name), null, name);
  }
});
