# From a home to what is said about it: user requests with the calls or the words that answer them.
# Knows phrasings and homes; knows nothing of stories, of questions about hearthd, or of how a dialogue is stored.
import json

import frames
import home as homes
import phrases as p
import talk
import words

COMPOSED = 0.45  # share of the training requests that are put together from parts

WORD_NUMBERS = {5: "five", 10: "ten", 15: "fifteen", 20: "twenty", 25: "twenty-five", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty",
                70: "seventy", 75: "seventy-five", 80: "eighty", 90: "ninety", 100: "one hundred"}


class Turn:
    """A user's text, and either calls with their targets, or a reply in words."""

    def __init__(self, kind, text, calls=(), targets=(), reply=None, done=None):
        self.kind, self.text, self.calls, self.targets, self.reply, self.done = kind, text, list(calls), list(targets), reply, done

    @property
    def made_up(self):
        return any(getattr(t, "made_up", False) for t in self.targets)


def say(rng, split, bank, tails=True, free=False, **slots):
    """A phrasing of the bank with politeness around it, sometimes with a capital, a full stop or a typo. `tails` says that any
    words may follow; `free`, that a slot may hold any words, so that words around it must not read as a part of it."""
    if split == "train" and rng.random() < COMPOSED:
        template = filled(rng, rng.choice(rng.choice(bank["frames"])))
    else:
        template = rng.choice(bank[split])
    whole = template.startswith("=")
    template = template.lstrip("=")
    question = template.split(" ")[0] in ("what", "what's", "is", "how", "where", "which", "do", "did", "in", "have", "are", "may", "when", "could", "can") and whole is False
    if not whole and not question:
        if split == "train" and rng.random() < 0.35:
            kind = rng.random()
            template = (aside(rng, [a for a in p.ASIDES if a.endswith((", ", " and "))] if free else p.ASIDES) if kind < 0.7 or not tails or free else "") \
                + template + (aside(rng, p.TAILS) if kind > 0.5 and tails and not free else "")
        else:
            template = rng.choice(p.OPENERS[split]) + template + rng.choice(p.CLOSERS[split])
    elif whole and rng.random() < 0.15:
        template = rng.choice(("hey, ", "ok, ", "hello, ", "please, ")) + template
    if rng.random() < 0.07:
        template = typo_outside_slots(rng, template)
    text = template.format(**slots)
    style = rng.random()
    if style < 0.6:
        text = text[0].upper() + text[1:]
        if not text.endswith("?"):
            asked = question or (split == "train" and rng.random() < (0.5 if text.startswith(("Can ", "Could ", "Would ", "Will ", "May ")) else 0.08))
            text += rng.choice((".", ".", "", "", "!")) if not asked else rng.choice(("?", "?", ""))
    elif question and style < 0.8:
        text += "?"
    return text


# Words that part a value from the rest of a request.
PARTING = {"on", "off", "to", "in", "into", "from", "at", "with", "and", "as", "it", "that", "please", "now", "again", "done", "the", "my", "up", "then", "play"}


SAID_TO_ALL = ["everyone", "everybody", "someone", "nobody", "all", "you", "us", "we", "they"]


def filled(rng, form):
    """{w}: any word, known or made up; {c}: a common one; {p}: a person."""
    while "{c}" in form:
        word = rng.choice(SAID_TO_ALL if rng.random() < 0.7 else words.common_words())
        form = form.replace("{c}", word, 0 if word in PARTING else 1)
    while "{w}" in form:
        word = rng.choice(words.PLAIN) if rng.random() < 0.6 else words.made_up_word(rng, "train").lower()
        form = form.replace("{w}", word, 1)
    return form.replace("{p}", rng.choice(words.pick_split(words.PEOPLE, "train")))


def aside(rng, forms):
    return filled(rng, rng.choice(forms))


def typo_outside_slots(rng, template):
    parts = template.split(" ")
    plain = [i for i, w in enumerate(parts) if "{" not in w]
    if plain:
        i = rng.choice(plain)
        parts[i] = words.typo(rng, parts[i])
    return " ".join(parts)


def cased(rng, text):
    """Speech recognisers and hurried people write names in lower case."""
    return text.lower() if rng.random() < 0.4 else text


def spoken(rng, home, device):
    """How a person says a device: its name or an alias, an article before it, sometimes its place after it."""
    name = device.names[0] if rng.random() < 0.75 else rng.choice(device.names)
    heard = name
    others = [n.lower() for d in home.devices if d is not device for n in d.names]
    if device.area and name.startswith(device.area + " ") and rng.random() < 0.25:
        rest = name[len(device.area) + 1:]
        heard = f"{rest} in the {device.area}"
        return name, ("the " + cased(rng, heard))
    train = home.split == "train"
    if " " in name and rng.random() < (0.22 if train else 0.06):
        # A part of the name, when no other device could be meant by it.
        part = a_part(rng, name) if train else rng.choice((name.split(" ")[0], name.split(" ")[-1]))
        plural = train and any(part.lower() in plurals for plurals in words.DOMAIN_PLURAL.values())  # "the lights" are all of them
        if len(part) > 3 and "'" not in part and not plural and not any(part.lower() in o for o in others) and not any(part.lower() in (d.area or "").lower() for d in home.devices):
            heard = part
    heard = cased(rng, heard)
    if "'" not in name.split(" ")[0] and rng.random() < 0.55:
        heard = "the " + heard
    elif rng.random() < 0.03:
        heard = "my " + heard
    if device.area and device.area.lower() not in name.lower() and rng.random() < (0.16 if train else 0.1):
        heard += f" in the {cased(rng, device.area)}"
    return name, heard


def a_part(rng, name):
    """One word of a name, or several that stand together."""
    parts = name.split(" ")
    if rng.random() < 0.6:
        return rng.choice((parts[0], parts[-1]))
    first = rng.randrange(len(parts))
    return " ".join(parts[first:rng.randint(first + 1, len(parts))])


def spoken_area(rng, area):
    text = cased(rng, area)
    made_up_like = " " not in area and area not in words.AREAS
    return text if made_up_like and rng.random() < 0.6 or rng.random() < 0.15 else "the " + text


def call(name, /, **arguments):
    return {"name": name, "arguments": {k: v for k, v in arguments.items() if v is not None}}


def number(rng, low, high, step=5):
    value = rng.randrange(low, high + 1, step) if rng.random() < 0.6 else rng.randint(low, high)
    return value, (WORD_NUMBERS[value] if value in WORD_NUMBERS and rng.random() < 0.15 else str(value))


# Words for a tool's absence when the user asks for what it does.
LACKS = {"HassLightSet": "setting brightness or color", "HassSetPosition": "moving covers to a position", "HassClimateSetTemperature": "setting temperatures",
         "HassFanSetSpeed": "setting fan speeds", "HassSetVolume": "setting the volume", "HassMediaPause": "pausing media", "HassMediaUnpause": "resuming media",
         "HassMediaNext": "skipping tracks", "HassMediaPrevious": "going back a track", "HassMediaSearchAndPlay": "playing music",
         "HassVacuumStart": "starting a vacuum", "HassVacuumReturnToBase": "sending a vacuum home", "HassLawnMowerStartMowing": "mowing",
         "HassLawnMowerDock": "docking a mower", "HassListAddItem": "adding to lists", "HassListCompleteItem": "checking off list items",
         "HassBroadcast": "announcements", "HassStartTimer": "starting timers", "HassCancelAllTimers": "cancelling timers", "HassTimerStatus": "timers",
         "HassSetVolumeRelative": "making it louder or quieter", "HassMediaPlayerMute": "muting", "HassMediaPlayerUnmute": "muting", "HassStopMoving": "stopping covers",
         "HassVacuumCleanArea": "cleaning a room", "HassListRemoveItem": "removing from lists", "get_items": "reading lists", "HassLock": "locking", "HassUnlock": "unlocking",
         "HassOpen": "opening", "HassClose": "closing", "GetDateTime": "the time", "GetLiveContext": "reading states", "HassTurnOn": "turning things on", "HassTurnOff": "turning things off"}


def not_offered(rng, home, tool, text):
    """One wish has one answer: what is left to chance cannot be learned."""
    if not home.tools:
        return Turn("not_offered", text, reply=talk.NO_TOOLS[1])
    replies = f"I have no tool for {LACKS[tool]} here.", f"Sorry, {LACKS[tool]} is not offered to me here."
    chosen = rng.choice(replies)
    return Turn("not_offered", text, reply=words.stable_choice(replies, tool) if home.split == "train" else chosen)


def finish(rng, home, kind, tool, text, arguments, targets, done):
    """The turn of one call, or the refusal when its tool is not offered."""
    tool = home.tool_for(tool, targets)
    if tool not in home.tools:
        return not_offered(rng, home, tool, text)
    return Turn(kind, text, [call(tool, **arguments)], targets, done=done)


# (domain, bank, tool, "past" words for the answer); {v} ones are made by the functions below.
SIMPLE = [
    ("light", p.ON, "HassTurnOn", "on"), ("light", p.OFF, "HassTurnOff", "off"),
    ("switch", p.ON, "HassTurnOn", "on"), ("switch", p.OFF, "HassTurnOff", "off"),
    ("fan", p.ON, "HassTurnOn", "on"), ("fan", p.OFF, "HassTurnOff", "off"),
    ("media_player", p.ON, "HassTurnOn", "on"), ("media_player", p.OFF, "HassTurnOff", "off"),
    ("climate", p.ON, "HassTurnOn", "on"), ("climate", p.OFF, "HassTurnOff", "off"),
    ("lock", p.LOCK, "HassTurnOn", "locked"), ("lock", p.UNLOCK, "HassTurnOff", "unlocked"),
    ("cover", p.OPEN, "HassTurnOn", "open"), ("cover", p.CLOSE, "HassTurnOff", "closed"),
    ("scene", p.SCENE, "HassTurnOn", "activated"),
    ("media_player", p.PAUSE, "HassMediaPause", "paused"), ("media_player", p.UNPAUSE, "HassMediaUnpause", "playing again"),
    ("media_player", p.NEXT, "HassMediaNext", "playing the next track"), ("media_player", p.PREVIOUS, "HassMediaPrevious", "playing the previous track"),
    ("vacuum", p.VACUUM_START, "HassVacuumStart", "cleaning"), ("vacuum", p.VACUUM_DOCK, "HassVacuumReturnToBase", "going home"),
    ("lawn_mower", p.MOW, "HassLawnMowerStartMowing", "mowing"), ("lawn_mower", p.MOW_DOCK, "HassLawnMowerDock", "going home"),
]


def device_turn(rng, home, device):
    """A command to one device of the home."""
    options = [s for s in SIMPLE if s[0] == device.domain]
    makers = VALUE_TURNS.get(device.domain, [])
    name, heard = spoken(rng, home, device)
    if makers and (not options or rng.random() < 0.5):
        return rng.choice(makers)(rng, home, device, name, heard)
    if not options:
        return state_turn(rng, home, device)
    _, bank, tool, state = rng.choice(options)
    text = say(rng, home.split, bank, d=heard)
    return finish(rng, home, "command", tool, text, {"name": name}, [device], f"{name} is {state}.")


def brightness_turn(rng, home, device, name, heard):
    value, said = number(rng, 1, 100)
    text = say(rng, home.split, p.BRIGHTNESS, d=heard, v=said)
    return finish(rng, home, "command", "HassLightSet", text, {"name": name, "brightness": value}, [device], f"{name} is at {value} percent.")


def color_turn(rng, home, device, name, heard):
    color = rng.choice(words.COLORS)
    text = say(rng, home.split, p.COLOR, d=heard, v=color)
    return finish(rng, home, "command", "HassLightSet", text, {"name": name, "color": color}, [device], f"{name} is {color}.")


def position_turn(rng, home, device, name, heard):
    value, said = number(rng, 1, 99)
    text = say(rng, home.split, p.POSITION, d=heard, v=said)
    return finish(rng, home, "command", "HassSetPosition", text, {"name": name, "position": value}, [device], f"{name} is at {value} percent.")


def degrees(rng):
    value = rng.choice((rng.randint(15, 27), rng.randint(15, 27), rng.randint(60, 78), rng.randint(15, 26) + 0.5, rng.randint(5, 30)))
    return value, str(value)


def temperature_turn(rng, home, device, name, heard):
    value, said = degrees(rng)
    text = say(rng, home.split, p.TEMPERATURE, d=heard, v=said)
    return finish(rng, home, "command", "HassClimateSetTemperature", text, {"name": name, "temperature": value}, [device], f"{name} is set to {value} degrees.")


def fan_speed_turn(rng, home, device, name, heard):
    value, said = number(rng, 5, 100)
    text = say(rng, home.split, p.FAN_SPEED, d=heard, v=said)
    return finish(rng, home, "command", "HassFanSetSpeed", text, {"name": name, "percentage": value}, [device], f"{name} runs at {value} percent.")


def volume_turn(rng, home, device, name, heard):
    value, said = number(rng, 1, 100)
    text = say(rng, home.split, p.VOLUME, d=heard, v=said)
    return finish(rng, home, "command", "HassSetVolume", text, {"name": name, "volume_level": value}, [device], f"The volume of {name} is {value}.")


def play_turn(rng, home, device, name, heard):
    song = rng.choice(words.pick_split(words.SONGS, home.split)) if rng.random() < (0.5 if home.split == "train" else 0.8) else words.made_up_word(rng, home.split)
    if home.split == "train" and rng.random() < 0.3:
        song = filled(rng, rng.choice(("{w}", "{w} {w}", "{w} {c}", "{c} {w}", "the {w}", "a {w}", "the {w} {c}", "{c} {c} {w}", "{w} {c} {w}")))
    text = say(rng, home.split, p.PLAY, free=True, d=heard, v=song).replace("some some", "some")
    return finish(rng, home, "command", "HassMediaSearchAndPlay", text, {"name": name, "search_query": song}, [device], f"Playing {song} on {name}.")


# Items of a list may be any words, also those of a command.
ITEM_FORMS = ["{w}", "{w}", "{w} {w}", "{w} {w}", "{w} {w} {w}", "{w} the {w}", "{w} the {w}", "a {w} of {w}", "two {w}", "the {w}", "{w} for {p}", "{c} {w}", "{w} {c}",
              "{c} the {w}", "{w} {c} {w}", "clean the {w}", "wash the {w}", "open the {w}", "close the {w}", "lock the {w}", "start the {w}", "turn off the {w}",
              "cut the {w}", "pause the {w}", "vacuum the {w}", "set the {w}", "{w} the floor", "{w} light", "{w} lamp"]


def item(rng, home):
    known = words.pick_split(words.ITEMS, home.split)
    if home.split == "train" and rng.random() < 0.6:
        return filled(rng, rng.choice(ITEM_FORMS))
    return rng.choice(known) if rng.random() < 0.85 else words.made_up_word(rng, home.split).lower() + " " + rng.choice(known)


def add_item_turn(rng, home, device, name, heard):
    thing = item(rng, home)
    heard = heard.removeprefix("my ")
    text = say(rng, home.split, p.ADD_ITEM, free=True, d=heard, v=thing).replace("my the ", "my ")
    return finish(rng, home, "command", "HassListAddItem", text, {"item": thing, "name": name}, [device], f"{thing[0].upper() + thing[1:]} is on {name}.")


def complete_item_turn(rng, home, device, name, heard):
    thing = item(rng, home)
    text = say(rng, home.split, p.COMPLETE_ITEM, free=True, d=heard, v=thing)
    return finish(rng, home, "command", "HassListCompleteItem", text, {"item": thing, "name": name}, [device], f"{thing[0].upper() + thing[1:]} is checked off on {name}.")


def level_turn(rng, home):
    """A share without a word on what it is of: the device's domain decides between brightness, position and speed."""
    devices = home.of("light", "cover", "fan")
    if not devices:
        return None
    domain = rng.choice(sorted({d.domain for d in devices}))
    device = home.pick([d for d in devices if d.domain == domain])
    tool, argument, done = LEVELS[device.domain]
    value, said = number(rng, 1, 99)
    name, heard = spoken(rng, home, device)
    return finish(rng, home, "command", tool, say(rng, home.split, p.LEVEL, d=heard, v=said), {"name": name, argument: value}, [device], done.format(d=name, v=value))


LEVELS = {"light": ("HassLightSet", "brightness", "{d} is at {v} percent."), "cover": ("HassSetPosition", "position", "{d} is at {v} percent."),
          "fan": ("HassFanSetSpeed", "percentage", "{d} runs at {v} percent.")}
VALUE_TURNS = {"light": [brightness_turn, brightness_turn, color_turn], "cover": [position_turn], "climate": [temperature_turn] * 3,
               "fan": [fan_speed_turn], "media_player": [volume_turn, play_turn], "todo": [add_item_turn, add_item_turn, complete_item_turn]}


def area_turn(rng, home):
    """A command to all devices of a domain in an area."""
    pairs = sorted({(d.area, d.domain) for d in home.devices if d.area and d.domain in ("light", "switch", "fan", "cover", "climate", "media_player")})
    if not pairs:
        return None
    area, domain = rng.choice(pairs)
    targets = home.in_area(area, domain)
    heard = spoken_area(rng, area)
    marker = Marker(area, area not in words.AREAS)
    plural = rng.choice(words.DOMAIN_PLURAL.get(domain, [domain]))
    s = home.split
    if s == "train" and any(f"{area} {plural}".lower() in n.lower() for d in home.devices for n in d.names):
        return None  # "kitchen lights" is then the device of this name
    if domain == "climate":
        value, said = degrees(rng)
        return finish(rng, home, "command", "HassClimateSetTemperature", say(rng, s, p.AREA_TEMPERATURE, a=heard, v=said),
                      {"area": area, "temperature": value}, [marker] + targets, f"The {area} is set to {value} degrees.")
    kind = rng.random()
    if kind < 0.07:
        return finish(rng, home, "command", "HassTurnOff", say(rng, s, p.AREA_EVERYTHING, a=heard), {"area": area}, [marker] + targets,
                      f"Everything in the {area} is off.")
    if domain == "light" and kind < 0.25:
        value, said = number(rng, 1, 100)
        return finish(rng, home, "command", "HassLightSet", say(rng, s, p.AREA_BRIGHTNESS, a=heard, n=plural, v=said), {"area": area, "brightness": value},
                      [marker] + targets, f"The lights in the {area} are at {value} percent.")
    if domain == "light" and kind < 0.4:
        color = rng.choice(words.COLORS)
        return finish(rng, home, "command", "HassLightSet", say(rng, s, p.AREA_COLOR, a=heard, n=plural, v=color), {"area": area, "color": color},
                      [marker] + targets, f"The lights in the {area} are {color}.")
    if domain == "cover" and kind < 0.3:
        value, said = number(rng, 1, 99)
        return finish(rng, home, "command", "HassSetPosition", say(rng, s, p.AREA_POSITION, a=heard, n=plural, v=said),
                      {"area": area, "domain": ["cover"], "position": value}, [marker] + targets, f"The {plural} in the {area} are at {value} percent.")
    on = rng.random() < 0.5
    bank = (p.AREA_OPEN if on else p.AREA_CLOSE) if domain == "cover" else (p.AREA_ON if on else p.AREA_OFF)
    state = ("open" if on else "closed") if domain == "cover" else ("on" if on else "off")
    return finish(rng, home, "command", "HassTurnOn" if on else "HassTurnOff", say(rng, s, bank, a=heard, n=plural), {"area": area, "domain": [domain]},
                  [marker] + targets, f"The {plural} in the {area} are {state}.")


class Marker:
    """An area as the target of a call, for results and for counting made-up names."""

    def __init__(self, name, made_up):
        self.name, self.made_up, self.domain = name, made_up, "area"


def no_area_turn(rng, home):
    """"Turn on the lights" without a room: the only one, the speaker's room, or a question back."""
    domains = ("light", "light", "switch", "fan", "cover")
    if home.split == "train" and rng.random() < 0.6:
        domains = [d for d in ("light", "switch", "fan") if len(home.of(d)) == 1] or domains
    domain = rng.choice(domains)
    devices, plural = home.of(domain), rng.choice(words.DOMAIN_PLURAL[domain])
    on = rng.random() < 0.5
    if domain == "cover":
        return None
    text = say(rng, home.split, p.NO_AREA_ON if on else p.NO_AREA_OFF, n=plural)
    tool = "HassTurnOn" if on else "HassTurnOff"
    if not devices:
        return Turn("missing", text, reply=f"There are no {plural} in this home.")
    if len(devices) == 1:
        return finish(rng, home, "command", tool, text, {"name": devices[0].name}, devices, f"{devices[0].name} is {'on' if on else 'off'}.")
    areas = sorted({d.area for d in devices if d.area})
    if home.satellite and "GetCurrentLocation" in home.tools and areas and tool in home.tools:
        turn = Turn("location", text, [call("GetCurrentLocation")], done=None)
        area = rng.choice(areas)
        turn.follow = (json.dumps({"success": True, "area": area}, ensure_ascii=False), call(tool, area=area, domain=[domain]),
                       home.in_area(area, domain), f"The {plural} in the {area} are {'on' if on else 'off'}.")
        return turn
    return Turn("ask", text, reply=f"In which area should I turn {'on' if on else 'off'} the {plural}?")


def pair_turn(rng, home):
    """Two devices in one sentence: two calls."""
    usable = home.of("light", "switch", "fan", "media_player")
    if len(usable) < 2 or "HassTurnOn" not in home.tools or "HassTurnOff" not in home.tools:
        return None
    a, b = (home.pick(usable) for _ in range(2)) if home.split == "train" else rng.sample(usable, 2)
    if a is b:
        return None
    (name_a, heard_a), (name_b, heard_b) = spoken(rng, home, a), spoken(rng, home, b)
    on_a = rng.random() < 0.5
    if rng.random() < 0.6:
        text = say(rng, home.split, p.ON if on_a else p.OFF, d=f"{heard_a} and {heard_b}")
        on_b = on_a
    else:
        on_b = not on_a
        verbs = {True: ("turn on {}", "switch on {}", "turn {} on"), False: ("turn off {}", "switch off {}", "turn {} off")}
        text = rng.choice(p.OPENERS[home.split]) + rng.choice(verbs[on_a]).format(heard_a) + rng.choice((" and ", " and then ", ", then ", ", and ")) \
            + rng.choice(verbs[on_b]).format(heard_b)
        text = text[0].upper() + text[1:] if rng.random() < 0.5 else text
    tools = {True: "HassTurnOn", False: "HassTurnOff"}
    word = {True: "on", False: "off"}
    done = f"{name_a} and {name_b} are {word[on_a]}." if on_a == on_b else f"{name_a} is {word[on_a]} and {name_b} is {word[on_b]}."
    return Turn("command", text, [call(tools[on_a], name=name_a), call(tools[on_b], name=name_b)], [a, b], done=done)


def missing_turn(rng, home):
    """A device or an area that the home has not: say so, call nothing."""
    s = home.split
    if rng.random() < 0.3:
        area = next(a for a in iter(lambda: rng.choice(words.pick_split(words.AREAS, s)) if rng.random() < 0.6 else words.made_up_word(rng, s), None)
                    if not any(a.lower() in (n.lower() + " " + (d.area or "").lower()) for d in home.devices for n in d.names))
        bank = rng.choice((p.AREA_ON, p.AREA_OFF))
        plural = rng.choice(("lights", "lights", "fans", "switches"))
        heard = spoken_area(rng, area)
        return Turn("missing", say(rng, s, bank, tails=False, a=heard, n=plural), reply=f"I cannot find {heard} among the areas of this home.")
    domain = rng.choice(("light", "light", "switch", "fan", "cover", "lock", "climate", "media_player", "vacuum"))
    # Not a name that could be taken for a shortened one: its words must not all be in some device's name.
    for _ in range(20):
        name, _ = home.fresh_name(domain, rng.choice(home.areas))
        if s == "train" and rng.random() < 0.3:
            # Half of it is there, or both halves, of two devices.
            there = [d.name for d in rng.sample(home.devices, min(2, len(home.devices)))]
            name = " ".join(there[0].split(" ")[:-1] + (there[-1] if rng.random() < 0.5 else name).split(" ")[-1:])
        parts = name.lower().split(" ")
        if not any(all(w in n.lower() for w in parts) for d in home.devices for n in d.names) and \
           not any(n.lower() in name.lower() for d in home.devices for n in d.names):
            break
    heard = cased(rng, name)
    if "'" not in name.split(" ")[0] and rng.random() < 0.5:
        heard = "the " + heard
    options = [x for x in SIMPLE if x[0] == domain]
    _, bank, _, _ = rng.choice(options)
    slots = {"d": heard}
    if domain == "light" and rng.random() < 0.3:
        bank, slots["v"] = p.BRIGHTNESS, str(rng.randint(1, 100))
    elif domain == "climate" and rng.random() < 0.7:
        bank, slots["v"] = p.TEMPERATURE, str(rng.randint(15, 27))
    return Turn("missing", say(rng, s, bank, tails=False, **slots), reply=f"I cannot find {heard} among the devices of this home.")


def not_offered_turn(rng, home):
    """A wish whose tool is not in the list; what it is about is there all the same."""
    wishes = [("HassStartTimer", p.TIMER_SET, {"v": duration(rng)[1]}), ("HassCancelAllTimers", p.TIMER_CANCEL_ALL, {}), ("HassTimerStatus", p.TIMER_STATUS, {}),
              ("HassBroadcast", p.BROADCAST, {"v": rng.choice(words.pick_split(words.MESSAGES, home.split))}), ("GetDateTime", p.TIME, {}), ("GetDateTime", p.DATE, {})]
    wishes = [w for w in wishes if w[0] not in home.tools]
    if not wishes:
        return None
    tool, bank, slots = rng.choice(wishes)
    return not_offered(rng, home, tool, say(rng, home.split, bank, **slots))


def duration(rng):
    unit = rng.choice(("minutes", "minutes", "minutes", "seconds", "hours"))
    value = rng.choice((1, 2, 3, 5, 10, 15, 20, 25, 30, 45)) if rng.random() < 0.6 else rng.randint(2, 59)
    said = WORD_NUMBERS.get(value, str(value)) if rng.random() < 0.35 else str(value)
    return {unit: value}, f"{said} {unit if value != 1 else unit[:-1]}"


def timer_turn(rng, home):
    if "HassStartTimer" not in home.tools:
        return not_offered_turn(rng, home)
    kind = rng.random()
    if kind < 0.7:
        arguments, said = duration(rng)
        return finish(rng, home, "command", "HassStartTimer", say(rng, home.split, p.TIMER_SET, v=said), arguments, [], f"The timer runs for {said}.")
    if kind < 0.85:
        return finish(rng, home, "command", "HassCancelAllTimers", say(rng, home.split, p.TIMER_CANCEL_ALL), {}, [], "All timers are cancelled.")
    turn = finish(rng, home, "command", "HassTimerStatus", say(rng, home.split, p.TIMER_STATUS), {}, [], None)
    left = rng.randint(1, 59)
    turn.result = json.dumps({"timers": [{"total_seconds_left": left * 60, "minutes_left": left}]})
    turn.done = f"There are {left} minutes left." if left > 1 else "There is 1 minute left."
    return turn


def time_turn(rng, home):
    day = rng.random() < 0.4
    text = say(rng, home.split, p.DATE if day else p.TIME)
    if "GetDateTime" not in home.tools:
        return not_offered(rng, home, "GetDateTime", text)
    year, month, date = rng.randint(2024, 2031), rng.randint(1, 12), rng.randint(1, 28)
    hour, minute, weekday = rng.randint(0, 23), rng.randint(0, 59), rng.choice(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
    turn = Turn("command", text, [call("GetDateTime")])
    now = {"date": f"{year}-{month:02}-{date:02}", "time": f"{hour:02}:{minute:02}:{rng.randint(0, 59):02}", "timezone": "UTC", "weekday": weekday}
    turn.result = json.dumps({"success": True, "result": now} if not home.today else {"data": now if rng.random() < 0.5 else {"result": now}, "error": False})
    turn.done = f"Today is {weekday}, {year}-{month:02}-{date:02}." if day else f"It is {hour:02}:{minute:02}."
    return turn


ON_OFF = ("on", "off")
STATES = {"light": ON_OFF, "switch": ON_OFF, "fan": ON_OFF, "media_player": ("playing", "paused", "off", "idle"), "lock": ("locked", "unlocked"),
          "cover": ("open", "closed"), "vacuum": ("docked", "cleaning", "returning"), "lawn_mower": ("docked", "mowing"), "climate": ("heat", "off", "cool"),
          "binary_sensor": ON_OFF, "scene": ("unknown",), "todo": ("2", "5")}
UNITS = {"humidity": "%", "power": "W", "energy": "kWh", "air": "ppm", "co2": "ppm", "soil": "%", "rain": "mm", "wind": "km/h"}


def live_context(rng, home, asked):
    """States of the asked devices and of some others, as GetLiveContext returns them, and the asked states."""
    shown = [d for d in home.devices if d in asked or rng.random() < 0.3][:6]
    for d in asked:
        if d not in shown:
            shown.append(d)
    shown.sort(key=lambda d: d.name)
    lines, states = [], {}
    for d in shown:
        attributes = []
        if d.domain == "sensor":
            value = f"{rng.randint(5, 95)}" if rng.random() < 0.5 else f"{rng.randint(5, 30)}.{rng.randint(0, 9)}"
            unit = next((u for k, u in UNITS.items() if k in d.name.lower()), "°C")
            attributes = [("unit_of_measurement", f"'{unit}'")]
            states[d] = f"{value} {unit}"
            state = f"'{value}'"
        else:
            state = rng.choice(STATES[d.domain])
            states[d] = state
            if d.domain == "climate":
                attributes = [("current_temperature", rng.randint(12, 29)), ("temperature", rng.randint(15, 26))]
                states[d] = (state, attributes[0][1], attributes[1][1])
            elif d.domain == "light" and state == "on" and rng.random() < 0.5:
                attributes = [("brightness", rng.randint(1, 100))]
            state = f"'{state}'" if state in ON_OFF else state
        lines.append(homes.device_yaml(d, state, attributes))
    header = rng.choice(("Live Context: the areas and devices of this home:", "Live Context: An overview of the devices in this smart home:"))
    return json.dumps({"success": True, "result": header + "\n" + "\n".join(lines)}, ensure_ascii=False), states


def state_turn(rng, home, device=None):
    usable = [d for d in home.devices if d.domain not in ("scene", "todo")]
    if not usable or home.today:
        return None  # today.py asks for the states of such homes
    device = device or rng.choice(usable)
    if device.domain in ("scene", "todo"):
        return None
    name, heard = spoken(rng, home, device)
    text = say(rng, home.split, p.READING if device.domain == "sensor" else p.STATE, d=heard)
    if device.domain == "climate":
        if device.area and len(home.in_area(device.area, "climate")) == 1 and rng.random() < 0.6:
            text = say(rng, home.split, p.AREA_TEMP_QUESTION, a=spoken_area(rng, device.area))
        else:
            text = say(rng, home.split, p.READING, d=heard)
    if "GetLiveContext" not in home.tools:
        return not_offered(rng, home, "GetLiveContext", text)
    turn = Turn("command", text, [call("GetLiveContext")], [device])
    turn.result, states = live_context(rng, home, [device])
    state = states[device]
    if device.domain == "climate":
        turn.done = f"{device.name} shows {state[1]} degrees and is set to {state[2]}."
    elif device.domain == "sensor":
        turn.done = f"{device.name} shows {state}."
    else:
        turn.done = f"{device.name} is {state}."
    return turn


def exist_turn(rng, home):
    """Questions that the static context answers."""
    s, kind = home.split, rng.random()
    if kind < 0.2:
        device = rng.choice(home.devices)
        name, heard = spoken(rng, home, device)
        return Turn("exist", say(rng, s, p.EXIST_DEVICE, d=heard), reply=f"Yes, there is {name}" + (f" in the {device.area}." if device.area else "."))
    if kind < 0.3:
        turn = missing_turn(rng, home)
        if "among the devices" not in turn.reply:
            return None
        heard = turn.reply.split("find ")[1].split(" among")[0]
        return Turn("exist", say(rng, s, p.EXIST_DEVICE, d=heard), reply=f"No, I cannot find {heard} among the devices of this home.")
    if kind < 0.5:
        device = rng.choice(home.devices)
        name, heard = spoken(rng, home, device)
        heard = heard.split(" in the ")[0]
        return Turn("exist", say(rng, s, p.WHERE, d=heard), reply=f"{name} is in the {device.area}." if device.area else f"No area is set for {name}.")
    if kind < 0.75:
        areas = sorted({d.area for d in home.devices if d.area})
        if not areas:
            return None
        area = rng.choice(areas)
        found = [d.name for d in home.devices if d.area == area]
        return Turn("exist", say(rng, s, p.LIST_AREA, a=spoken_area(rng, area)), reply=listing(f"In the {area}", found))
    if kind < 0.94:
        domain, plural = rng.choice(sorted({"light": "lights", "switch": "switches", "fan": "fans", "cover": "covers", "lock": "locks", "climate": "thermostats",
                                            "media_player": "media players", "vacuum": "vacuums", "sensor": "sensors", "scene": "scenes", "todo": "lists"}.items()))
        found = [d.name for d in home.of(domain)]
        return Turn("exist", say(rng, s, p.LIST_DOMAIN, n=plural), reply=listing(f"Your {plural}", found) if found else f"There are no {plural} in this home.")
    areas = list(dict.fromkeys(d.area for d in home.devices if d.area))
    return Turn("exist", say(rng, s, p.LIST_AREAS), reply=listing("The areas", areas) if areas else "No areas are set in this home.")


def listing(head, names):
    shown = names[:8]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{head}: {', '.join(shown)}{more}."


def script_turn(rng, home):
    if not home.scripts:
        return None
    name = rng.choice(home.scripts)
    heard = name.replace("_", " ") if rng.random() < 0.8 else name
    turn = finish(rng, home, "command", name, say(rng, home.split, p.SCRIPT, d=heard), {}, [], f"{name.replace('_', ' ').capitalize()} is started.")
    turn.result = rng.choice(('{"success": true, "result": {}}', '{"success": true}'))
    return turn


COMMON_FORMS = 9  # so many forms have common words
MESSAGE_FORMS = ["{c} {w}", "{w} {c}", "{w} {w} {c}", "{c} {c} {w}", "{w} {c} {w}", "the {w} {c} {c}", "good {w} {c}", "{c} {w} {c}", "{c} {c}",
                 "the {w} is {w}", "{w} and {w} are here", "{p} has the {w}", "{w} {w} {w}", "we need {w} for the {w}", "{w} {w} all", "please {w} the {w}", "good {w}",
                 "{w} {w} everybody", "it is {w} time", "{w} is at the {w}", "the {w} {w} in {w} minutes", "{w} first", "{w}", "happy {w} to all", "good {w} {p}",
                 "{p} is {w} the {w}", "it is time for the {w}", "we {w} now", "your {w} is here", "{w} the {w}, please", "no {w} in the {w}"]


def broadcast_turn(rng, home):
    message = rng.choice(words.pick_split(words.MESSAGES, home.split))
    if home.split == "train" and rng.random() < 0.7:
        message = filled(rng, rng.choice(MESSAGE_FORMS[:COMMON_FORMS] if rng.random() < 0.6 else MESSAGE_FORMS))
    # No politeness around it: it would read as a part of the message.
    bank = p.BROADCAST
    form = filled(rng, rng.choice(rng.choice(bank["frames"]))) if home.split == "train" and rng.random() < COMPOSED else rng.choice(bank[home.split])
    text = form.format(v=message)
    text = text[0].upper() + text[1:] if rng.random() < 0.5 else text
    return finish(rng, home, "command", "HassBroadcast", text, {"message": message}, [], "Announced.") if "HassBroadcast" in home.tools else \
        not_offered(rng, home, "HassBroadcast", text)


def some_device_turn(rng, home):
    return device_turn(rng, home, home.pick(home.devices))


# Shares of a hundred turns: training has more of what is hard.
TURNS = {"test": ((46, some_device_turn), (14, area_turn), (4, pair_turn), (4, no_area_turn), (7, missing_turn), (2, not_offered_turn), (4, timer_turn), (2, time_turn),
                  (5, state_turn), (6, exist_turn), (2.5, script_turn), (3.5, broadcast_turn)),
         "train": ((35, some_device_turn), (9, level_turn), (11, area_turn), (9, pair_turn), (9, no_area_turn), (9, missing_turn), (2, not_offered_turn), (2, timer_turn),
                   (1, time_turn), (2, state_turn), (3, exist_turn), (2, script_turn), (6, broadcast_turn))}


def any_turn(rng, home):
    """One turn of any kind about this home."""
    while True:
        kind, makers = rng.random() * 100, iter(TURNS[home.split])
        share, maker = next(makers)
        while kind >= share:
            more, maker = next(makers)
            share += more
        turn = maker(rng, home)
        if turn is None:
            continue
        if not home.tools and turn.kind not in ("exist", "not_offered"):
            continue  # where no tool is offered every wish gets the same answer
        # A tool that is not offered is asked for now and then, not as often as chance has it.
        if turn.kind != "not_offered" or not home.tools or rng.random() < 0.2:
            return turn
