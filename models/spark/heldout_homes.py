# The homes of the held-out sets of today: names of held-out words, tools as Home Assistant offers them, and a state for every device.
# Knows no request. A home is written once into heldout/homes.json, and the rows name it.
import generate
import home as homes
import words

# The integration that a tool belongs to: its namespace since 2026.9.
INTEGRATIONS = {
    "assist_satellite": ["HassBroadcast"], "climate": ["HassClimateSetTemperature"], "fan": ["HassFanSetSpeed"], "homeassistant": ["GetLiveContext"],
    "intent": ["HassTurnOn", "HassTurnOff", "HassLock", "HassUnlock", "HassOpen", "HassClose", "HassSetPosition", "HassStopMoving", "HassCancelAllTimers", "HassStartTimer",
               "HassCancelTimer", "HassIncreaseTimer", "HassDecreaseTimer", "HassPauseTimer", "HassUnpauseTimer", "HassTimerStatus"],
    "light": ["HassLightSet"], "llm": ["GetDateTime"],
    "media_player": ["HassMediaUnpause", "HassMediaPause", "HassMediaNext", "HassMediaPrevious", "HassSetVolume", "HassSetVolumeRelative", "HassMediaPlayerMute", "HassMediaPlayerUnmute"],
    "todo": ["get_items", "HassListAddItem", "HassListCompleteItem", "HassListRemoveItem"],
    "vacuum": ["HassVacuumStart", "HassVacuumReturnToBase", "HassVacuumCleanArea"],
}
NAMESPACE = {tool: integration for integration, tools in INTEGRATIONS.items() for tool in tools}
NEEDED_DOMAIN = {tool: domain for domain, tools in homes.TODAY_DOMAIN_TOOLS.items() for tool in tools}
SEPARATE = ("HassLock", "HassUnlock", "HassOpen", "HassClose")

# The domains that stand in a home, and how often.
WEIGHTS = {"light": 9, "switch": 4, "cover": 4, "media_player": 3, "sensor": 3, "climate": 2.5, "fan": 2.5, "lock": 2.5, "vacuum": 1.5, "todo": 1.5, "scene": 2,
           "input_boolean": 1.5, "binary_sensor": 1, "weather": 0.7}
PLACELESS = ("scene", "todo", "weather", "input_boolean")

# Scripts with arguments: what an owner wrote for them. (name, description, parameters)
SCRIPT_FORMS = [("{w}_feeding", "Gives out food. Portions: how many.", {"portions": "integer"}), ("air_{w}", "Airs the rooms for some minutes.", {"minutes": "integer"}),
                ("{w}_watering", "Waters the beds.", {"minutes": "integer"}), ("greet_{w}", "Says hello over the loudspeaker to the person named.", {"person": "string"})]


class HeldOutHome(homes.Home):
    def __init__(self, rng, size, style, timers):
        self.rng, self.split, self.today, self.satellite, self.timers, self.asked = rng, "test", True, False, timers, []
        self.style, self.made_up_share = style, {"plain": 0.1, "mixed": 0.4, "made-up": 0.95}[style]
        self.areas = self._areas(max(2, min(9, round(size * rng.uniform(0.12, 0.35)))))
        self.devices, self.taken = [], set()
        domains, weights = list(WEIGHTS), list(WEIGHTS.values())
        while len(self.devices) < size:
            self._place(rng.choices(domains, weights)[0])
        self.devices.sort(key=lambda d: d.name.lower())
        self.separate = rng.random() < 0.2
        self.prefix = rng.choices(("single", "double", "none"), (6, 1, 2))[0]
        self._write_scripts()
        self.tools = self._offered_names()
        self.states = [state_of(rng, d) for d in self.devices]

    def _place(self, domain):
        rng = self.rng
        area = rng.choice(self.areas) if domain not in PLACELESS and rng.random() < 0.9 else None
        name, made_up = self._name(domain, area)
        if name.lower() in self.taken or name in self.areas:
            return
        self.taken.add(name.lower())
        names = [name]
        if rng.random() < 0.1:
            alias = f"{words.made_up_word(rng, 'test')} {rng.choice(words.NOUNS[domain])}"
            self.taken.add(alias.lower())
            names.append(alias)
        self.devices.append(homes.Device(names, domain, area, made_up))

    def _name(self, domain, area):
        rng = self.rng
        noun = rng.choice(words.COMMON_NOUNS.get(domain, words.NOUNS[domain]) if rng.random() < 0.6 else words.NOUNS[domain])
        if rng.random() < self.made_up_share:
            word = words.made_up_word(rng, "test")
            return rng.choice((f"{word} {noun}", f"{word} {noun}", f"{noun} {word}", f"{word} {words.made_up_word(rng, 'test')} {noun}", word)), True
        if domain in ("weather", "todo", "input_boolean"):
            owner = f"{rng.choice(words.pick_split(words.PEOPLE, 'test'))}'s "
            return (noun if noun.lower() not in self.taken and rng.random() < 0.5 else owner + noun), False
        if domain == "scene":
            return f"{rng.choice(words.pick_split(words.ADJECTIVES, 'test'))} {noun}", False
        adjective, owner = rng.choice(words.pick_split(words.ADJECTIVES, "test")), rng.choice(words.pick_split(words.PEOPLE, "test"))
        room = area or "Outside"
        return rng.choice((f"{room} {noun}", f"{room} {noun}", f"{room} {noun}", f"{adjective} {noun}", f"{room} {adjective} {noun}", f"{owner}'s {noun}")), False

    def _write_scripts(self):
        rng, self.script_shapes = self.rng, {}
        for script in rng.sample(words.pick_split(words.SCRIPTS, "test"), rng.choice((1, 2, 3))):
            self.script_shapes[script] = (rng.choice(("", f"Runs what belongs to {script.replace('_', ' ')}.", f"Aliases: ['{script.replace('_', ' ').title()}']")), {})
        if rng.random() < 0.6:
            word = words.made_up_word(rng, "test").lower()
            self.script_shapes[f"{word}_{rng.choice(('mode', 'night', 'time', 'show', 'routine'))}"] = ("", {})
        if rng.random() < 0.6:
            name, text, parameters = rng.choice(SCRIPT_FORMS)
            self.script_shapes[name.format(w=words.made_up_word(rng, "test").lower())] = (text, parameters)
        self.scripts = list(self.script_shapes)

    def _offered_names(self):
        """The tools by their plain names, in Home Assistant's order: integration by integration."""
        domains = {d.domain for d in self.devices}
        timers = set(homes.TODAY_TIMER_TOOLS) - {"HassCancelAllTimers"}
        usual = [t for tools in INTEGRATIONS.values() for t in tools if NEEDED_DOMAIN.get(t) in domains | {None}
                 and (self.timers or t not in timers) and (self.separate or t not in SEPARATE)]
        return usual + self.scripts

    def full_name(self, tool):
        namespace = NAMESPACE.get(tool, "script")
        return {"single": f"{namespace}__{tool}", "double": f"assist__{namespace}__{tool}", "none": tool}[self.prefix]

    def with_full_names(self, prompt):
        """The system prompt speaks of tools by the names that they are offered by."""
        for tool in ("HassTurnOn", "HassTurnOff", "GetLiveContext"):
            prompt = prompt.replace(tool, self.full_name(tool))
        return prompt

    def schemas(self):
        """{the offered name: its OpenAI form}"""
        shapes = {}
        for tool in self.tools:
            if tool in self.script_shapes:
                text, parameters = self.script_shapes[tool]
                schema = {"type": "function", "function": {"name": tool, "description": text, "parameters": {"type": "object", "properties": {k: {"type": v} for k, v in parameters.items()}}}}
                schema["function"]["parameters"]["required"] = list(parameters)
            else:
                schema = homes.tool_schema(tool, homes.TODAY)
            schema["function"]["name"] = self.full_name(tool)
            shapes[self.full_name(tool)] = schema
        return shapes

    def live_context(self):
        entries = [homes.device_yaml(d, state, attributes) for d, (state, attributes) in zip(self.devices, self.states)]
        return "Live Context: An overview of the areas and the devices in this smart home:\n" + "\n".join(entries) + "\n"

    def state(self, device):
        """(state, attributes) without YAML's quotes."""
        state, attributes = self.states[self.devices.index(device)]
        return state.strip("'"), {k: str(v).strip("'") for k, v in attributes}


def state_of(rng, device):
    """A device's state and attributes, as Home Assistant's live context writes them."""
    def quoted(value):
        return f"'{value}'"

    on = rng.random() < 0.5
    domain = device.domain
    if domain == "light":
        level = rng.randint(1, 100)
        return (quoted("on"), [("brightness", quoted(round(level * 2.55))), ("brightness_pct", quoted(level))]) if on else (quoted("off"), [("brightness", "")])
    if domain in ("switch", "input_boolean", "binary_sensor"):
        return quoted("on" if on else "off"), []
    if domain == "fan":
        return quoted("on" if on else "off"), [("percentage", quoted(rng.randrange(10, 101, 10)) if on else "")]
    if domain == "lock":
        return ("locked" if on else "unlocked"), []
    if domain == "cover":
        kind = "garage" if "garage" in device.name.lower() else None
        return ("open" if on else "closed"), ([("device_class", kind)] if kind else [("current_position", quoted(rng.randint(1, 99) if on else 0))])
    if domain == "climate":
        return rng.choice(("heat", "cool", "off", "heat_cool")), [("current_temperature", rng.randint(160, 280) / 10), ("temperature_unit", "°C"), ("temperature", rng.randint(30, 52) / 2)]
    if domain == "media_player":
        if not on:
            return rng.choice((quoted("off"), "idle", "paused")), []
        title = f"{words.made_up_word(rng, 'test')} {rng.choice(('Sonata', 'Nights', 'Radio', 'Story', 'Dance'))}"
        return "playing", [("volume_level", rng.randint(5, 95) / 100), ("media_title", title), ("media_artist", f"{words.made_up_word(rng, 'test')} {rng.choice(('Quartet', 'Band', 'Trio'))}")]
    if domain == "vacuum":
        return rng.choice(("docked", "cleaning", "returning", "paused")), []
    if domain == "sensor":
        return sensor_state(rng, device.name.lower())
    if domain == "weather":
        return rng.choice(("sunny", "cloudy", "rainy", "snowy", "windy", "fog")), [("temperature", rng.randint(-50, 320) / 10), ("temperature_unit", "°C"), ("humidity", quoted(rng.randint(20, 99)))]
    return (quoted(rng.randint(0, 9)) if domain == "todo" else "unknown"), []


def sensor_state(rng, name):
    # A sensor of the temperature says degrees, also where its name is made up.
    kinds = {"humid": ("%", "humidity"), "moisture": ("%", "moisture"), "power": ("W", "power"), "energy": ("kWh", "energy"), "wind": ("km/h", "wind_speed"),
             "co2": ("ppm", "carbon_dioxide"), "rain": ("mm", "precipitation"), "air quality": ("µg/m³", "pm25")}
    unit, kind = next((v for k, v in kinds.items() if k in name), ("°C", "temperature"))
    value = rng.randint(30, 300) / 10 if unit in ("°C", "kWh", "mm") else rng.randint(10, 99) if unit == "%" else rng.randint(5, 1400)
    return f"'{value}'", [("unit_of_measurement", f"'{unit}'" if unit == "%" else unit), ("device_class", kind)]


STYLES = ("plain", "plain", "mixed", "made-up")


def pool(seed, count):
    """Homes of 5 to 60 devices, smaller ones more often; {its id: home}."""
    found = {}
    for i in range(count):
        rng = words.seeded(seed, f"home:{i}")
        size = 5 + round(55 * (i / (count - 1)) ** 2)
        home = HeldOutHome(rng, size, STYLES[i % 4], timers=i % 2 == 0)
        home.system = home.with_full_names(generate.system_prompt_of_today(rng, home))
        found[f"home-{i + 1}"] = home
    return found
