"""What the clients of PyPI are asked, and how a check says its outcome: one line of JSON each. Knows no client."""

import asyncio
import inspect
import json
import math
import os
import pathlib
import signal
import sys
import traceback

URL = os.environ["HEARTH_URL"]  # without a slash at the end
MODEL = os.environ["HEARTH_MODEL"]
UNKNOWN_MODEL = "no-such-model"
SCENARIO = json.loads((pathlib.Path(__file__).parent.parent / "scenario.json").read_text())
TOOL = SCENARIO["tool"]
MAX_TOKENS = 100  # enough for a small model's sentence, or an object of the scenario

CHECK_LIMIT_S = 120


class Skip(Exception):
    """Its text says why a check was skipped."""


def say(name, outcome, detail=""):
    print(json.dumps({"check": name, "outcome": outcome, "detail": detail}), flush=True)


def late(*_):
    raise TimeoutError(f"no end within {CHECK_LIMIT_S} s")


def check(name):
    """Runs the decorated function as one check; a failed one does not keep the next from running."""

    def run(body):
        signal.signal(signal.SIGALRM, late)
        signal.alarm(CHECK_LIMIT_S)
        try:
            result = body()
            if inspect.isawaitable(result):
                asyncio.run(result)
            say(name, "passed")
        except Skip as why:
            say(name, "skipped", str(why))
        except BaseException as error:  # what a client raises is not always an Exception
            traceback.print_exc(file=sys.stderr)
            say(name, "failed", f"{type(error).__name__}: {error}")
        finally:
            signal.alarm(0)
        return body

    return run


def assert_text(text):
    assert isinstance(text, str) and text.strip(), f"the answer is empty: {text!r}"


def assert_ordered_call(name, args):
    """`args`: parsed."""
    assert name == TOOL["name"], name
    assert "kitchen" in str(args["name"]).lower(), args


def assert_city(value):
    """`value`: parsed."""
    assert list(value) == ["city", "inhabitants"], value
    assert isinstance(value["city"], str) and isinstance(value["inhabitants"], int), value


def assert_embeddings(vectors):
    assert len(vectors) == len(SCENARIO["texts"])
    for vector in vectors:
        assert len(vector) == len(vectors[0])
        assert abs(math.hypot(*vector) - 1) < 1e-3, "an embedding's length is not 1"


def assert_unknown_model(error):
    """That a client's error carries hearth's own sentence, which names the model."""
    assert UNKNOWN_MODEL in str(error), f"the error does not name the model: {error}"


def refused(ask, kind=Exception):
    """The error that `ask` raises."""
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError("no error")
