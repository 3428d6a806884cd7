import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatTemplate, type TemplateLimits, templateLimits } from "../../../src/chat/template.js";

test("a template's refusal and its mistakes are errors that say why", () => {
  const failed = (message: RegExp) => ({ code: "CHAT_TEMPLATE_FAILED", message });
  assert.throws(() => new ChatTemplate("{% if %}"), failed(/cannot be parsed/));
  assert.throws(
    () => new ChatTemplate("{{ raise_exception('Roles must alternate.') }}").render({}),
    failed(/refused the messages: Roles must alternate\.$/),
  );
  assert.throws(() => new ChatTemplate("{{ nothing() }}").render({}), failed(/refused/));
});

test("a template that runs for ever, or writes too much, is stopped", () => {
  const loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
  const started = performance.now();
  const hasty = new ChatTemplate(loop, { limits: { ...templateLimits, steps: 1_000_000_000, timeoutMs: 100 } });
  assert.throws(() => hasty.render({}), { code: "CHAT_TEMPLATE_FAILED", message: /did not end within 100 ms/ });
  assert.ok(performance.now() - started < 5_000);
  const failing = (source: string, limits: Partial<TemplateLimits>, message: RegExp) => {
    const template = new ChatTemplate(source, { limits: { ...templateLimits, ...limits } });
    assert.throws(() => template.render({}), { code: "CHAT_TEMPLATE_FAILED", message });
  };
  failing("12345678901234567", { outputChars: 16 }, /text of more than 16/);
  failing("{% for a in range(1000) %}{{ a }}{% endfor %}", { steps: 500 }, /took more than 500 steps/);
  failing("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {}, /called itself more than/);
  const doubling = "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
  failing(doubling, {}, /text of more than/);
  assert.throws(() => new ChatTemplate("{{ range(1000000000) }}").render({}), /Range too big/);
  assert.equal(new ChatTemplate("{{ range(3) | list }}{{ range(5, 1, -2) | list }}").render({}), "[0, 1, 2][5, 3]");
});

test("dates are written in English, as Python writes them", () => {
  const template = new ChatTemplate("{{ strftime_now('%A %a %d %B %b %Y %y %H:%M:%S %I %p %m %% %q') }}", {
    now: () => new Date(2026, 2, 5, 0, 7, 9),
  });
  assert.equal(template.render({}), "Thursday Thu 05 March Mar 2026 26 00:07:09 12 AM 03 % %q");
});
