"""What LiteLLM does with any provider."""

import json

import litellm

from checks import *


def check_litellm(provider, base):
    """`provider`: LiteLLM's name of it. `base`: the address that this provider takes."""
    settings = {"api_base": base, "api_key": "none", "temperature": 0, "max_tokens": MAX_TOKENS, "num_retries": 0}
    model = f"{provider}/{MODEL}"
    question = [{"role": "user", "content": SCENARIO["question"]}]

    @check("completion")
    def _():
        answer = litellm.completion(model, question, **settings)
        assert_text(answer.choices[0].message.content)
        assert answer.usage.completion_tokens > 0

    @check("completion, streamed")
    def _():
        chunks = list(litellm.completion(model, question, stream=True, **settings))
        assert_text("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
        assert chunks[-1].choices[0].finish_reason in ("stop", "length")

    @check("completion, asynchronous")
    async def _():
        answer = await litellm.acompletion(model, question, **settings)
        assert_text(answer.choices[0].message.content)

    tools = [{"type": "function", "function": TOOL}]
    messages = [
        {"role": "system", "content": SCENARIO["instructions"]},
        {"role": "user", "content": SCENARIO["order"]},
    ]

    @check("tools")
    def _():
        asked = litellm.completion(model, messages, tools=tools, **settings).choices[0].message
        call = asked.tool_calls[0]
        assert_ordered_call(call.function.name, json.loads(call.function.arguments))
        result = {"role": "tool", "tool_call_id": call.id, "name": TOOL["name"], "content": SCENARIO["result"]}
        told = litellm.completion(model, [*messages, asked, result], tools=tools, **settings).choices[0].message
        assert told.content or told.tool_calls

    @check("tools, streamed")
    def _():
        chunks = list(litellm.completion(model, messages, tools=tools, stream=True, **settings))
        call = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls[0]
        assert_ordered_call(call.function.name, json.loads(call.function.arguments))

    @check("JSON schema")
    def _():
        schema = {"name": "city", "strict": True, "schema": SCENARIO["schema"]}
        wish = [{"role": "user", "content": SCENARIO["wish"]}]
        response_format = {"type": "json_schema", "json_schema": schema}
        answer = litellm.completion(model, wish, response_format=response_format, **settings)
        assert_city(json.loads(answer.choices[0].message.content))

    @check("an unknown model")
    def _():
        assert_unknown_model(refused(lambda: litellm.completion(f"{provider}/{UNKNOWN_MODEL}", question, **settings)))

    embedder = f"{provider.removesuffix('_chat')}/{MODEL}"

    @check("embedding")
    def _():
        data = litellm.embedding(embedder, SCENARIO["texts"], api_base=base, api_key="none").data
        assert_embeddings([each["embedding"] for each in data])
