"""LangChain with its package for OpenAI."""

from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from checks import MAX_TOKENS, MODEL, URL
from langchain_checks import check_langchain

settings = {"base_url": f"{URL}/v1", "api_key": "none", "max_retries": 0}

check_langchain(
    lambda name: ChatOpenAI(model=name, temperature=0, max_tokens=MAX_TOKENS, **settings),
    # The default cuts texts with OpenAI's own tokenizer, which it would download.
    OpenAIEmbeddings(model=MODEL, check_embedding_ctx_length=False, **settings),
    ["json_schema", "function_calling"],
)
