"""llm-comply: what it tests of Open Responses and of OpenAI's chat, each test a check."""

import json

from checks import *
from commands import command

for protocol in ("open-responses", "openai-chat"):
    arguments = ["-u", f"{URL}/v1", "-k", "none", "-m", MODEL, "--format", protocol, "--json"]
    printed = command("llm-comply", "run", *arguments, limit_s=280, fails=None)
    for result in json.loads(printed)["results"]:
        name = f"{protocol}: {result['id']}"
        errors = "; ".join(result.get("errors", []))
        if result["id"].endswith("image-input"):
            say(name, "skipped", "hearth reads text only")
        elif result["status"] == "skipped":
            say(name, "skipped", errors or "the test skips itself")
        else:
            say(name, result["status"], errors)
