"""LiteLLM with its provider `openai/`."""

from checks import URL
from litellm_checks import check_litellm

check_litellm("openai", f"{URL}/v1")
