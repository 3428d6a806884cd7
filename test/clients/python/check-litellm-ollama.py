"""LiteLLM with its provider `ollama_chat/`."""

from checks import URL
from litellm_checks import check_litellm

check_litellm("ollama_chat", URL)
