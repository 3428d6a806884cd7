# The held-out questions on the present state of a home of today: what must be asked for, and what the answer then says.
# Written without a look at the phrasings of the training.
import words
from heldout_today import kind_of, said, said_area

ON_OFF = ("light", "switch", "fan", "input_boolean")
# The two states of a kind: each with the words that say so.
SAYS = {"on": ["on", "yes"], "off": ["off", "no", "not"], "open": ["open", "yes"], "closed": ["closed", "shut", "no", "not"], "locked": ["locked", "yes"], "unlocked": ["unlocked", "no", "not", "open"]}
IS_ON = ["Have I left {d} on?", "So is {d} still switched on?", "Would you check whether {d} is on?", "{d}, is that on at the moment?", "Tell me if {d} is on", "Can you see if someone switched {d} on?"]
IS_OPEN = ["Is {d} standing open?", "Did anybody leave {d} open?", "{d} - open or shut?", "Check if {d} is open, please", "Has {d} been left open?"]
IS_LOCKED = ["Is {d} locked up?", "Did we lock {d} when we left?", "Can you check that {d} is locked?", "Has {d} been locked?", "Tell me, is {d} locked right now"]
BRIGHTNESS = ["How bright is {d} at the moment?", "What level is {d} at?", "At what percentage is {d} now?"]
POSITION = ["How far open is {d}?", "In what position is {d} right now?"]
TARGET = ["What is {d} set to?", "Which temperature is {d} aiming for?", "To how many degrees is {d} set?"]
CURRENT = ["How warm does {d} say it is?", "What temperature is it now at {d}?", "What does {d} measure right now?"]
ROOM_CURRENT = ["How warm is it in {a} now?", "What's the temperature like in {a} just now?"]
SENSOR = ["What's {d} reading?", "Give me the value of {d}", "Which number is on {d}?", "How much is it on {d} now?"]
FAN_SPEED = ["How fast is {d} turning?", "What speed has {d} got?"]
TITLE = ["What's on at {d}?", "Which song is that on {d}?", "What is playing on {d} right now?", "Name the track on {d}"]
ARTIST = ["Who's performing on {d}?", "Which artist is that on {d}?"]
VOLUME = ["How loud is {d} turned up?", "What's the volume at {d}?"]
VACUUM = ["What is {d} up to?", "Where has {d} got to, is it cleaning or home?", "What's {d} doing?"]
WEATHER = ["What's it like outside according to {d}?", "Sky right now, says {d}?", "How's the weather by {d}?"]
OUTSIDE = ["How many degrees are outside, by {d}?", "How cold or warm is it out there says {d}?"]
WHICH_LIGHTS = ["Which lights are on in {a}?", "What lights are burning in {a}?", "Tell me which of the lights in {a} are on"]
PLAYING = ["Is anything playing on {d}?", "Has {d} got something running?"]
VACUUM_SAYS = {"docked": ["docked", "dock", "home", "base", "charging"], "cleaning": ["cleaning"], "returning": ["returning", "going home", "on its way"], "paused": ["paused"]}
SKIES = {"sunny": ["sunny", "sun"], "cloudy": ["cloudy", "clouds"], "rainy": ["rainy", "raining", "rain"], "snowy": ["snowy", "snowing", "snow"], "windy": ["windy", "wind"], "fog": ["fog", "foggy"]}


def number(value):
    """The ways to write a number: 21.0 is also 21."""
    value = float(value)
    return [f"{value:.1f}", f"{value:.0f}"] if value == int(value) else [f"{value:g}"]


def two_states(rng, home, device, forms, state):
    opposite = {"on": "off", "off": "on", "open": "closed", "closed": "open", "locked": "unlocked", "unlocked": "locked"}[state]
    yes = state in ("on", "open", "locked")
    never = [w for w in SAYS[opposite] if w not in SAYS[state]]
    return ask(rng, home, device, forms, [SAYS[state]], [w for w in never if not (yes and w in ("no", "not"))] + (["no"] if yes else []))


def ask(rng, home, device, forms, says, never=(), **slots):
    heard, noun = said(rng, rng.choice(device.names)), kind_of(device)
    if noun and device.area and home.in_area(device.area, device.domain) == [device] and rng.random() < 0.25:
        heard = f"the {noun} in {said_area(rng, device.area)}"
    text = rng.choice(forms).format(d=heard, **slots)
    return text, [device], {"says": [list(s) for s in says], "never": list(never)}


def of_domain(rng, home, *domains, where=lambda state, attributes: True):
    found = [d for d in home.of(*domains) if where(*home.state(d))]
    return rng.choice(found) if found else None


def question(rng, home, kind):
    """(text, the devices that it is on, what the answer says), or None where the home has nothing of it."""
    device = of_domain(rng, home, *KINDS[kind][0], where=KINDS[kind][1])
    if device is None:
        return None
    state, attributes = home.state(device)
    if kind in TWO_STATES:
        return two_states(rng, home, device, TWO_STATES[kind], state)
    if kind in VALUES:
        forms, key = VALUES[kind]
        return ask(rng, home, device, forms, [number(attributes[key])])
    if kind == "sensor":
        return ask(rng, home, device, SENSOR, [number(state)])
    if kind == "title":
        return ask(rng, home, device, TITLE, [[attributes["media_title"]]])
    if kind == "artist":
        return ask(rng, home, device, ARTIST, [[attributes["media_artist"]]])
    if kind == "volume":
        share = float(attributes["volume_level"])
        return ask(rng, home, device, VOLUME, [[f"{share * 100:.0f}", f"{share:g}"]])
    if kind == "playing":
        return ask(rng, home, device, PLAYING, [["playing", "yes", attributes["media_title"]] if state == "playing" else [state, "no", "not", "nothing"]], ["no"] if state == "playing" else ["yes"])
    if kind == "vacuum":
        return ask(rng, home, device, VACUUM, [VACUUM_SAYS[state]])
    return ask(rng, home, device, WEATHER, [SKIES[state]]) if kind == "weather" else area_question(rng, home, device, kind)


def area_question(rng, home, device, kind):
    there = home.in_area(device.area, device.domain) if device.area else []
    if kind == "room" and there == [device]:
        degrees = number(home.state(device)[1]["current_temperature"])
        sensors = [d for d in home.in_area(device.area, "sensor") if home.state(d)[1]["device_class"] == "temperature"]
        if not sensors:
            return rng.choice(ROOM_CURRENT).format(a=said_area(rng, device.area)), [device], {"says": [degrees], "never": []}
    if kind == "lights" and len(there) > 1:
        lit = [d for d in there if home.state(d)[0] == "on"]
        if 0 < len(lit) < 4:
            dark = [n for d in there if d not in lit for n in d.names]
            return rng.choice(WHICH_LIGHTS).format(a=said_area(rng, device.area)), there, {"says": [d.names for d in lit], "never": dark}
    return None


TWO_STATES = {"is on": IS_ON, "is open": IS_OPEN, "is locked": IS_LOCKED}
VALUES = {"brightness": (BRIGHTNESS, "brightness_pct"), "position": (POSITION, "current_position"), "target": (TARGET, "temperature"), "current": (CURRENT, "current_temperature"),
          "fan speed": (FAN_SPEED, "percentage"), "outside": (OUTSIDE, "temperature")}


def lit(state, attributes):
    return state == "on"


def any_state(state, attributes):
    return True


# The kind of question: its domains, which of their states it suits, and how many of a hundred are of it.
KINDS = {
    "is on": (ON_OFF, any_state, 22), "is open": (("cover",), any_state, 12), "is locked": (("lock",), any_state, 11), "brightness": (("light",), lit, 5),
    "position": (("cover",), lambda s, a: s == "open" and "current_position" in a, 3), "target": (("climate",), any_state, 7), "current": (("climate",), any_state, 5), "room": (("climate",), any_state, 4),
    "sensor": (("sensor",), any_state, 9), "fan speed": (("fan",), lit, 3), "title": (("media_player",), lambda s, a: "media_title" in a, 4), "artist": (("media_player",), lambda s, a: "media_artist" in a, 2),
    "volume": (("media_player",), lambda s, a: "volume_level" in a, 2), "playing": (("media_player",), any_state, 2), "vacuum": (("vacuum",), any_state, 3), "weather": (("weather",), any_state, 2),
    "outside": (("weather",), any_state, 1), "lights": (("light",), any_state, 3),
}


def rows(seed, pool):
    """A hundred questions, each to another home as long as there are some."""
    unused = []
    for kind, (_, _, count) in KINDS.items():
        for i in range(count):
            rng = words.seeded(seed, f"state:{kind}:{i}")
            while True:
                unused = unused or list(pool)
                key = rng.choice(unused)
                asked = question(rng, pool[key], kind)
                if asked:
                    break
                if rng.random() < 0.05:
                    unused = list(pool)
            unused.remove(key)
            text, devices, says = asked
            expect = {"reads": pool[key].full_name("GetLiveContext"), "filters": filters(devices), **says}
            yield {"category": kind, "home": key, "messages": [{"role": "user", "content": text if rng.random() < 0.7 else text.lower().rstrip("?")}], "expect": expect}


def filters(devices):
    """What the live context may be narrowed to: it must not leave out what was asked."""
    one = devices[0] if len(devices) == 1 else None
    shared = {d.area for d in devices}
    return {"name": one.names if one else [], "domain": sorted({d.domain for d in devices}), "area": [a for a in shared if a and len(shared) == 1]}
