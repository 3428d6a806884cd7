/** Chat templates that want all time or memory: each ends soon, as CHAT_TEMPLATE_FAILED. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatTemplate } from "../../src/chat/template.js";
import { processorMs } from "../helpers/processor-time.js";

const hostile: Record<string, string> = {
  "nested loops": "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
  "texts that are kept":
    "{% set ns = namespace(s='aaaaaaaaaaaaaaaa', l=[]) %}{% for i in range(19) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}" +
    "{% for i in range(100000) %}{% set ns.l = [ns.l, ns.s|upper] %}{% endfor %}",
  "a repeated text": "{{ 'a' * 10**9 }}",
  "a repeated list": "{{ [1] * 10**9 }}",
  "a wide indent": "{{ 'a\\nb'|indent(10**9) }}",
  "many wide indents": "{{ ('a\\n' * 100000)|indent(100000) }}",
  "a wide directive": "{{ '%999999999d' % 1 }}",
  "a wide field": "{{ '{:999999999}'.format(1) }}",
  "a precise directive": "{{ '%.999999999f' % 1.5 }}",
  "a wide center": "{{ 'a'|center(10**9) }}",
  "wide tabs": "{{ ('\\t' * 10).expandtabs(10**9) }}",
  "many zeros": "{{ '1'.zfill(10**9) }}",
  replacements: "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
  "replacements of nothing": "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
  joins: "{{ ('a' * 100000)|join('b' * 100000) }}",
  "large powers": "{{ 10 ** (10 ** 10) }}",
  "large products":
    "{% set ns = namespace(x=10**1000) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
  "a large range": "{{ range(10**9)|list }}",
  "macros without end": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
  "callers without end": "{% macro m() %}{% call m() %}x{% endcall %}{% endmacro %}{{ m() }}",
  "blocks without end": "{% block a %}{{ self.a() }}{% endblock %}",
  "recursive loops without end": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
  "lists that double":
    "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
  "lists that contain themselves twice":
    "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
  "lists of that kind compared":
    "{% set a = namespace(l=[1]) %}{% set b = namespace(l=[1]) %}{% for i in range(99) %}{% set a.l = [a.l, a.l] %}" +
    "{% set b.l = [b.l, b.l] %}{% endfor %}{{ a.l == b.l }}",
  "lists of that kind as JSON":
    "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
  "lists as deep as the stack":
    "{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
  "maps of maps": `{{ range(100000)${"|map('string')|map('upper')".repeat(60)}|list }}`,
  "wide JSON": "{{ [[1]]|tojson(indent=10**9) }}",
  parentheses: `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`,
  brackets: `{{ ${"[".repeat(50_000)} }}`,
  negations: `{{ ${"not ".repeat(50_000)}1 }}`,
  signs: `{{ ${"-".repeat(50_000)}1 }}`,
  sums: `{{ ${"1 + ".repeat(50_000)}1 }}`,
  statements: "{% if true %}".repeat(20_000),
  "a source that is too long": "x".repeat(1 << 20),
  batches: "{{ [1]|batch(10**9, 0)|list }}",
  slices: "{{ [1]|slice(10**9)|list }}",
  paragraphs: "{{ lipsum(10**9) }}",
};

for (const [name, source] of Object.entries(hostile)) {
  test(`a template is stopped soon: ${name}`, () => {
    const started = performance.now();
    assert.throws(() => new ChatTemplate(source).render({ messages: [] }), { code: "CHAT_TEMPLATE_FAILED" });
    // Its own limit is two seconds; the rest is for a busy machine.
    assert.ok(performance.now() - started < 5_000, `${Math.round(performance.now() - started)} ms`);
  });
}

test("expressions that search stay linear: long words without spaces take no long time", () => {
  const args = { text: "a-".repeat(100_000), plain: "a".repeat(300_000), angle: "<".repeat(200_000) };
  const source =
    "{{ (plain|wordwrap(10)|length) + (plain|urlize|length) + (angle|striptags|length) + (text|title|length) }}";
  const took = processorMs(() => assert.match(new ChatTemplate(source).render(args), /^\d+$/));
  assert.ok(took < 8_000, `${took} ms`);
});
