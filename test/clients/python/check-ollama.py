"""The PyPI client `ollama`: chat, generate, embed, and what it asks of models."""

import json

import ollama

from checks import *

client = ollama.Client(host=URL)
options = {"temperature": 0, "num_predict": MAX_TOKENS}
question = [{"role": "user", "content": SCENARIO["question"]}]


@check("chat")
def _():
    answer = client.chat(MODEL, question, options=options)
    assert_text(answer.message.content)
    assert answer.eval_count > 0


@check("chat, streamed")
def _():
    parts = list(client.chat(MODEL, question, options=options, stream=True))
    assert_text("".join(part.message.content for part in parts))
    assert parts[-1].done


@check("chat, asynchronous")
async def _():
    answer = await ollama.AsyncClient(host=URL).chat(MODEL, question, options=options)
    assert_text(answer.message.content)


@check("chat, a function as a tool")
def _():
    def HassTurnOn(name: str) -> str:
        """Turns on a device

        Args:
            name: Name of the device
        """
        return SCENARIO["result"]

    messages = [
        {"role": "system", "content": SCENARIO["instructions"]},
        {"role": "user", "content": SCENARIO["order"]},
    ]
    asked = client.chat(MODEL, messages, tools=[HassTurnOn], options=options).message
    call = asked.tool_calls[0].function
    assert_ordered_call(call.name, call.arguments)
    result = {"role": "tool", "tool_name": call.name, "content": HassTurnOn(**call.arguments)}
    told = client.chat(MODEL, [*messages, asked, result], tools=[HassTurnOn], options=options).message
    assert told.content or told.tool_calls


@check("chat, JSON schema")
def _():
    messages = [{"role": "user", "content": SCENARIO["wish"]}]
    assert_city(json.loads(client.chat(MODEL, messages, options=options, format=SCENARIO["schema"]).message.content))


@check("generate, streamed")
def _():
    parts = list(client.generate(MODEL, SCENARIO["question"], options=options, stream=True))
    assert_text("".join(part.response for part in parts))


@check("embed")
def _():
    assert_embeddings(client.embed(MODEL, SCENARIO["texts"]).embeddings)


@check("models")
def _():
    assert MODEL in [each.model.removesuffix(":latest") for each in client.list().models]
    assert "completion" in client.show(MODEL).capabilities
    assert MODEL in [each.model.removesuffix(":latest") for each in client.ps().models]


@check("an unknown model")
def _():
    error = refused(lambda: client.chat(UNKNOWN_MODEL, question), ollama.ResponseError)
    assert error.status_code == 404
    assert_unknown_model(error)


@check("images")
def _():
    messages = [{"role": "user", "content": "What is that?", "images": [SCENARIO["image"]]}]
    error = refused(lambda: client.chat(MODEL, messages, options=options), ollama.ResponseError)
    assert "image" in str(error).lower()
    raise Skip(f"hearth reads text only, and says so: {error}")
