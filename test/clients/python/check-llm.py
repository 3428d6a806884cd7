"""The command `llm`, with models of OpenAI's protocol and with its plugin for Ollama."""

import json
import pathlib

from checks import *
from commands import HOME, command

folder = pathlib.Path(HOME)
entry = {"api_base": f"{URL}/v1", "supports_schema": True, "supports_tools": True}
models = [{"model_id": "hearth", "model_name": MODEL, **entry}, {"model_id": "none", "model_name": UNKNOWN_MODEL, **entry}]
(folder / "extra-openai-models.yaml").write_text(json.dumps(models))  # which is YAML too
(folder / "tool.py").write_text('def HassTurnOn(name: str) -> str:\n    """Turns on a device"""\n    return "done"\n')


def llm(*args, **rest):
    env = {"LLM_USER_PATH": HOME, "OLLAMA_HOST": URL, "OPENAI_API_KEY": "none"}
    return command("llm", *args, env=env, **rest)


settings = ["-o", "temperature", "0", "-o", "max_tokens", str(MAX_TOKENS)]


@check("prompt, streamed")
def _():
    assert_text(llm("-m", "hearth", *settings, SCENARIO["question"]))


@check("prompt, not streamed")
def _():
    assert_text(llm("-m", "hearth", *settings, "--no-stream", SCENARIO["question"]))


@check("conversation")
def _():
    assert_text(llm("-m", "hearth", *settings, "-c", "And what can you do?"))


@check("schema")
def _():
    schema = json.dumps(SCENARIO["schema"])
    assert_city(json.loads(llm("-m", "hearth", *settings, "--no-stream", "--schema", schema, SCENARIO["wish"])))


@check("tools")
def _():
    tool = ["--functions", str(folder / "tool.py"), "--td", "--chain-limit", "2"]
    # Some models call again and again, which the command says with its status; one round is what is promised.
    told = llm("-m", "hearth", *settings, *tool, "-s", SCENARIO["instructions"], SCENARIO["order"], fails=None)
    assert "Tool call: HassTurnOn" in told, told


@check("an unknown model")
def _():
    assert_unknown_model(llm("-m", "none", "Hello", fails=True))


@check("plugin for Ollama: models")
def _():
    assert MODEL in llm("ollama", "models")


@check("plugin for Ollama: prompt")
def _():
    options = ["-o", "temperature", "0", "-o", "num_predict", str(MAX_TOKENS)]
    assert_text(llm("-m", f"ollama/{MODEL}", *options, SCENARIO["question"]))
