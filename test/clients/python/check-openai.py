"""The PyPI client `openai`: chat completions, responses, embeddings and models."""

import json

import openai

from checks import *
from city import City

client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
settings = {"model": MODEL, "temperature": 0, "max_tokens": MAX_TOKENS}
response_settings = {"model": MODEL, "temperature": 0, "max_output_tokens": MAX_TOKENS}
question = [{"role": "user", "content": SCENARIO["question"]}]


@check("chat")
def _():
    answer = client.chat.completions.create(messages=question, **settings)
    assert_text(answer.choices[0].message.content)
    assert answer.usage.completion_tokens > 0


@check("chat, streamed")
def _():
    with client.chat.completions.stream(messages=question, **settings) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        assert "".join(deltas) == stream.get_final_completion().choices[0].message.content
    assert_text("".join(deltas))


@check("chat, asynchronous, streamed")
async def _():
    async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="none") as other:
        stream = await other.chat.completions.create(
            messages=question, stream=True, stream_options={"include_usage": True}, **settings
        )
        chunks = [chunk async for chunk in stream]
    assert_text("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
    assert chunks[-1].usage.completion_tokens > 0


@check("chat, tools")
def _():
    tools = [{"type": "function", "function": TOOL}]
    messages = [
        {"role": "system", "content": SCENARIO["instructions"]},
        {"role": "user", "content": SCENARIO["order"]},
    ]
    asked = client.chat.completions.create(messages=messages, tools=tools, **settings).choices[0]
    assert asked.finish_reason == "tool_calls"
    call = asked.message.tool_calls[0]
    assert_ordered_call(call.function.name, json.loads(call.function.arguments))
    result = {"role": "tool", "tool_call_id": call.id, "content": SCENARIO["result"]}
    told = client.chat.completions.create(messages=[*messages, asked.message, result], tools=tools, **settings)
    assert told.choices[0].message.content or told.choices[0].message.tool_calls


@check("chat, parsed into a class")
def _():
    messages = [{"role": "user", "content": SCENARIO["wish"]}]
    answer = client.chat.completions.parse(messages=messages, response_format=City, **settings)
    assert answer.choices[0].message.parsed.city


@check("responses, streamed")
def _():
    with client.responses.stream(input=SCENARIO["question"], **response_settings) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert "".join(deltas) == stream.get_final_response().output_text
    assert_text("".join(deltas))


@check("responses, tools, with a previous one")
def _():
    tools = [{"type": "function", "strict": False, **TOOL}]
    rest = {"instructions": SCENARIO["instructions"], "tools": tools, **response_settings}
    asked = client.responses.create(input=SCENARIO["order"], **rest)
    call = next(item for item in asked.output if item.type == "function_call")
    assert_ordered_call(call.name, json.loads(call.arguments))
    result = {"type": "function_call_output", "call_id": call.call_id, "output": SCENARIO["result"]}
    told = client.responses.create(input=[result], previous_response_id=asked.id, **rest)
    assert told.output


@check("responses, parsed into a class")
def _():
    answer = client.responses.parse(input=SCENARIO["wish"], text_format=City, **response_settings)
    assert answer.output_parsed.city


@check("completions")
def _():
    answer = client.completions.create(prompt="Once upon a time", model=MODEL, max_tokens=8, temperature=0)
    assert_text(answer.choices[0].text)


@check("embeddings")
def _():
    data = client.embeddings.create(model=MODEL, input=SCENARIO["texts"]).data
    assert_embeddings([each.embedding for each in data])


@check("models")
def _():
    assert MODEL in [each.id for each in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL


@check("an unknown model")
def _():
    other = {**settings, "model": UNKNOWN_MODEL}
    assert_unknown_model(
        refused(lambda: client.chat.completions.create(messages=question, **other), openai.NotFoundError)
    )


@check("images")
def _():
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{SCENARIO['image']}"}}
    messages = [{"role": "user", "content": [part]}]
    error = refused(lambda: client.chat.completions.create(messages=messages, **settings), openai.BadRequestError)
    raise Skip(f"hearth reads text only, and says so: {error}")
