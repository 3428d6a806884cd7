"""The command `aider`: one order about one file."""

import pathlib

from checks import *
from commands import HOME, command

source = pathlib.Path(HOME) / "greet.py"
quiet = "--no-git --yes-always --no-check-update --no-analytics --no-show-model-warnings --no-show-release-notes".split()
plain = "--no-pretty --no-auto-lint --no-suggest-shell-commands --no-gitignore --map-tokens 0 --edit-format whole".split()


def aider(model, *args):
    env = {"OPENAI_API_BASE": f"{URL}/v1", "OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    source.write_text('def hello():\n    print("hi")\n')
    order = ["--message", "Change hi to hello in greet.py", "greet.py"]
    return command("aider", "--model", f"openai/{model}", *quiet, *plain, *args, *order, env=env)


for way in ("--stream", "--no-stream"):

    @check(f"an order, {way}")
    def _():
        printed = aider(MODEL, way)
        assert "received" in printed, printed[-400:]
        if "hello" not in source.read_text().partition("print")[2]:
            raise Skip("it was answered, and the model is too small to edit a file")


@check("an unknown model")
def _():
    assert_unknown_model(aider(UNKNOWN_MODEL))
