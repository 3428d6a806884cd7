"""What Jinja2 renders with the settings of transformers: a JSON array of {source, args, now?} to one of {text} or {error}.

Run with a Python that has jinja2: `python3 oracle.py < cases.json`.
"""

import datetime
import json
import sys
import warnings

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """The tag around what the assistant says; it changes nothing of the text."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

    def _said(self, caller):
        return caller()


def environment(now):
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    result = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = lambda form: now.strftime(form)
    return result


def render(case):
    now = datetime.datetime.fromisoformat(case.get("now", "2026-11-23T09:30:00"))
    try:
        return {"text": environment(now).from_string(case["source"]).render(**case.get("args", {}))}
    except Exception as error:
        return {"error": str(error).split("\n")[0], "type": type(error).__name__}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump([render(case) for case in json.load(sys.stdin)], sys.stdout)
