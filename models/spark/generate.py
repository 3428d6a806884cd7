# Dialogues in Home Assistant's shape, each a pure function of (seed, index). Prints some with `python3 generate.py 5`.
# A dialogue: {"kind", "messages", "tools"}, messages and tools in OpenAI's form.
import json
import sys

import commands
import guests
import home as homes
import idle
import stories
import talk
import today
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


# Texts that a home of today has after its list, and at length before it: in other words too.
TODAY_STATIC = ["You can look into the home as it is now. When a question is on what exists, what is where and of what kind it is, the list below answers it. When it is on what something does, shows or is set to now, "
                "call GetLiveContext first and answer with what it says. Never say that you cannot know a state.",
                "Questions about the present state, value or mode of something need live data: get it by the tool for the live context, then answer with the value that it returned. "
                "Questions about which devices and areas there are need none; the static context has them.",
                "Live data: use the provided tool for what changes (is it on, open, locked, how warm, which mode). Static data: use the list for names, kinds and areas.",
                "Questions on current states need GetLiveContext."]
TODAY_USAGE = ["To control something always call the intent tools. Use HassTurnOn to lock a lock and HassTurnOff to unlock it. For one device give its name, for an area give the area and the domain.",
               "Always call the tools when something is to be controlled. HassTurnOn locks, HassTurnOff unlocks. Give name and domain of a device, or area and domain of an area, and no more.",
               "Control the home by the intent tools only.", ""]
TODAY_AREA = ["When all devices of a type are to be turned on and no area is named, ask for the area, unless there is only one such device.", "If it is not clear which area is meant, ask.", ""]
TODAY_TIMERS = ["This device cannot start timers.", "Timers do not work on this device.", ""]


def prose(rng):
    """Sentences of any words: what an owner, or a coming version, writes into the prompt is to be passed over."""
    sentences = []
    for _ in range(rng.choice((1, 2, 3, 5))):
        said = [rng.choice(words.common_words()) if rng.random() < 0.7 else rng.choice(words.PLAIN) for _ in range(rng.randint(4, 18))]
        if rng.random() < 0.4:
            at = rng.randrange(len(said))
            said[at] = rng.choice((said[at].upper(), f"({said[at]})", f'"{said[at].capitalize()} the {rng.choice(words.PLAIN)}?"', f"{said[at]}, e.g., '{rng.choice(words.PLAIN)}'", f"{rng.randint(1, 9)}. {said[at]}", words.made_up_word(rng, "train")))
        text = " ".join(said)
        sentences.append(text[0].upper() + text[1:] + rng.choice((".", ".", ":", "!")))
    return rng.choice((" ", "\n", "\n    ")).join(sentences)


def system_prompt_of_today(rng, home):
    lines = [rng.choice(INTROS)] + [m for m in rng.sample(MANNERS, 3) if rng.random() < 0.6] + [rng.choice(TODAY_STATIC)]
    if rng.random() < 0.3:
        lines = lines[:1]
    while rng.random() < 0.55:
        lines.insert(rng.randint(1, len(lines)), prose(rng))
    after = [x for x in (rng.choice(TODAY_USAGE), rng.choice(TODAY_AREA), "" if home.timers else rng.choice(TODAY_TIMERS)) if x]
    if rng.random() < 0.25:
        lines, after = lines + after, []
    if rng.random() < 0.3:
        after.insert(rng.randint(0, len(after)), prose(rng))
    return "\n".join(lines) + "\n\n" + rng.choice(ANNOUNCE[:2] * 2 + ANNOUNCE) + "\n" + home.context() + ("\n\n" + "\n".join(after) if after else "")


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
        messages.append({"role": "tool", "content": homes.action_result(rng, turn.targets, failed, home.today)})
    else:
        for target in turn.targets:
            messages.append({"role": "tool", "content": homes.action_result(rng, [target], [t for t in failed if t is target], home.today)})
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


def add_turn(rng, home, turn, messages, calls_only):
    """A turn's request and what is said to it."""
    messages.append({"role": "user", "content": turn.text})
    if turn.calls and turn.kind != "location" and rng.random() < calls_only:
        messages.append(tool_call_message(turn.calls))
    elif turn.calls:
        answer_calls(rng, home, turn, messages)
    else:
        messages.append({"role": "assistant", "content": turn.reply})


# Kinds of turns whose answer is read from the result: that is the work, so it stays.
READ = ("GetLiveContext", "get_items")


def today_dialogue(rng):
    """A home of today: half of its turns are those of commands.py, as far as its tools go."""
    home = homes.Home(rng, "train", today=True)
    messages = [{"role": "system", "content": system_prompt_of_today(rng, home)}]
    before, live = None, 0
    # A long prompt is read for as many requests as fit.
    for _ in range(rng.choice((2, 4, 6, 8, 10)) if len(home.devices) < 15 else rng.choice((8, 12, 16))):
        kind = rng.random()
        turn = None
        if before is not None and kind < 0.13:
            turn = today.again_turn(rng, home, before)
        if turn is None and kind < 0.24:
            turn = idle_turn(rng)
        if turn is None and kind < 0.78:
            turn = today.any_turn(rng, home)
        if turn is None:
            turn = commands.any_turn(rng, home) if rng.random() < 0.93 else None
        if turn is None:
            messages += words_turn(rng, "train")
            before = None
            continue
        reads = any(c["name"] in READ for c in turn.calls)
        live += reads
        if reads and live > 4:
            continue  # each reading is long
        add_turn(rng, home, turn, messages, 0 if reads else CALLS_ONLY)
        before = turn
    return {"kind": "home", "messages": messages, "tools": home.offered()}


def idle_turn(rng):
    text, reply = idle.sentence(rng)
    return commands.Turn("chat", text, reply=reply)


def guest_dialogue(rng):
    """A client that is no home, with tools of its own."""
    tools = guests.tool_set(rng)
    messages = [{"role": "system", "content": guests.system(rng)}] if rng.random() < 0.6 else []
    named = guests.name_turns(rng) if rng.random() < 0.25 else None
    if named:
        messages += talked(*named[0])
    for _ in range(rng.choice((1, 2, 3, 4, 6))):
        kind = rng.random()
        turn = guests.tool_turn(rng, tools) if kind < 0.68 else guests.no_tool_turn(rng, tools) if kind < 0.74 else today.chatter_turn(rng, None) if kind < 0.81 else idle_turn(rng) if kind < 0.95 else None
        if turn is None:
            messages += words_turn(rng, "train")
        elif turn.calls:
            messages += [{"role": "user", "content": turn.text}, tool_call_message(turn.calls)]
            if rng.random() > CALLS_ONLY:
                messages += [{"role": "tool", "content": turn.result}, {"role": "assistant", "content": turn.done}]
        else:
            messages += talked(turn.text, turn.reply)
    if named:
        messages += talked(*named[1])
    return {"kind": "guest", "messages": messages, "tools": [guests.schema(t) for t in tools]}


def talked(text, reply):
    return [{"role": "user", "content": text}, {"role": "assistant", "content": reply}]


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
    if split == "train" and rng.random() < 0.12:
        first, second = guests.name_turns(rng)
        return {"kind": "talk", "messages": messages + talked(*first) + (words_turn(rng, split) if rng.random() < 0.5 else []) + talked(*second), "tools": []}
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
    kind = rng.random()
    if split == "train" and kind < 0.63:
        return today_dialogue(rng) if kind < 0.44 else guest_dialogue(rng)
    if split == "train":
        kind = (kind - 0.63) / 0.37
    return home_dialogue(rng, split) if kind < (0.75 if split == "train" else 0.74) else talk_dialogue(rng, split)


if __name__ == "__main__":
    import template
    for i in range(int(sys.argv[1])):
        d = dialogue(int(sys.argv[2]) if len(sys.argv) > 2 else 0, i)
        print("".join(text for text, _ in template.segments(d["messages"], d["tools"])))
        print("=" * 80)
