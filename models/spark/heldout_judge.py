# Tells right answers in the held-out sets of today from wrong ones: as test/spark/today.ts does, for checkpoints.
import json
import os
import re

import template

SETS = ("today", "states", "tools", "idle")
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "heldout")


def rows(folder, kind):
    """The rows of a set as they are in its file."""
    with open(os.path.join(folder, kind + ".jsonl")) as file:
        return [json.loads(line) for line in file]


def read(folder, kind):
    """The rows of a set, with the system prompt, the tools and the live context of their homes."""
    with open(os.path.join(folder, "homes.json")) as file:
        known = json.load(file)
    found = rows(folder, kind)
    for row in found:
        home = known["homes"].get(row.get("home"))
        row["tools"] = [known["tools"][name] for name in (home["tools"] if home else row["tools"])]
        if home:
            row["messages"].insert(0, {"role": "system", "content": home["system"]})
            row["live"] = json.dumps({"data": {"result": home["live"]}, "error": False}, ensure_ascii=False, separators=(",", ":"))
    return found


def calls_of(text):
    """The tool calls of an answer, or None when one is no call."""
    try:
        calls = [json.loads(t) for t in re.findall(r"<tool_call>\s*(.*?)\s*</tool_call>", text, re.S)]
    except json.JSONDecodeError:
        return None
    well = all(isinstance(c, dict) and isinstance(c.get("name"), str) and isinstance(c.get("arguments"), dict) for c in calls)
    return calls if well else None


UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}
# Home Assistant looks these up; all other words are somebody's own, and mean the same without an article.
LOOKED_UP = ("name", "area", "floor", "domain", "device_class")


def same(key, right, value):
    """Home Assistant takes names in capitals and small letters alike. True is not 1."""
    if isinstance(right, str) and isinstance(value, str):
        right, value = right.lower(), value.strip().lower()
        return right == value or key not in LOOKED_UP and without_articles(right) == without_articles(value)
    return right == value and isinstance(right, bool) == isinstance(value, bool)


def without_articles(text):
    return " ".join(word for word in text.split() if word not in ("a", "an", "the"))


def seconds_of(arguments):
    """What hours, minutes and seconds come to; None where one is not a whole number, or none is said."""
    parts = {unit: arguments[unit] for unit in UNITS if unit in arguments}
    if not parts or any(type(n) is not int for n in parts.values()):
        return None
    return sum(n * UNITS[unit] for unit, n in parts.items())


def is_wanted(wanted, call, names):
    known, said = {**wanted["may"], **wanted["arguments"]}, call["arguments"]
    if "seconds" in wanted:
        if seconds_of(said) != wanted["seconds"]:
            return False
        said = {key: value for key, value in said.items() if key not in UNITS}
    return names.short(wanted["name"]) == call["name"] and set(wanted["arguments"]) <= set(said) and \
        all(any(same(key, right, value) for right in known.get(key, ())) for key, value in said.items())


def pair_up(wanted, calls, names):
    if not wanted:
        return True
    return any(is_wanted(wanted[0], call, names) and pair_up(wanted[1:], calls[:i] + calls[i + 1:], names) for i, call in enumerate(calls))


def reads_states(row, answer):
    """One call, for the live context, that does not leave out what was asked."""
    calls, expect = calls_of(answer), row["expect"]
    if not calls or len(calls) != 1 or calls[0]["name"] != template.Names(row["tools"]).short(expect["reads"]):
        return False
    def kept(key, value):
        return any(same(key, right, one) for right in expect["filters"].get(key, ()) for one in (value if isinstance(value, list) else [value]))
    return all(kept(key, value) for key, value in calls[0]["arguments"].items())


def after_reading(row, answer):
    """The messages with the call and the states, for the second answer."""
    calls = [{"type": "function", "function": call} for call in calls_of(answer)]
    return [*row["messages"], {"role": "assistant", "content": "", "tool_calls": calls}, {"role": "tool", "content": row["live"]}]


def has_word(text, word):
    """"21" is in "21 degrees" and in "21.", not in "121" or "21.5"."""
    return re.search(rf"(?<![^\W_])(?<!\d[.,]){re.escape(word.lower())}(?![^\W_]|[.,]\d)", text) is not None


def tells_states(row, answer):
    """The right state or value, and not its opposite. The names of what was asked are no state."""
    expect, text = row["expect"], answer.lower()
    for name in expect["filters"]["name"]:
        text = text.replace(name.lower(), " ")
    text = re.sub(r"(not|n't) (on|off|open|closed|locked|unlocked)\b", "not", text)
    return "<tool_call>" not in answer and all(any(has_word(text, word) for word in words) for words in expect["says"]) and \
        not any(has_word(text, word) for word in expect["never"])


def passes(row, answer):
    """Whether a set's last answer is right: for "states" the one after the reading."""
    if "idle" in row["expect"]:
        return answer.strip() != "" and "<tool_call>" not in answer
    if "reads" in row["expect"]:
        return tells_states(row, answer)
    calls, names = calls_of(answer), template.Names(row["tools"])
    return calls is not None and any(len(wanted) == len(calls) and pair_up(wanted, calls, names) for wanted in row["expect"]["answers"])
