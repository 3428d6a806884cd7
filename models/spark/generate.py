# Dialogues in Home Assistant's shape, each a pure function of (seed, index). Prints some with `python3 generate.py 5`.
# A dialogue: {"kind", "messages", "tools"}, messages and tools in OpenAI's form.
import json
import sys

import commands
import home as homes
import stories
import talk
import words

# The parts of Home Assistant's system prompt, in other words; parts are varied and left out.
INTROS = ["You are a voice assistant for Home Assistant.", "You are Spark, a voice assistant for Home Assistant.", "You are the voice assistant of this smart home.",
          "You control a smart home.", "You are a helpful assistant in a smart home.", "You are a home assistant.", "You are a voice assistant."]
MANNERS = ["Answer truthfully.", "Answer questions about the world truthfully.", "Answer in plain text.", "Keep it simple and short.", "Be brief.", "Reply in plain text without markup.",
           "Stay friendly.", "Keep answers short and to the point.", "Speak English."]
USAGE = ["To control the home always call the tools.", "Use the intent tools whenever something is to be controlled.", "HassTurnOn locks a lock and HassTurnOff unlocks it.",
         "For locks, use HassTurnOn to lock and HassTurnOff to unlock.", "For a device pass just its name and domain.", "For an area pass just the area's name and the domain.",
         "When all devices of a type are meant, ask for an area unless there is only one.", "When controlling a device, prefer to pass its name only."]
LOCATION = ["When no area is named, call GetCurrentLocation.", "The request comes from a satellite: when no area is named, get the current location."]
NO_LOCATION = ["When no area is named, ask for it.", "If the user names no area, ask which one is meant."]
NO_TIMERS = ["This device cannot start timers.", "Timers are not available on this device."]
STATIC = ["Answer questions on what exists from the static context below and call GetLiveContext for current states.",
          "You can tell the current state of the home with the GetLiveContext tool. It is the way to answer whether something is on, open, warm or locked. "
          "For what exists and where it is, the static context below is enough. Do not use it for states.",
          "The list below has names, domains and areas only; states come from GetLiveContext."]
ANNOUNCE = ["Static Context: An overview of the areas and the devices in this smart home:", "Static Context: the areas and devices of this smart home:",
            "Static context:", "The devices of this home:", "Devices:"]


# Share of the training calls whose results are left out: more requests for the same work.
CALLS_ONLY = 0.6


def system_prompt(rng, home):
    full = rng.random() < 0.12
    keep = 1.0 if full else rng.choice((0, 0.15, 0.3))
    lines = [rng.choice(INTROS)] if rng.random() < 0.85 else []
    manners = [m for m in rng.sample(MANNERS, 3) if rng.random() < max(keep, 0.15)]
    usage = [u for u in USAGE if rng.random() < keep]
    lines += manners
    lines += [" ".join(usage)] if usage else []
    if home.satellite and "GetCurrentLocation" in home.tools:
        lines.append(rng.choice(LOCATION))
    elif rng.random() < keep:
        lines.append(rng.choice(NO_LOCATION))
    if not home.timers and rng.random() < max(keep, 0.1):
        lines.append(rng.choice(NO_TIMERS))
    if rng.random() < keep:
        lines.append(rng.choice(STATIC))
    lines.append(rng.choice(ANNOUNCE[:2] * 3 + ANNOUNCE))
    return "\n".join(lines) + "\n" + home.context()


def tool_call_message(calls):
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": c} for c in calls]}


def answer_calls(rng, home, turn, messages):
    """The calls of a turn, their results and the closing words. Now and then a device fails."""
    messages.append(tool_call_message(turn.calls))
    if turn.kind == "location":
        result, call, targets, done = turn.follow
        messages.append({"role": "tool", "content": result})
        messages.append(tool_call_message([call]))
        messages.append({"role": "tool", "content": homes.action_result(rng, targets)})
        messages.append({"role": "assistant", "content": done})
        return
    if hasattr(turn, "result"):
        messages.append({"role": "tool", "content": turn.result})
        messages.append({"role": "assistant", "content": turn.done})
        return
    devices = [t for t in turn.targets if isinstance(t, homes.Device)]
    failed = devices if devices and rng.random() < 0.06 else []
    if len(turn.calls) == 1:
        messages.append({"role": "tool", "content": homes.action_result(rng, turn.targets, failed)})
    else:
        for target in turn.targets:
            messages.append({"role": "tool", "content": homes.action_result(rng, [target], [t for t in failed if t is target])})
    if failed:
        subject = " and ".join(t.name for t in failed) if len(failed) < 3 else "some devices"
        messages.append({"role": "assistant", "content": f"Sorry, that did not work for {subject}."})
    else:
        messages.append({"role": "assistant", "content": turn.done})


def home_dialogue(rng, split):
    home = homes.Home(rng, split)
    messages = [{"role": "system", "content": system_prompt(rng, home)}]
    turns = rng.choice((2, 4, 6, 8, 10, 12))
    for _ in range(min(turns, len(home.devices) + 1) if split == "train" else turns):
        kind = rng.random()
        if kind < (0.93 if split == "train" else 0.9):
            turn = commands.any_turn(rng, home)
            messages.append({"role": "user", "content": turn.text})
            if turn.calls and turn.kind != "location" and split == "train" and rng.random() < CALLS_ONLY:
                messages.append(tool_call_message(turn.calls))
            elif turn.calls:
                answer_calls(rng, home, turn, messages)
            else:
                messages.append({"role": "assistant", "content": turn.reply})
        else:
            messages += words_turn(rng, split)
    return {"kind": "home", "messages": messages, "tools": home.tools}


def words_turn(rng, split, weights=(5, 1.3, 1.5, 0.7)):
    kind = rng.choices(("fact", "beyond", "chat", "story"), weights)[0]
    if kind == "fact":
        _, text, reply = talk.fact_turn(rng, split)
    elif kind == "beyond":
        text, reply = talk.beyond_turn(rng, split)
    elif kind == "chat":
        text, reply = talk.chat_turn(rng)
    else:
        text, reply, _ = stories.story_turn(rng, split)
    return [{"role": "user", "content": text}, {"role": "assistant", "content": reply}]


PLAIN_SYSTEM = ["You are a helpful assistant.", "You are Spark.", "You are Spark, a small model in hearthd.", "Answer briefly."]


def talk_dialogue(rng, split):
    """No home: questions about hearthd, small talk, stories, and wishes that need tools."""
    messages = [{"role": "system", "content": rng.choice(PLAIN_SYSTEM)}] if rng.random() < 0.2 else []
    for _ in range(rng.choice((1, 2, 4, 6, 8))):
        if rng.random() < 0.06:
            home = homes.Home(rng, split, size=3)
            turn = commands.device_turn(rng, home, rng.choice(home.devices))
            if turn is not None:
                messages += [{"role": "user", "content": turn.text}, {"role": "assistant", "content": talk.NO_TOOLS[0]}]
                continue
        messages += words_turn(rng, split, (6, 1.5, 1.2, 1.5 if split == "test" else 1))
    return {"kind": "talk", "messages": messages, "tools": []}


def dialogue(seed, index, split="train"):
    rng = words.seeded(f"{split}:{seed}", index)
    return home_dialogue(rng, split) if rng.random() < (0.8 if split == "train" else 0.74) else talk_dialogue(rng, split)


if __name__ == "__main__":
    import template
    for i in range(int(sys.argv[1])):
        d = dialogue(int(sys.argv[2]) if len(sys.argv) > 2 else 0, i)
        print("".join(text for text, _ in template.segments(d["messages"], d["tools"])))
        print("=" * 80)
