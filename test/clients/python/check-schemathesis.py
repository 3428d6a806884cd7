"""schemathesis: requests made of /openapi.json, right ones and wrong ones, on every route that can be described whole."""

import re

from checks import *
from commands import command

# A pull, and a model made of one that is not here, ask a registry. A file's name is the hash of its bytes, which no description says.
elsewhere = ["--exclude-path-regex", "^/api/(pull|create|blobs)"]
bounds = ["--max-examples", "20", "--max-time", "100", "--request-timeout", "30", "--seed", "1", "--continue-on-failure"]


@check("what the description says holds")
def _():
    printed = command(
        "schemathesis", "run", f"{URL}/openapi.json", "--phases", "examples,coverage,fuzzing", *elsewhere, *bounds,
        limit_s=280, fails=None,
    )
    found = re.findall(r"❌ (ST\d+ .*)", printed)
    assert not found, "; ".join(found)
