"""What LangChain does with any chat model and any embeddings."""

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool

from checks import *


@tool
def HassTurnOn(name: str) -> str:
    """Turns on a device"""
    return SCENARIO["result"]


def check_langchain(make, embeddings, methods):
    """`make`: from a model's name to a chat model. `embeddings`: one of LangChain's. `methods` of structured output."""
    chat = make(MODEL)

    @check("invoke")
    def _():
        answer = chat.invoke(SCENARIO["question"])
        assert_text(answer.content)
        assert answer.usage_metadata["output_tokens"] > 0

    @check("stream")
    def _():
        assert_text("".join(chunk.content for chunk in chat.stream(SCENARIO["question"])))

    @check("asynchronous")
    async def _():
        assert_text((await chat.ainvoke(SCENARIO["question"])).content)

    @check("tools")
    def _():
        asked = chat.bind_tools([HassTurnOn]).invoke(
            [SystemMessage(SCENARIO["instructions"]), HumanMessage(SCENARIO["order"])]
        )
        assert_ordered_call(asked.tool_calls[0]["name"], asked.tool_calls[0]["args"])

    @check("an agent with a tool")
    def _():
        agent = create_agent(chat, [HassTurnOn], system_prompt=SCENARIO["instructions"])
        seen = []
        order = {"messages": [HumanMessage(SCENARIO["order"])]}
        # Some models call again and again; one round is what is promised.
        for state in agent.stream(order, stream_mode="values", config={"recursion_limit": 12}):
            seen = state["messages"]
            if len(seen) > 3:
                break
        assert [message.type for message in seen[:4]] == ["human", "ai", "tool", "ai"], seen
        assert seen[2].content == SCENARIO["result"]

    for method in methods:

        @check(f"structured output by {method}")
        def _():
            schema = {"title": "city", "description": "A city", **SCENARIO["schema"]}
            assert_city(chat.with_structured_output(schema, method=method).invoke(SCENARIO["wish"]))

    @check("embeddings")
    def _():
        assert_embeddings(embeddings.embed_documents(SCENARIO["texts"]))

    @check("an unknown model")
    def _():
        assert_unknown_model(refused(lambda: make(UNKNOWN_MODEL).invoke("Hello")))
