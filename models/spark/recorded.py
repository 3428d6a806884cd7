# Checks that requests which Home Assistant sent have the shapes that training makes: tools and their parameters, the parts of the system
# prompt, the entries of lists, results in their envelopes, and the states of a live context.
# `python3 recorded.py FILE...`: each a request's body, or JSON lines {"path", "body"}. Prints the shapes that training lacks; exits with 1 where there are some.
import json
import re
import sys

import generate
import template

# Dialogues that are looked through for shapes; rare ones need many.
DIALOGUES = 3000


def tool_shapes(tools):
    """(the name without a namespace, its parameters) of Home Assistant's own tools; of scripts only that there are some."""
    for tool in tools:
        function = tool.get("function", tool)
        name, parameters = function["name"].split("__")[-1], tuple(function.get("parameters", {}).get("properties", {}))
        yield ("tool", name, *parameters) if name.startswith("Hass") or name in template.KNOWN else ("tool of the home", bool(parameters))


def entry_shape(entry):
    """The keys of a list's entry, its domain, how its state is written, and the keys of its attributes."""
    lines = entry.rstrip("\n").split("\n")
    keys = [line.strip().split(":")[0] for line in lines[1:] if not line.startswith("    ")]
    attributes = sorted({line.strip().split(":")[0] for line in lines if line.startswith("    ")} - set(u.rstrip(":") for u in template.UNSHOWN))
    return "entry", *keys, *attributes


def prompt_shapes(system):
    before, *entries = system.split("\n- names: ")
    if not entries:
        return
    yield "line before the list", before.split("\n")[-1]
    last, *after = entries[-1].split("\n\n", 1)
    yield from (entry_shape(entry) for entry in [*entries[:-1], last])
    yield "words before the list", before.count("\n") > 1
    yield "words after the list", bool(after)


def keys_of(value):
    """The structure of JSON: keys, and kinds of values; a list by what is in it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {keys_of(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " | ".join(sorted({keys_of(one) for one in value})) + "]"
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def result_shapes(content):
    try:
        value = json.loads(content)
    except json.JSONDecodeError:
        yield "result", "words"
        return
    data = value.get("data") if isinstance(value, dict) else None
    live = data.get("result") if isinstance(data, dict) else None
    if isinstance(live, str) and "- names: " in live:
        yield from (entry_shape(entry) for entry in live.split("- names: ")[1:])
    yield "result", keys_of(value)


def shapes(messages, tools):
    """All shapes of one request."""
    yield from tool_shapes(tools)
    for message in messages:
        if message.get("role") in ("system", "developer"):
            yield from prompt_shapes(message["content"])
        elif message.get("role") == "tool" or message.get("type") == "function_call_output":
            yield from result_shapes(message.get("content") or message.get("output"))


def trained_shapes(count=DIALOGUES, seed=5):
    found = set()
    for index in range(count):
        dialogue = generate.dialogue(seed, index)
        found.update(shapes(dialogue["messages"], [t if isinstance(t, dict) else {"name": t} for t in dialogue["tools"]]))
    return found


def requests(path):
    """(messages, tools) of the requests in a file."""
    with open(path) as file:
        text = file.read()
    try:
        records = [json.loads(text)]
    except json.JSONDecodeError:
        records = [json.loads(line) for line in text.splitlines()]
    bodies = [json.loads(record["body"] or "{}") if "body" in record else record for record in records]
    for body in bodies:
        messages = body.get("messages") or body.get("input")
        if body.get("tools") and isinstance(messages, list):
            yield messages, body["tools"]


def main():
    sent = {shape for path in sys.argv[1:] for messages, tools in requests(path) for shape in shapes(messages, tools)}
    lacking = sorted(sent - trained_shapes(), key=repr)
    for shape in lacking:
        print("training lacks:", *shape)
    print(f"{len(sent) - len(lacking)} of {len(sent)} shapes of Home Assistant's requests are trained")
    sys.exit(1 if lacking or not sent else 0)


if __name__ == "__main__":
    main()
