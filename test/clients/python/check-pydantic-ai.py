"""pydantic-ai with OpenAI's chat completions and responses."""

from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits

from checks import *
from city import City

provider = OpenAIProvider(base_url=f"{URL}/v1", api_key="none")
settings = {"temperature": 0, "max_tokens": MAX_TOKENS}


for protocol, kind in (("chat", OpenAIChatModel), ("responses", OpenAIResponsesModel)):
    model = kind(MODEL, provider=provider)

    @check(f"{protocol}: run")
    def _():
        result = Agent(model, model_settings=settings).run_sync(SCENARIO["question"])
        assert_text(result.output)

    @check(f"{protocol}: run, streamed")
    async def _():
        async with Agent(model, model_settings=settings).run_stream(SCENARIO["question"]) as result:
            assert_text("".join([delta async for delta in result.stream_text(delta=True)]))

    @check(f"{protocol}: tools")
    async def _():
        agent = Agent(model, model_settings=settings, instructions=SCENARIO["instructions"])
        ran = []

        @agent.tool_plain
        def HassTurnOn(name: str) -> str:
            """Turns on a device"""
            ran.append(name)
            return SCENARIO["result"]

        # Some models call again and again; one round is what is promised.
        async with agent.iter(SCENARIO["order"], usage_limits=UsageLimits(request_limit=8)) as run:
            async for _ in run:
                if len(run.ctx.state.message_history) > 3:
                    break
        assert_ordered_call(TOOL["name"], {"name": ran[0]})

    for way in (NativeOutput, ToolOutput):

        @check(f"{protocol}: {way.__name__}")
        def _():
            result = Agent(model, model_settings=settings, output_type=way(City), retries=0).run_sync(SCENARIO["wish"])
            assert result.output.city

    @check(f"{protocol}: an unknown model")
    def _():
        agent = Agent(kind(UNKNOWN_MODEL, provider=provider))
        assert_unknown_model(refused(lambda: agent.run_sync("Hello")))
