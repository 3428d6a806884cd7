/** Templates render as in Jinja2 with the settings of transformers: expressions, published templates and cases of our own. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { type JsonValue, readJson } from "../../src/chat/jinja/json-reader.js";
import { ChatTemplate, TemplateRefusal } from "../../src/chat/template.js";
import { missing, root, shared } from "../helpers/shared.js";

const now = () => new Date(2026, 10, 23, 9, 30);
type Arguments = ReadonlyMap<string, JsonValue>;

const read = (file: string) => readJson(readFileSync(file, "utf8")) as Map<string, JsonValue>;

/** The text, or null for an error. */
function rendered(source: string, args: Arguments): { text: string | null; error: string } {
  try {
    return { text: new ChatTemplate(source, { now }).render(args), error: "" };
  } catch (error) {
    return { text: null, error: error instanceof TemplateRefusal ? error.reason : (error as Error).message };
  }
}

const text = (value: JsonValue | undefined): string | null => (typeof value === "string" ? value : null);

test("expressions render as in Jinja2", { skip: missing("golden/jinja") }, () => {
  const given = read(shared("golden/jinja/expressions.json"));
  const cases = given.get("cases") as Map<string, JsonValue>[];
  assert.ok(cases.length >= 50);
  for (const each of cases) {
    const source = text(each.get("source")) ?? "";
    const args = given.get(text(each.get("args")) ?? "") as Arguments;
    assert.equal(rendered(source, args).text, text(each.get("expect")), source);
  }
});

test("published templates render hard cases as in Jinja2, and refuse with its words", {
  skip: missing("golden/jinja"),
}, () => {
  for (const [name, cases] of read(shared("golden/jinja/templates.json"))) {
    const source = readFileSync(shared(`golden/template/${name}.jinja`), "utf8");
    for (const each of cases as Map<string, JsonValue>[]) {
      const result = rendered(source, each.get("args") as Arguments);
      assert.equal(result.text, text(each.get("expect")), `${name} ${text(each.get("name"))}`);
      if (result.text === null) assert.equal(result.error, text(each.get("error")));
    }
  }
});

test("sources of our own render as Jinja2 has rendered them (jinja/generate.py)", () => {
  const folder = path.join(root, "test", "jinja");
  const args = read(path.join(folder, "sources.json")).get("args") as Arguments;
  const cases = read(path.join(folder, "expectations.json")) as unknown as Map<string, JsonValue>[];
  assert.ok(cases.length > 200);
  for (const each of cases) {
    const source = text(each.get("source")) ?? "";
    assert.equal(rendered(source, args).text, text(each.get("text")), source);
  }
});
