"""Writes expectations.json: what Jinja2 makes of the sources in sources.json. Run it with a Python that has jinja2."""

import json
import pathlib

import oracle

here = pathlib.Path(__file__).parent
given = json.loads((here / "sources.json").read_text())
cases = []
for source in given["sources"]:
    result = oracle.render({"source": source, "args": given["args"]})
    cases.append({"source": source, **({"text": result["text"]} if "text" in result else {"error": result["error"]})})
(here / "expectations.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")
