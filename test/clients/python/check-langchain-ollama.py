"""LangChain with its package for Ollama."""

from langchain_ollama import ChatOllama, OllamaEmbeddings

from checks import MAX_TOKENS, MODEL, URL
from langchain_checks import check_langchain

check_langchain(
    lambda name: ChatOllama(model=name, base_url=URL, temperature=0, num_predict=MAX_TOKENS),
    OllamaEmbeddings(model=MODEL, base_url=URL),
    # Not function_calling: Ollama's protocol cannot require a call, so that it is up to the model.
    ["json_schema"],
)
