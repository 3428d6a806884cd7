# A made-up home: devices with names, domains and areas, and the tools that its voice assistant offers.
# Owns Home Assistant's shapes (static context, tool parameters, results). Knows no phrasing of commands.
import json

import words

# Tools with their parameters in the order of Home Assistant's schemas, before 2026.9 and since.
TARGET = ["name", "area", "floor", "domain", "device_class"]
TOOLS = {
    "HassTurnOn": TARGET, "HassTurnOff": TARGET,
    "HassLightSet": ["name", "area", "floor", "domain", "color", "temperature", "brightness"],
    "HassSetPosition": TARGET + ["position"],
    "HassClimateSetTemperature": ["temperature", "name", "area", "floor"],
    "HassFanSetSpeed": ["name", "area", "floor", "percentage"],
    "HassSetVolume": TARGET + ["volume_level"],
    "HassMediaPause": TARGET, "HassMediaUnpause": TARGET, "HassMediaNext": TARGET, "HassMediaPrevious": TARGET,
    "HassMediaSearchAndPlay": ["name", "area", "floor", "media_class", "search_query"],
    "HassVacuumStart": ["name", "area", "floor"], "HassVacuumReturnToBase": ["name", "area", "floor"],
    "HassLawnMowerStartMowing": ["name"], "HassLawnMowerDock": ["name"],
    "HassListAddItem": ["item", "name"], "HassListCompleteItem": ["item", "name"],
    "HassBroadcast": ["message"],
    "HassStartTimer": ["name", "hours", "minutes", "seconds"], "HassCancelTimer": ["start_hours", "start_minutes", "start_seconds", "name"],
    "HassCancelAllTimers": ["area"], "HassTimerStatus": ["start_hours", "start_minutes", "start_seconds", "name"],
    "GetDateTime": [], "GetLiveContext": [], "GetCurrentLocation": [],
}
PLACE = ["name", "area", "floor"]
TIMER = ["start_hours", "start_minutes", "start_seconds", "name", "area"]
TODAY = {
    **TOOLS,
    "HassClimateSetTemperature": ["temperature", "area", "name", "floor"], "HassFanSetSpeed": PLACE + ["domain", "percentage"],
    "HassStopMoving": TARGET, "HassSetVolumeRelative": ["volume_step"] + PLACE,
    "HassMediaPlayerMute": TARGET + ["is_volume_muted"], "HassMediaPlayerUnmute": TARGET + ["is_volume_muted"],
    "HassVacuumStart": PLACE + ["domain"], "HassVacuumReturnToBase": PLACE + ["domain"], "HassVacuumCleanArea": ["area", "name"],
    "HassListRemoveItem": ["item", "name"], "get_items": ["todo_list", "status"], "GetLiveContext": ["name", "domain", "area"],
    "HassStartTimer": ["hours", "minutes", "seconds", "name", "conversation_command"],
    **{f"Hass{verb}Timer": ["hours", "minutes", "seconds"] + TIMER for verb in ("Increase", "Decrease")},
    **{name: TIMER for name in ("HassCancelTimer", "HassPauseTimer", "HassUnpauseTimer", "HassTimerStatus")},
    # Under way: a tool for each of what turning on and off means.
    "HassLock": TARGET, "HassUnlock": TARGET, "HassOpen": TARGET, "HassClose": TARGET,
}
# Where these are offered, a lock is locked and a cover opened by them.
SEPARATE = {("lock", "HassTurnOn"): "HassLock", ("lock", "HassTurnOff"): "HassUnlock", ("cover", "HassTurnOn"): "HassOpen", ("cover", "HassTurnOff"): "HassClose"}
NUMBERS = {"temperature", "brightness", "position", "percentage", "volume_level", "hours", "minutes", "seconds",
           "start_hours", "start_minutes", "start_seconds", "portions", "people", "level", "count"}
LISTS = {"domain", "device_class"}

# Which domains make Home Assistant offer a tool.
DOMAIN_TOOLS = {
    "light": ["HassLightSet"], "cover": ["HassSetPosition"], "climate": ["HassClimateSetTemperature"], "fan": ["HassFanSetSpeed"],
    "media_player": ["HassSetVolume", "HassMediaPause", "HassMediaUnpause", "HassMediaNext", "HassMediaPrevious", "HassMediaSearchAndPlay"],
    "vacuum": ["HassVacuumStart", "HassVacuumReturnToBase"], "lawn_mower": ["HassLawnMowerStartMowing", "HassLawnMowerDock"],
    "todo": ["HassListAddItem", "HassListCompleteItem"],
}
TODAY_TIMER_TOOLS = ["HassStartTimer", "HassCancelTimer", "HassCancelAllTimers", "HassIncreaseTimer", "HassDecreaseTimer", "HassPauseTimer", "HassUnpauseTimer", "HassTimerStatus"]
TIMER_TOOLS = ["HassStartTimer", "HassCancelTimer", "HassCancelAllTimers", "HassTimerStatus"]
DOMAIN_WEIGHTS = {"light": 8, "switch": 4, "fan": 2, "cover": 3, "lock": 2, "climate": 3, "media_player": 3, "vacuum": 1.5,
                  "lawn_mower": 0.7, "todo": 1.5, "scene": 1.2, "sensor": 1.2, "binary_sensor": 1}


# Tools that a home of today offers beside these.
TODAY_DOMAIN_TOOLS = {
    **DOMAIN_TOOLS, "cover": ["HassSetPosition", "HassStopMoving"],
    "media_player": ["HassMediaUnpause", "HassMediaPause", "HassMediaNext", "HassMediaPrevious", "HassSetVolume", "HassSetVolumeRelative",
                     "HassMediaPlayerMute", "HassMediaPlayerUnmute"],
    "vacuum": ["HassVacuumStart", "HassVacuumReturnToBase", "HassVacuumCleanArea"],
    "todo": ["get_items", "HassListAddItem", "HassListCompleteItem", "HassListRemoveItem"],
}

# Training has more of the domains whose requests are hard.
TRAINING_WEIGHTS = {**DOMAIN_WEIGHTS, "fan": 3, "todo": 4}
TODAY_WEIGHTS = {**TRAINING_WEIGHTS, "input_boolean": 2, "weather": 1, "sensor": 2.5, "scene": 2, "vacuum": 2.5}


LARGE = 0.05  # share of the homes of today that have more than 50 devices


class Device:
    def __init__(self, names, domain, area, made_up):
        self.names, self.domain, self.area, self.made_up = names, domain, area, made_up

    @property
    def name(self):
        return self.names[0]


class Home:
    """Devices, areas and tools; `split` says whether its words are those of training or of evaluation."""

    def __init__(self, rng, split, made_up=None, size=None, today=False):
        self.rng, self.split, self.today = rng, split, today
        # Training mixes made-up names in; evaluation asks for homes of one kind.
        self.made_up_share = (rng.choice((0.3, 0.7, 1, 1) if split == "train" else (0, 0.3, 0.6, 1)) if made_up is None else float(made_up))
        size = size or rng.choice((1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 10, 12, 15))
        if split == "train" and rng.random() < (0.5 if today else 0.05):
            size = rng.randint(15, 36 if today else 30)
        # A home as it grows: few rooms, and names that begin with the room or are no more than the kind.
        self.plain = today and rng.random() < 0.45
        if self.plain:
            self.made_up_share = rng.choice((0, 0, 0.15, 0.5))
            size = rng.choice((5, 8, 12, 18, 24, 30, 36, 45))
        self.large = today and rng.random() < LARGE
        if self.large:
            self.plain, size = True, rng.randint(50, 160)
        self.areas = self._areas(max(1, min(10, round(size * rng.uniform(*((0.1, 0.3) if self.plain else (0.3, 0.8)))))))
        self.devices, self.taken = [], set()
        weights = TODAY_WEIGHTS if today else TRAINING_WEIGHTS if split == "train" else DOMAIN_WEIGHTS
        domains, weights = list(weights), list(weights.values())
        while len(self.devices) < size:
            self._add(rng.choices(domains, weights)[0])
        self.devices.sort(key=lambda d: d.name)
        self.satellite = rng.random() < 0.15 and not today
        self.timers = rng.random() < (0.35 if today else 0.4)
        self.separate = today and rng.random() < 0.2
        self.tools = self._tools_of_today() if today else self._tools()
        self.asked = []

    def pick(self, devices):
        """One of the devices to ask for. In training one that was not asked for before, while there is one: what earlier calls
        have need not be looked up."""
        if self.split == "train":
            devices = [d for d in devices if d not in self.asked] or devices
        device = self.rng.choice(devices)
        self.asked.append(device)
        return device

    def _areas(self, count):
        known, areas = words.pick_split(words.AREAS, self.split), []
        while len(areas) < count:
            if self.rng.random() < self.made_up_share * 0.7:
                area = words.made_up_word(self.rng, self.split) + self.rng.choice(("", "", " Room", " Hall", " House", " Corner"))
            else:
                area = self.rng.choice(known)
            if area not in areas:
                areas.append(area)
        return areas

    def fresh_name(self, domain, area=None):
        """A name that no device of this home has, and whether a made-up word is in it."""
        rng = self.rng
        nouns = words.NOUNS[domain]
        if self.split == "train":
            nouns = words.pick_split(nouns, "train", 9)
        while True:
            noun, invented = rng.choice(nouns), False
            if rng.random() < self.made_up_share:
                invented, word = True, words.made_up_word(rng, self.split)
                forms = [word, f"{word} {noun}", f"{word} {noun}", f"{noun} {word}",
                         f"{word} {words.made_up_word(rng, self.split)}", f"{word} {rng.randint(1, 20)}"]
                if self.split == "train":
                    forms += [f"{word}'s {noun}", f"{word} {noun}", f"{area or word} {noun}"]
                    if rng.random() < 0.1:
                        forms = [f"{word}-{words.made_up_word(rng, self.split)}", f"{word} {noun.replace(' ', '-')}", f"{noun} {word}s", f"{word}s {noun}"]
                    if rng.random() < 0.12:
                        # Words that end alike: after the end of the second, a copy that looks back one piece goes on after the first.
                        echo = rng.choice(words.made_up_word(rng, self.split))[:1].upper() + word[-min(len(word) - 1, rng.randint(2, 4)):].lower()
                        forms = [f"{word} {echo}", f"{echo} {word}", f"{word} {echo} {noun}", f"{noun} {word} {echo}"]
                    if self.devices and rng.random() < 0.2:
                        # Much like another: what differs must be read, not guessed.
                        other = rng.choice(self.devices).name.split(" ")
                        whole, start = " ".join(other), word[:rng.randint(2, 4)]
                        forms = [f"{other[0]} {noun}", f"{word} {other[-1]}", f"{other[0]} {word}", f"{other[0][:2]}{word.lower()} {noun}",
                                 whole.removesuffix("s") if whole.endswith("s") else whole + "s", f"{whole} {noun}", f"{word} {whole}", f"{word} {start}{other[-1].lower()}"]
                name = rng.choice(forms)
            elif domain == "scene" or domain == "todo":
                name = noun if rng.random() < 0.6 and (self.split == "train" or words.held_out(noun, 9)) else f"{rng.choice(words.pick_split(words.PEOPLE, self.split))}'s {noun}"
            else:
                kind = rng.random()
                if kind < 0.35:
                    name = f"{area or rng.choice(words.pick_split(words.AREAS, self.split))} {noun}"
                elif kind < 0.75:
                    name = f"{rng.choice(words.pick_split(words.ADJECTIVES, self.split))} {noun}"
                elif kind < 0.9:
                    name = f"{rng.choice(words.pick_split(words.PEOPLE, self.split))}'s {noun}"
                else:
                    name = f"{noun} {rng.randint(1, 9)}" if self.split == "train" else f"{rng.choice(words.pick_split(words.ADJECTIVES, self.split))} {noun}"
            if name.lower() not in self.taken and name.lower() not in {a.lower() for a in self.areas}:
                return name, invented

    def _add(self, domain):
        rng = self.rng
        area = rng.choice(self.areas) if rng.random() < 0.85 and domain not in ("scene", "todo", "weather") else None
        if self.plain and rng.random() < 0.9:
            name, invented = self._plain_name(domain, area)
        else:
            name, invented = self._odd_name(domain, area) if self.today and rng.random() < 0.25 else self.fresh_name(domain, area)
        if name.lower() in self.taken:
            return
        self.taken.add(name.lower())
        names = [name]
        if rng.random() < 0.12:
            alias, also = self.fresh_name(domain, area)
            self.taken.add(alias.lower())
            names.append(alias)
            invented = invented or also
        self.devices.append(Device(names, domain, area, invented))

    def _plain_name(self, domain, area):
        """A name of its room and its kind, or of its kind alone; others of the home begin or end like it."""
        rng, kind = self.rng, self.rng.random()
        nouns = words.pick_split(words.NOUNS[domain], "train", 9)
        noun = rng.choice(words.COMMON_NOUNS[domain]) if domain in words.COMMON_NOUNS and rng.random() < 0.7 else rng.choice(nouns)
        room = area or rng.choice(self.areas + ["Outside"])
        invented = rng.random() < self.made_up_share
        word = words.made_up_word(rng, "train") if invented else rng.choice(words.pick_split(words.ADJECTIVES, "train"))
        if domain == "media_player" and kind < 0.45:
            return room, False
        if domain in ("scene", "todo", "weather", "input_boolean"):
            return (noun if kind < 0.7 else f"{word} {noun}"), invented
        if domain == "vacuum" and kind < 0.5:
            return rng.choice((f"{word} vacuum {rng.randint(0, 3)} {rng.choice(words.FLOORS)}", f"{word} {noun} {rng.choice(words.FLOORS)}", f"{rng.choice(words.FLOORS)} {noun}")), invented
        if self.large and kind < 0.8:
            like = self.of(domain)
            series = rng.choice(like).name.rstrip("0123456789 ") if like and rng.random() < 0.7 else f"{rng.choice((room, word))} {noun}"
            return f"{series} {rng.randint(1, 160)}", False
        if kind < 0.5:
            return f"{room} {noun}", False
        if kind < 0.65:
            return noun, False
        if kind < 0.78 and self.devices:
            return f"{rng.choice(self.devices).name.split(' ')[0]} {noun}", False
        short = "".join(rng.choice("RGBWCLEDX") for _ in range(rng.choice((3, 4, 5))))
        return rng.choice((f"{word} {noun}", f"{word} {noun}", f"{room} {word} {noun}", f"{room} {short} {noun}", f"{room} {noun} {rng.randint(1, 4)}",
                           f"{room} {word} + {rng.choice(words.pick_split(words.ADJECTIVES, 'train'))} {noun}", f"{word}{noun.replace(' ', '')}")), invented

    def _odd_name(self, domain, area):
        """Names as integrations give them: a player called like its room, two words in one, numbers, places and plus signs in them."""
        rng = self.rng
        word, noun = words.made_up_word(rng, "train") if rng.random() < self.made_up_share else rng.choice(words.pick_split(words.ADJECTIVES, "train")), rng.choice(words.pick_split(words.NOUNS[domain], "train", 9))
        room = area or rng.choice(words.pick_split(words.AREAS, "train"))
        if domain == "media_player" and rng.random() < 0.6:
            return room, False
        forms = [f"{word}{noun.replace(' ', '')}", f"{room} {word} {noun}", f"{room} {noun}", f"{word} {noun} {rng.randint(0, 9)}", f"{word} + {rng.choice(words.pick_split(words.ADJECTIVES, 'train'))} {noun}",
                 f"{word.upper()[:4]} {noun}", f"{room} {word.upper()[:5]} {noun}", f"{word} {noun.lower()} {rng.randint(0, 3)} {room.lower()}", noun, f"Outside {noun}"]
        return rng.choice(forms), True

    def tool_for(self, tool, targets):
        """The tool that does it in this home: some have one of their own for locks and covers."""
        domain = next((t.domain for t in targets if isinstance(t, Device)), None)
        return SEPARATE.get((domain, tool), tool) if self.separate else tool

    def _tools_of_today(self):
        rng, tools = self.rng, ["HassTurnOn", "HassTurnOff", "GetDateTime", "GetLiveContext", "HassCancelAllTimers"]
        for domain in dict.fromkeys(d.domain for d in self.devices):
            tools += TODAY_DOMAIN_TOOLS.get(domain, [])
        if rng.random() < 0.6:
            tools.append("HassBroadcast")
        if self.separate:
            tools += ["HassLock", "HassUnlock", "HassOpen", "HassClose"]
        if self.timers:
            tools += TODAY_TIMER_TOOLS
        if rng.random() < 0.35:
            # Short prompts train more requests an hour; most homes have all.
            tools = [t for t in tools if rng.random() > (0.04 if t in ("HassTurnOn", "HassTurnOff", "GetLiveContext", "HassLock", "HassUnlock", "HassOpen", "HassClose") else 0.3)]
        if rng.random() < 0.15:
            tools.remove(rng.choice(tools))
        self.scripts = [self._script_name(s) for s in rng.sample(words.pick_split(words.SCRIPTS, "train"), rng.choice((0, 0, 1, 1, 2, 3)))]
        # Some scripts take something, by a key that says what.
        self.script_keys = {s: rng.choice(("minutes", "portions", "people", "level", "count", "person", "guest")) for s in self.scripts if rng.random() < 0.3}
        tools = list(dict.fromkeys(tools + self.scripts))
        if rng.random() < 0.6:
            rng.shuffle(tools)
        return tools

    def _script_name(self, known):
        """As owners name them: any words, one that is made up, or what other tools are called by, too."""
        rng, kind = self.rng, self.rng.random()
        some = [w.replace(" ", "_") for w in rng.sample(words.PLAIN, rng.choice((1, 2, 2, 3)))]
        if kind < 0.4:
            return "_".join(some)
        if kind < 0.65:
            word = words.made_up_word(rng, "train").lower() if rng.random() < 0.6 else some[0]
            return rng.choice((f"{word}_mode", f"{word}_routine", f"{word}_show", f"{word}_time", f"{word}_{some[0]}", f"start_{word}", f"{word}_timer", f"{word}_lights", f"leave_{word}", f"{word}_off"))
        return known

    def offered(self):
        """The tools as a client sends them; an older home's by name."""
        return [tool_schema(t, {**TODAY, **{s: [k] for s, k in self.script_keys.items()}}, t in self.scripts and self.rng) for t in self.tools] if self.today else self.tools

    def _tools(self):
        rng, tools = self.rng, ["HassTurnOn", "HassTurnOff"]
        full = self.split == "test" or rng.random() < 0.12
        for domain in dict.fromkeys(d.domain for d in self.devices):
            tools += DOMAIN_TOOLS.get(domain, [])
        tools = list(dict.fromkeys(tools))
        if rng.random() < 0.8:
            tools += ["GetLiveContext"]
        if rng.random() < 0.8:
            tools += ["GetDateTime"]
        if rng.random() < 0.5:
            tools += ["HassBroadcast"]
        if self.timers:
            tools += TIMER_TOOLS
        if self.satellite:
            tools += ["GetCurrentLocation"]
        if self.split == "train" and rng.random() < 0.03:
            self.scripts = []
            return []  # a client that offers no tools
        # Tools of domains that the home has not, and missing ones, so that the list itself must be read.
        for tool in rng.sample(list(TOOLS), rng.choice((0, 0, 0, 1, 2))):
            if tool not in tools and tool not in TIMER_TOOLS and tool != "GetCurrentLocation":
                tools.append(tool)
        for tool in list(tools):
            # Most homes are spared some tools that no sentence will ask for; short prompts train more of them an hour.
            if rng.random() < (0.04 if tool in ("HassTurnOn", "HassTurnOff") or full else 0.45):
                tools.remove(tool)
        self.scripts = rng.sample(words.pick_split(words.SCRIPTS, self.split), rng.choice((0, 0, 0, 1, 1, 2)))
        if self.split == "train":
            self.scripts = [s if rng.random() < 0.5 else "_".join(w.replace(" ", "_") for w in rng.sample(words.PLAIN, rng.choice((1, 2, 2, 3)))) for s in self.scripts]
        tools += self.scripts
        # Home Assistant's own order most of the time, any order otherwise.
        order = {t: i for i, t in enumerate(TOOLS)}
        tools.sort(key=lambda t: order.get(t, 99))
        if rng.random() < 0.4:
            rng.shuffle(tools)
        return tools

    def of(self, *domains):
        return [d for d in self.devices if d.domain in domains]

    def in_area(self, area, domain):
        return [d for d in self.devices if d.area == area and d.domain == domain]

    def context(self):
        """Home Assistant's static context: YAML, sorted by name, no states."""
        return "\n".join(device_yaml(d) for d in self.devices)


def device_yaml(device, state=None, attributes=()):
    lines = [f"- names: {', '.join(device.names)}", f"  domain: {device.domain}"]
    if state is not None:
        lines.append(f"  state: {state}")
    if device.area:
        lines.append(f"  areas: {device.area}")
    if attributes:
        lines.append("  attributes:")
        lines += [f"    {k}: {v}" for k, v in attributes]
    return "\n".join(lines)


SCRIPT_TEXTS = ["", "", "Starts {}.", "Runs {} for the whole home.", "Script {}.", "Does what {} needs."]


def tool_schema(name, shapes=None, script=None):
    """The OpenAI form of a tool, as a client sends it. `script`: its random source, for the description of a script."""
    properties = {}
    for parameter in (shapes or TOOLS).get(name, []):
        kind = "number" if parameter in NUMBERS else "array" if parameter in LISTS else "string"
        properties[parameter] = {"type": kind, "items": {"type": "string"}} if kind == "array" else {"type": kind}
    text = script.choice(SCRIPT_TEXTS).format(name.replace("_", " ")) if script else f"Home tool {name}."
    return {"type": "function", "function": {"name": name, "description": text,
                                             "parameters": {"type": "object", "properties": properties}}}


def action_result(rng, targets, failed=(), today=False):
    """What Home Assistant sends back after an intent tool, since 2026.9 in an envelope."""
    done = [{"name": t.name, "type": "entity", "id": f"{t.domain}.{slug(t.name)}"} for t in targets if t not in failed]
    bad = [{"name": t.name, "type": "entity", "id": f"{t.domain}.{slug(t.name)}"} for t in failed]
    style = rng.random()
    if today:
        result = {"data": {"error": rng.choice(("MatchFailedError", "HomeAssistantError", "IntentHandleError")), "error_text": error_text(rng, bad[0]["name"], bad[0]["id"])}, "error": True} if bad and style < 0.8 else \
            {"data": {"speech": {}, "response_type": "action_done", "data": {"success": done, "failed": bad}}, "error": False}
    elif style < 0.2:
        result = {"speech": {}, "response_type": "action_done", "data": {"success": done, "failed": bad}}
    elif style < 0.3:
        result = {"speech": {}, "response_type": "action_done", "data": {"targets": [], "success": done, "failed": bad}}
    else:
        result = {"success": not bad} if not bad else {"error": "HomeAssistantError", "error_text": "device unavailable"}
    return json.dumps(result, ensure_ascii=False)


def error_text(rng, name, entity):
    """Why a device did not do it: in Home Assistant's shapes, or in any words."""
    said = " ".join(rng.choice(words.PLAIN) for _ in range(rng.randint(2, 9)))
    return rng.choice(("device unavailable", f"No entities matched the name (given name '{name}', features {2 ** rng.randint(0, 13)})", f"Failed to call turn_on for: ['{entity}']",
                       f"The area does not exist (given area '{name}')", f"No entities matched the name (given name '{name}')", f"{said}: {entity}", said, f"{name} {said}"))


def slug(name):
    return "".join(c if c.isalnum() else "_" for c in name.lower())
