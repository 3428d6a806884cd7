# Questions of a home of today, beside commands.py's: floors, sets of devices by kind, relative volume, lists that are read, questions
# on live states, turns that go on from the turn before, and tools of other clients that training makes up.
# Knows phrasings and homes; knows nothing of how a dialogue is stored. For training only: held-out sets are of commands.py.
import json

import home as homes
import words
from commands import Turn, aside, call, cased, duration, filled, finish, item, not_offered, number, spoken, spoken_area, time_turn
import phrases as p


def said(rng, forms, free=False, **slots):
    """One of the phrasings (`forms`: a line each), now and then with an opening, a capital and an end. `free`: a slot may hold any words."""
    form = rng.choice(forms.strip().split("\n")).strip()
    question = form.startswith("?")
    whole = form.startswith("=")
    form = filled(rng, form.lstrip("?="))
    if not question and not whole:
        kind = rng.random()
        if kind < 0.25:
            form = rng.choice(p.OPENERS["train"]) + form
        elif kind < 0.4:
            form = aside(rng, [a for a in p.ASIDES if a.endswith((", ", " and "))]) + form
        if not free and rng.random() < 0.25:
            form += rng.choice(p.CLOSERS["train"])
    text = form.format(**slots)
    if rng.random() < 0.65:
        text = text[0].upper() + text[1:]
        text += "?" if question else rng.choice((".", "", "", "!"))
    elif question and rng.random() < 0.6:
        text += "?"
    return text


# --- devices, in words that name them otherwise than the list does ---

# Words that a person adds to the name of a device, by its domain: "the kitchen player" for a player that is called Kitchen.
KINDS = {"light": ("light", "lights", "lamp"), "switch": ("switch", "plug"), "fan": ("fan",), "cover": ("blinds", "cover", "shutter", "door", "window"),
         "lock": ("lock", "door", "door lock"), "climate": ("thermostat", "heating", "climate control"), "media_player": ("player", "speaker", "music", "media player"),
         "vacuum": ("vacuum", "robot"), "input_boolean": ("switch", "mode"), "scene": ("scene",)}


def loosely(rng, home, device):
    """The name as it is heard: "heat pump" for HeatPump, with its kind behind it, without its middle, in lower case, or its kind alone."""
    name = rng.choice(device.names)
    heard = "".join(" " + c.lower() if i and c.isupper() and name[i - 1].islower() else c for i, c in enumerate(name))
    kinds = KINDS.get(device.domain, ())
    others = {n.lower() for d in home.devices if d is not device for n in d.names}
    areas = {a.lower() for a in home.areas}
    parts = heard.split(" ")
    if kinds and len(home.of(device.domain)) == 1 and device.domain != "cover" and rng.random() < 0.2:
        return name, "the " + kinds[0]
    if len(parts) > 2 and parts[-1].isalpha() and rng.random() < 0.35:
        short = rng.choice((parts[0], " ".join(parts[:2]))) + " " + parts[-1]
        if not any(all(w in n.split(" ") for w in short.lower().split(" ")) for n in others):
            heard = short
    if kinds and rng.random() < (0.92 if heard.lower() in areas else 0.3) and not any(heard.lower().endswith(k) for k in kinds):
        longer = heard + " " + rng.choice(kinds)
        heard = heard if longer.lower() in others else longer
    heard = cased(rng, heard) if rng.random() < 0.5 else heard.lower()
    return name, heard if "'" in heard.split(" ")[0] else "the " + heard


FORMS = {
    "on": """{d} on please
lights and action, {d} on
i need {d}
we need {d}
=i need {d} now
={w} {w}, turn {d} on
make me a {w}, turn {d} on
={d} on
fire up {d}
start {d}
get {d} going
switch on {d}
turn {d} back on""",
    "off": """{d} off please
kill {d}
stop {d}
={w} {w} {w}, stop {d}
={w} {w}, turn {d} off
shut {d} off
=no more {d}
=enough of {d}
=i am done with {d}
={d} off
={d} off again
lose {d}
quiet {d}""",
    "lock": """lock up {d}
={d} locked please
=is {d} locked? if not do it
bolt {d}
lock {d}
=nobody may come in, lock {d}""",
    "unlock": """open up {d}
unlock {d}
={w} {w} is here, unlock {d}
=open {d} for the {w}
{w} open {d}
open {d} up
=let {p} in: unlock {d}
open {d}""",
    "open": """open {d}
=let the {w} in: open {d}
={w} {w}: open {d}
open up {d}
={d} open please
raise {d}""",
    "close": """close {d}
=i'm leaving, close {d}
=we are off, close {d}
shut {d}
={d} closed please
={d} shut
lower {d}
={w} {w}, close {d}""",
    "scene": """{d} please
={d}
={d} now
={d} scene
set {d}
start {d}
activate the {d} scene
{w} the {d} mood
=time for {d}
=let us have {d}
=i {w} {d}
=make it {d}
={w} {w}: {d}""",
}
# (domain, form, tool, state for the answer)
LOOSE = [("light", "on", "HassTurnOn", "on"), ("light", "off", "HassTurnOff", "off"), ("switch", "on", "HassTurnOn", "on"), ("switch", "off", "HassTurnOff", "off"),
         ("input_boolean", "on", "HassTurnOn", "on"), ("input_boolean", "off", "HassTurnOff", "off"), ("fan", "on", "HassTurnOn", "on"),
         ("fan", "off", "HassTurnOff", "off"), ("lock", "lock", "HassTurnOn", "locked"), ("lock", "unlock", "HassTurnOff", "unlocked"),
         ("cover", "open", "HassTurnOn", "open"), ("cover", "close", "HassTurnOff", "closed"), ("climate", "off", "HassTurnOff", "off"), ("climate", "on", "HassTurnOn", "on"),
         ("media_player", "off", "HassTurnOff", "off"), ("media_player", "on", "HassTurnOn", "on"), ("scene", "scene", "HassTurnOn", "activated"), ("scene", "scene", "HassTurnOn", "activated")]


def loose_turn(rng, home):
    """A device that is called a little otherwise than its name."""
    options = [(d, o) for d in home.devices for o in LOOSE if o[0] == d.domain]
    if not options:
        return None
    device, (_, form, tool, state) = rng.choice(options)
    name, heard = loosely(rng, home, device)
    return finish(rng, home, "command", tool, said(rng, FORMS[form], d=heard), {"name": name}, [device], f"{name} is {state}.")


SHARES = {"a quarter": 25, "half": 50, "a half": 50, "three quarters": 75, "a third": 33, "full brightness": 100, "full power": 100, "the maximum": 100, "maximum": 100,
          "full": 100, "the minimum": 1, "ten percent": 10, "twenty percent": 20, "eighty percent": 80}
SHARE_FORMS = """{d} to {v}
{d} at {v}
={d} to {v}
={d} at {v} please
set {d} to {v}
put {d} at {v}
bring {d} to {v}
={w} {w}: {d} at {v}
={d} {v}"""
VALUES = {"light": ("HassLightSet", "brightness", "{d} is at {v} percent."), "cover": ("HassSetPosition", "position", "{d} is at {v} percent."),
          "fan": ("HassFanSetSpeed", "percentage", "{d} runs at {v} percent."), "media_player": ("HassSetVolume", "volume_level", "The volume of {d} is {v}."),
          "climate": ("HassClimateSetTemperature", "temperature", "{d} is set to {v} degrees.")}
VALUE_FORMS = {"media_player": """{d} volume {v}
={d} volume {v}
volume of {d} to {v}
={d} at volume {v}
set {d} to {v} percent
set {d} to volume {v}
turn {d} to {v}""",
               "climate": """{d} to {v}
={d} to {v}
={d} at {v} degrees
set {d} to {v} degrees
make {d} {v} degrees
=i want {d} at {v}"""}


def share_turn(rng, home):
    """A share or a number, of a device or of the lights of an area."""
    if rng.random() < 0.35:
        areas = sorted({d.area for d in home.of("light") if d.area})
        if not areas:
            return None
        area = rng.choice(areas)
        words_of_it, value = rng.choice(sorted(SHARES.items()))
        heard = rng.choice((cased(rng, area), spoken_area(rng, area) + " lights", "the lights in " + spoken_area(rng, area)))
        if rng.random() < 0.4:
            value, words_of_it = number(rng, 1, 100)
            words_of_it += " percent"
        elif heard.lower() == area.lower():
            words_of_it, value = "full brightness", 100
        return finish(rng, home, "command", "HassLightSet", said(rng, SHARE_FORMS, d=heard, v=words_of_it), {"area": area, "brightness": value}, home.in_area(area, "light"), f"The lights in the {area} are at {value} percent.")
    devices = home.of(*VALUES)
    if not devices:
        return None
    device = rng.choice(devices)
    tool, argument, done = VALUES[device.domain]
    name, heard = loosely(rng, home, device)
    if device.domain in ("light", "cover", "fan") and rng.random() < 0.5:
        spoken_value, value = rng.choice(sorted(SHARES.items()))
    elif device.domain == "climate":
        value = rng.randint(15, 27)
        spoken_value = str(value)
    else:
        value, spoken_value = number(rng, 1, 99)
        spoken_value += "" if device.domain == "media_player" else rng.choice((" percent", "%", " percent"))
    forms = VALUE_FORMS.get(device.domain, SHARE_FORMS)
    return finish(rng, home, "command", tool, said(rng, forms, d=heard, v=spoken_value), {"name": name, argument: value}, [device], done.format(d=name, v=value))


AREA_FORMS = {True: """{a} {n} on
=all {n} in {a} on
=lights on in {a}
={n} on in {a}
=all the {n} of {a} on please
switch on the {n} in {a}
=it is dark in {a}, {n} on""", False: """{a} {n} off
=all {n} in {a} off
={n} off in {a}
kill the {n} in {a}
=no {n} in {a} please, off
could you switch off the {n} in {a}
=nobody is in {a}, {n} off"""}


def area_turn(rng, home):
    """All of a kind in an area, in short words; "the lamp in the bedroom" too."""
    pairs = sorted({(d.area, d.domain) for d in home.devices if d.area and d.domain in words.DOMAIN_PLURAL})
    if not pairs:
        return None
    area, domain = rng.choice(pairs)
    plural = rng.choice(words.DOMAIN_PLURAL[domain] + (["lights", "light", "lamp"] if domain == "light" else []))
    if any(f"{area} {plural}".lower() in n.lower() for d in home.devices for n in d.names):
        return None  # a device has that very name
    on = rng.random() < 0.5
    heard = spoken_area(rng, area)
    form = AREA_FORMS[on]
    if domain == "cover":
        form = form.replace("=lights on in {a}\n", "").replace(" on", " open").replace(" off", " closed")
    text = said(rng, form, a=heard, n=plural).replace("the the ", "the ")
    return finish(rng, home, "command", "HassTurnOn" if on else "HassTurnOff", text, {"area": area, "domain": [domain]}, home.in_area(area, domain),
                  f"The {words.DOMAIN_PLURAL[domain][0]} in the {area} are {('open' if on else 'closed') if domain == 'cover' else ('on' if on else 'off')}.")


# Words for a kind, by its domain, where its name is not said: "the radio in the den" for a player that is called Anna's Radio.
IN_AREA = {"light": ("light", "lamp"), "fan": ("fan", "ventilator"), "switch": ("switch", "plug"), "cover": ("blind", "shutter", "curtain"), "lock": ("lock", "door"), "media_player": ("radio", "speaker", "player", "music", "television"), "climate": ("heating", "thermostat")}
# (domain, tool, phrasings, arguments beside the area, answer)
AREA_TOOLS = [("light", "HassTurnOn", "turn on {d}\n={d} on\nswitch {d} on\n=i {w} {d} on", {"domain": ["light"]}, "on"), ("light", "HassTurnOff", "turn off {d}\n={d} off\nswitch {d} off", {"domain": ["light"]}, "off"),
              ("fan", "HassTurnOn", "turn on {d}\n={d} on\nstart {d}", {"domain": ["fan"]}, "on"), ("fan", "HassTurnOff", "turn off {d}\n={d} off\nstop {d}", {"domain": ["fan"]}, "off"),
              ("switch", "HassTurnOn", "turn on {d}\n={d} on", {"domain": ["switch"]}, "on"), ("switch", "HassTurnOff", "turn off {d}\n={d} off", {"domain": ["switch"]}, "off"),
              ("cover", "HassTurnOn", "open {d}\n={d} open\nraise {d}", {"domain": ["cover"]}, "open"), ("cover", "HassTurnOff", "close {d}\n={d} closed\nlower {d}", {"domain": ["cover"]}, "closed"),
              ("lock", "HassTurnOn", "lock {d}\n={d} locked please", {"domain": ["lock"]}, "locked"), ("lock", "HassTurnOff", "unlock {d}\n={d} unlocked please", {"domain": ["lock"]}, "unlocked"),
              ("media_player", "HassMediaPause", "pause {d}\n={d} pause", {}, "paused"), ("media_player", "HassTurnOff", "turn off {d}\n={d} off", {"domain": ["media_player"]}, "off"),
              ("media_player", "HassSetVolume", "set {d} to volume {v}\n={d} at {v}\nturn {d} to {v}", {"volume_level": 0}, "at volume {v}"), ("climate", "HassClimateSetTemperature", "set {d} to {v} degrees\n={d} to {v}\nturn {d} to {v}", {"temperature": 0}, "set to {v} degrees")]


def kind_in_area_turn(rng, home):
    """The one of its kind in an area, said by its kind and not by its name."""
    ones = sorted({(d.area, d.domain) for d in home.devices if d.area and d.domain in IN_AREA and len(home.in_area(d.area, d.domain)) == 1})
    if not ones:
        return None
    area, domain = rng.choice(ones)
    device, kind = home.in_area(area, domain)[0], rng.choice(IN_AREA[domain])
    known = [n.lower() for d in home.devices for n in d.names]
    if any(kind in n.split(" ") for n in known) or any(area.lower() in n.lower() for d in home.of(domain) for n in d.names):
        return None  # then a name is what was said
    _, tool, forms, arguments, state = rng.choice([t for t in AREA_TOOLS if t[0] == domain])
    value = rng.randint(15, 27) if domain == "climate" else number(rng, 1, 99)[0]
    heard = rng.choice((f"the {kind} in {spoken_area(rng, area)}", f"the {cased(rng, area)} {kind}"))
    return finish(rng, home, "command", tool, said(rng, forms, d=heard, v=value), {"area": area, **{k: v or value for k, v in arguments.items()}}, [device], f"{device.name} is {state.format(v=value)}.")


def floor_turn(rng, home):
    floor = rng.choice(words.FLOORS) if rng.random() < 0.75 else words.made_up_word(rng, "train").lower() + " floor"
    domain = rng.choice(("light", "light", "light", "switch", "fan", "cover", "media_player"))
    plural, on = rng.choice(words.DOMAIN_PLURAL[domain]), rng.random() < 0.5
    heard = floor if floor in ("upstairs", "downstairs") else "on the " + floor
    forms = [f"all {plural} {heard} {'on' if on else 'off'}", f"{floor} {plural} {'on' if on else 'off'}", f"turn {'on' if on else 'off'} the {plural} {heard}",
             f"switch the {plural} {heard} {'on' if on else 'off'}", f"turn {'on' if on else 'off'} all {floor} {plural}", f"the {plural} {heard} should be {'on' if on else 'off'}"]
    if domain == "cover":
        forms = [f"{'open' if on else 'close'} all {plural} {heard}", f"{'open' if on else 'close'} the {floor} {plural}"]
    return finish(rng, home, "command", "HassTurnOn" if on else "HassTurnOff", said(rng, "=" + rng.choice(forms)), {"floor": floor, "domain": [domain]}, home.of(domain),
                  f"The {plural} {heard} are {('open' if on else 'closed') if domain == 'cover' else ('on' if on else 'off')}.")


def player_turn(rng, home):
    players = home.of("media_player")
    if not players:
        return None
    device = rng.choice(players)
    name, heard = loosely(rng, home, device)
    kind = rng.choice(("mute", "unmute", "up", "down", "pause", "resume", "next", "previous", "off"))
    tool, forms, more, state = {
        "mute": ("HassMediaPlayerMute", "mute {d}\n=silence {d}\n={d} mute\nturn the sound of {d} off\n{w} {d}, mute it", {}, "{d} is muted."),
        "unmute": ("HassMediaPlayerUnmute", "unmute {d}\n=let me hear {d} again, unmute it\nturn the sound of {d} back on\n={d} unmute", {}, "{d} is no longer muted."),
        "up": ("HassSetVolumeRelative", "turn {d} up\n=louder {d}\n={d} louder please\nturn up {d}\nmake {d} louder\n=i can hardly hear {d}", {"volume_step": "up"}, "{d} is louder."),
        "down": ("HassSetVolumeRelative", "turn {d} down\n={d} quieter please\nturn down {d}\nmake {d} quieter\n={d} is too loud", {"volume_step": "down"}, "{d} is quieter."),
        "pause": ("HassMediaPause", "pause {d}\nhold {d}\n={d} pause\nstop the music on {d} for a {w}", {}, "{d} is paused."),
        "resume": ("HassMediaUnpause", "resume {d}\ncontinue {d}\n=go on with {d}\nlet {d} go on\nend the pause of {d}\nunpause {d}\n=the pause is over, {d} may go on\n=after that pause, continue {d}", {}, "{d} is playing again."),
        "next": ("HassMediaNext", "skip this on {d}\nnext track on {d}\n={d} next song\n=i do not like this song on {d}, the next one\nforward on {d}", {}, "{d} is playing the next track."),
        "previous": ("HassMediaPrevious", "go back a song on {d}\nprevious track on {d}\n={d} last song again\n=that song again on {d}\nback to the track before on {d}\n={d} one song back", {}, "{d} is playing the previous track."),
        "off": ("HassTurnOff", "silence {d} for good and turn it off\nswitch {d} off\n={d} off for today\n=that was enough of {d}, off\nend the music on {d}, off with it\npower {d} down", {}, "{d} is off."),
    }[kind]
    return finish(rng, home, "command", tool, said(rng, forms, d=heard), {"name": name, **more}, [device], state.format(d=name))


def moving_turn(rng, home):
    kind = rng.random()
    covers, vacuums = home.of("cover"), home.of("vacuum")
    if covers and (kind < 0.5 or not vacuums):
        device = rng.choice(covers)
        name, heard = loosely(rng, home, device)
        return finish(rng, home, "command", "HassStopMoving", said(rng, "stop {d} where it is\nhalt {d}\n=stop moving {d}\n={d} stop\nhold {d} right there", d=heard), {"name": name}, [device], f"{name} has stopped.")
    if not vacuums:
        return None
    device = rng.choice(vacuums)
    name, heard = loosely(rng, home, device)
    if kind < 0.6:
        floors = [f for f in words.FLOORS if f in name.lower()]
        if floors or len(vacuums) == 1:
            heard = floors[0] if floors else rng.choice(words.FLOORS)
            heard = heard if heard in ("upstairs", "downstairs") else "the " + heard
            return finish(rng, home, "command", "HassVacuumStart", said(rng, "vacuum {a}\nclean {a}\nhave {a} vacuumed\n=vacuum {a}", a=heard), {"name": name}, [device], f"{name} is cleaning.")
    if kind < 0.72 and "HassVacuumCleanArea" in home.tools:
        area = rng.choice(home.areas)
        heard = spoken_area(rng, area)
        return finish(rng, home, "command", "HassVacuumCleanArea", said(rng, "vacuum {a}\nclean {a}\nhave {a} vacuumed\n={a} is dirty, vacuum it\nsend the robot to {a}", a=heard), {"area": area}, [], f"The {area} is being cleaned.")
    if kind < 0.85:
        heard = heard if len(vacuums) > 1 else rng.choice((heard, "the vacuum", "the robot"))
        return finish(rng, home, "command", "HassVacuumReturnToBase", said(rng, "send {d} home\nsend {d} back\n={d} home\ncall {d} back to its base\n=enough cleaning, {d} home", d=heard), {"name": name}, [device], f"{name} is going home.")
    heard = heard if len(vacuums) > 1 else rng.choice((heard, "the vacuum", "the robot"))
    return finish(rng, home, "command", "HassVacuumStart", said(rng, "start {d}\nlet {d} clean\n=vacuum now with {d}\nrun {d}\n=the floor is dirty, start {d}", d=heard), {"name": name}, [device], f"{name} is cleaning.")


def list_turn(rng, home):
    lists = home.of("todo")
    if not lists:
        return None
    device = rng.choice(lists)
    name, heard = loosely(rng, home, device)
    heard = heard.removesuffix(" list") + " list" if not heard.endswith("list") and rng.random() < 0.3 else heard
    if len(lists) == 1 and rng.random() < 0.3:
        heard = rng.choice(("the list", "my list"))
    one, two = item(rng, home), item(rng, home)
    if rng.random() < 0.25:
        one = rng.choice((f"{number(rng, 2, 20)[0]} {one}", filled(rng, "{w}"), filled(rng, "{w} {w}"), f"{rng.choice(words.ITEMS)} for {filled(rng, '{p}')}"))
    kind = rng.random()
    if kind < 0.3:
        if "HassListAddItem" not in home.tools:
            return None
        only = len(lists) == 1 and rng.random() < 0.65
        forms = "remind me to buy {v} and {u}\nadd {v} and {u}\nwe are out of {v} and {u}\n=i need {v} and {u} from the shop\nput {v} and {u} on my list\nremind me of {v} and {u}\n={v} and {u} are missing\n=we need {v} and {u}\n=do not let me forget {v} and {u}" if only \
            else "add {v} and {u} to {d}\nput {v} and {u} on {d}\n={v} and {u} for {d}\nwrite {v} and {u} on {d}"
        return Turn("command", said(rng, forms, free=True, v=one, u=two, d=heard), [call("HassListAddItem", item=x, name=name) for x in (one, two)], [device, device],
                    done=f"{one[0].upper() + one[1:]} and {two} are on {name}.")
    if kind < 0.5:
        forms = "we are out of {v}, put it on {d}\nwe need {v}, add it to {d}\n=there is no {v} left, {d} please\n{v} is missing, put it on {d}"
        if len(lists) == 1:
            forms += "\nremind me to buy {v}\n=we are out of {v}\nput {v} on the list\n=i must not forget {v}, note it"
        return finish(rng, home, "command", "HassListAddItem", said(rng, forms, free=True, v=one, d=heard), {"item": one, "name": name}, [device], f"{one[0].upper() + one[1:]} is on {name}.")
    if kind < 0.62:
        return finish(rng, home, "command", "HassListRemoveItem", said(rng, "remove {v} from {d}\ntake {v} off {d}\ndelete {v} from {d}\nerase {v} from {d}\nthrow {v} off {d}\n={v} can come off {d}\n=i do not want {v} on {d} any more\n=there is {v} on {d}, take it off\n{w} {v} from {d}, i do not need it", free=True, v=one, d=heard),
                      {"item": one, "name": name}, [device], f"{one[0].upper() + one[1:]} is removed from {name}.")
    if kind < 0.72:
        return finish(rng, home, "command", "HassListCompleteItem", said(rng, "cross {v} off {d}\ncheck {v} off {d}\n=i bought {v}, cross it off {d}\ntick {v} on {d}\n={v} is done on {d}\nmark {v} as done on {d}\n={v} on {d} is finished\ncomplete {v} on {d}\n=i have {v} now, tick it off {d}\nset {v} on {d} to done", free=True, v=one, d=heard),
                      {"item": one, "name": name}, [device], f"{one[0].upper() + one[1:]} is checked off on {name}.")
    turn = finish(rng, home, "command", "get_items", said(rng, "read me {d}\n?what is on {d}\nread {d} to me\ntell me what {d} has\n?what do i need from {d}\nlist {d}\n?is there anything on {d}\n?what does {d} say\n?what stands on {d}\nshow me {d}\n?what is left on {d}\n?how many things are on {d}\nlet me hear {d}\n?what have i got on {d}", d=heard), {"todo_list": name}, [device], None)
    if turn.calls:
        found = [item(rng, home) for _ in range(rng.choice((0, 1, 2, 3, 4)))]
        entries = [{"summary": x, "uid": words.made_up_word(rng, "train"), "status": "needs_action"} if rng.random() < 0.6 else {"summary": x, "status": "needs_action"} for x in found]
        turn.result = enveloped(rng, {rng.choice(("items", "result")): entries})
        turn.done = f"On {name}: {', '.join(found)}." if found else f"Nothing is on {name}."
    return turn


def mixed_pair_turn(rng, home):
    """Two commands of two kinds in one sentence, now and then three."""
    usable = [d for d in home.devices if d.domain in ("light", "switch", "fan", "lock", "cover", "input_boolean")]
    count = 3 if rng.random() < 0.12 else 2
    if len(usable) < count or not {"HassTurnOn", "HassTurnOff"} <= set(home.tools):
        return None
    parts, calls, done, lit = [], [], [], set()
    targets = rng.sample(usable, count)
    for device in targets:
        options = [o for o in LOOSE if o[0] == device.domain]
        _, form, tool, state = rng.choice(options)
        tool = home.tool_for(tool, [device])
        if tool not in home.tools:
            return None
        verb = {"on": "turn on {}", "off": "turn off {}", "lock": "lock {}", "unlock": "unlock {}", "open": "open {}", "close": "close {}"}[form]
        if device.domain == "light" and device.area and device.area not in lit and rng.random() < 0.4:
            lit.add(device.area)
            plain = cased(rng, device.area)
            if any(f"{device.area} lights".lower() == n.lower() for d in home.devices for n in d.names):
                return None  # a device has that very name
            heard = rng.choice((f"{plain} lights", f"{plain} lights", f"lights in {spoken_area(rng, device.area)}", f"the {plain} lights"))
            calls.append(call(tool, area=device.area, domain=["light"]))
            done.append(f"the lights in the {device.area} are {state}")
        else:
            name, heard = loosely(rng, home, device)
            heard = heard if rng.random() < 0.5 else heard.removeprefix("the ")
            calls.append(call(tool, name=name))
            done.append(f"{name} is {state}")
        parts.append(f"{heard} {state}" if rng.random() < 0.5 else verb.format(heard))
    text = parts[0] + "".join(rng.choice((" and ", ", ", " and then ", ", and ")) + part for part in parts[1:]) + rng.choice(("", " please", ""))
    answer = " and ".join(done)
    return Turn("command", text[0].upper() + text[1:] if rng.random() < 0.6 else text, calls, targets, done=answer[0].upper() + answer[1:] + ".")


MISSING = {"on": "turned on", "off": "turned off", "open": "open", "close": "closed", "lock": "locked", "unlock": "unlocked"}


def missing_turn(rng, home):
    """Something that the home has not: a thing that it lacks, any word, or the window of a room that has none."""
    kind, form = rng.random(), rng.choice(sorted(MISSING))
    if kind < 0.4:
        heard = rng.choice(words.THINGS)
    elif kind < 0.6:
        heard = words.made_up_word(rng, "train").lower() if rng.random() < 0.5 else rng.choice(words.PLAIN)
    else:
        domain = {"open": "cover", "close": "cover", "lock": "lock", "unlock": "lock"}.get(form) or rng.choice(("light", "fan", "switch", "media_player"))
        room = (rng.choice(home.areas) if rng.random() < 0.7 else rng.choice(words.pick_split(words.AREAS, "train"))).lower()
        heard = f"{room} {rng.choice(words.COMMON_NOUNS[domain]).lower()}"
        if any(d.domain == domain and (d.area or "").lower() == room for d in home.devices):
            return None
    known = [f"{n} {d.area or ''}".lower() for d in home.devices for n in d.names]
    heard = cased(rng, heard.title()) if rng.random() < 0.15 else heard
    if any(all(w in k for w in heard.lower().split(" ")) or any(n.lower() in heard.lower() for n in d.names) for k, d in zip(known, home.devices)):
        return None
    heard = "the " + heard
    text = said(rng, FORMS[form], d=heard) if rng.random() < 0.8 else said(rng, SHARE_FORMS, d=heard, v=f"{number(rng, 1, 99)[1]} percent")
    return Turn("missing", text, reply=f"I cannot find {heard} among the devices of this home.")


TIMER_NAMES = ["pizza", "tea", "egg", "pasta", "laundry", "cake", "rice", "nap", "workout", "oven"]


def timer_turn(rng, home):
    """Timers of a device that can run them, one of them with a name of its own."""
    if "HassStartTimer" not in home.tools:
        return None
    kind, arguments, heard = rng.random(), *duration(rng)
    name = (rng.choice(TIMER_NAMES) if rng.random() < 0.5 else words.made_up_word(rng, "train").lower() if rng.random() < 0.5 else rng.choice(words.PLAIN)) if rng.random() < 0.6 else None
    timer, named = (f"the {name} timer", {"name": name}) if name else (rng.choice(("the timer", "my timer")), {})
    if kind < 0.35:
        forms = "set a {n} timer for {v}\nstart a {n} timer for {v}\n{n} timer for {v}\na {n} timer of {v} please\n=i need a {n} timer for {v}\n=a timer called {n}, {v}\n=the {n} takes {v}, set a timer\n=set a timer named {n} for {v}\n={v} for the {n}, timer please\n=tell me when the {n} has had {v}" if name else "set a timer for {v}\ntimer for {v}\nwake me in {v}\ntell me when {v} are over\nstart a timer of {v}\nremind me in {v}"
        return finish(rng, home, "command", "HassStartTimer", said(rng, forms, n=name, v=heard), {**named, **arguments}, [], f"The {name + ' ' if name else ''}timer runs for {heard}.")
    if kind < 0.43 and "HassCancelAllTimers" in home.tools:
        return finish(rng, home, "command", "HassCancelAllTimers", said(rng, "cancel all timers\nstop all timers\ndelete all timers\n=no more timers\nclear every timer\n=all timers off"), {}, [], "All timers are cancelled.")
    if kind < 0.78:
        tool, forms, state, amount = rng.choice((("HassCancelTimer", "cancel {t}\nstop {t}\ndelete {t}\nend {t}\nremove {t}\nclear {t}\ndrop {t}\n={t} off\n=no more need for {t}, cancel it", "is cancelled", {}), ("HassPauseTimer", "pause {t}\nhold {t}\nhalt {t} for a moment\n=let {t} wait", "is paused", {}),
                                                 ("HassUnpauseTimer", "resume {t}\ncontinue {t}\nlet {t} go on\nstart {t} again\n={t} may go on", "goes on", {}), ("HassIncreaseTimer", "add {v} to {t}\ngive {t} {v} more\n=i need {v} more on {t}", f"has {heard} more", arguments),
                                                 ("HassDecreaseTimer", "take {v} off {t}\nshorten {t} by {v}\nmake {t} {v} shorter", f"has {heard} less", arguments)))
        return finish(rng, home, "command", tool, said(rng, forms, t=timer, v=heard), {**named, **amount}, [], f"The {name + ' ' if name else ''}timer {state}.") if tool in home.tools else None
    turn = finish(rng, home, "command", "HassTimerStatus", said(rng, "?how long is left on {t}\n?how much time is left on {t}\n?how long does {t} still run\ncheck {t}\n?when does {t} end", t=timer), named, [], None)
    if turn.calls:
        running = [name] if name or rng.random() < 0.6 else [None, rng.choice(TIMER_NAMES)]
        entries, left = [], []
        for which in running:
            hours, minutes, seconds = rng.choice(((0, rng.randint(1, 59), 0), (0, rng.randint(1, 59), rng.randint(0, 59)), (0, 0, rng.randint(1, 59)), (rng.randint(1, 3), rng.randint(0, 59), 0)))
            entries.append({"id": words.made_up_word(rng, "train"), "name": which or "", "device_id": "", "language": "en", "start_hours": 0, "start_minutes": rng.randint(0, 59), "start_seconds": 0, "is_active": True, "hours_left": hours,
                            "minutes_left": minutes, "seconds_left": seconds, "rounded_hours_left": hours, "rounded_minutes_left": minutes, "rounded_seconds_left": seconds, "total_seconds_left": hours * 3600 + minutes * 60 + seconds})
            left.append(" ".join(f"{n} {unit}" for n, unit in ((hours, "hours"), (minutes, "minutes"), (seconds, "seconds")) if n) + f" on the {which + ' ' if which else ''}timer")
        turn.result = json.dumps({"data": {"speech": {}, "response_type": "action_done", "speech_slots": {"timers": entries}, "data": {"success": [], "failed": []}}, "error": False}, separators=(",", ":"))
        turn.done = f"There are {' and '.join(left)}."
    return turn


AGAIN = {"on": ("and on again\n=turn it back on\n=now turn it on\n=on again please\n=no, on\n=switch it on again", "HassTurnOn"),
         "off": ("and off again\n=turn it off again\n=off again please\n=now turn it off\n=no, off\n=switch it off again", "HassTurnOff"),
         "open": ("=no, open it\n=open it again\n=now open it", "HassTurnOn"), "close": ("=no, close it\n=close it again\n=and close it", "HassTurnOff"),
         "lock": ("=now lock it\n=lock it again", "HassTurnOn"), "unlock": ("=unlock it again\n=no, unlock it", "HassTurnOff")}


def again_turn(rng, home, before):
    """What goes on from the turn before: "and off again", "dim them to 15 percent"."""
    device = next((t for t in before.targets if isinstance(t, homes.Device)), None) if len(before.calls) == 1 else None
    if device is None or before.calls[0]["arguments"].get("name") not in device.names:
        return None
    name = before.calls[0]["arguments"]["name"]
    if device.domain in VALUES and rng.random() < 0.4:
        tool, argument, done = VALUES[device.domain]
        value, heard = number(rng, 1, 99) if device.domain != "climate" else (lambda v: (v, str(v)))(rng.randint(15, 27))
        unit = " degrees" if device.domain == "climate" else "" if device.domain == "media_player" else rng.choice((" percent", "%"))
        forms = {"light": "dim {i} to {v}\nset {i} to {v}\n=and now to {v}\n=make {i} {v}\n=better {v}"}.get(device.domain, "set {i} to {v}\n=and now to {v}\n=no, to {v}\n=make it {v}\n=better {v}")
        return finish(rng, home, "command", tool, said(rng, forms, i=rng.choice(("it", "it", "them")), v=heard + unit), {"name": name, argument: value}, [device], done.format(d=name, v=value))
    options = [o for o in LOOSE if o[0] == device.domain and o[1] in AGAIN]
    if not options:
        return None
    _, form, tool, state = rng.choice(options)
    return finish(rng, home, "command", tool, said(rng, AGAIN[form][0]), {"name": name}, [device], f"{name} is {state}.")


# --- questions on states ---

def enveloped(rng, result):
    """A result as Home Assistant sends it today, or as before 2026.9."""
    return json.dumps({"data": result, "error": False} if rng.random() < 0.75 else {"success": True, **result}, ensure_ascii=False, separators=rng.choice(((",", ":"), (", ", ": "))))


TITLES = ["{w} {w}", "the {w}", "{w} of the {w}", "{p} and the {w}", "{w}", "{w} {w} {w}"]


def full_context(rng, home):
    """The states of all devices, as GetLiveContext gives them, and a dict of what was put there."""
    lines, told = [], {}
    for d in sorted(home.devices, key=lambda d: d.name):
        attributes, more = [], {}
        if d.domain == "sensor":
            unit = rng.choice(("°C", "%", "W", "hPa", "kWh")) if not any(k in d.name.lower() for k in ("temperature", "thermo", "humid")) else ("%" if "humid" in d.name.lower() else "°C")
            value = f"{rng.randint(1, 95)}" if rng.random() < 0.4 else f"{rng.randint(1, 35)}.{rng.randint(0, 9)}"
            state, more, attributes = value, {"value": f"{value} {unit}"}, [("unit_of_measurement", f"'{unit}'" if unit == "%" else unit), ("device_class", "measurement")]
        elif d.domain == "weather":
            state = rng.choice(("sunny", "cloudy", "rainy", "snowy", "windy", "partlycloudy", "fog"))
            more = {"temperature": rng.randint(-5, 35) + rng.randint(0, 9) / 10}
            attributes = [("temperature", more["temperature"]), ("temperature_unit", "°C"), ("humidity", f"'{rng.randint(20, 99)}'")]
        elif d.domain == "climate":
            state = rng.choice(("heat", "cool", "off", "auto"))
            more = {"current": rng.choice((rng.randint(10, 30), rng.randint(10, 29) + 0.5, float(rng.randint(10, 30)))), "target": rng.choice((rng.randint(15, 27), float(rng.randint(15, 27))))}
            attributes = [("current_temperature", f"'{more['current']}'"), ("temperature_unit", "°C"), ("temperature", more["target"])]
            if rng.random() < 0.4:
                attributes.append(("humidity", rng.choice((rng.randint(20, 90), rng.randint(200, 900) / 10))))
        elif d.domain == "media_player":
            state = rng.choice(("playing", "paused", "off", "idle"))
            if state in ("playing", "paused"):
                more = {"volume": rng.randint(1, 100) / 100, "title": filled(rng, rng.choice(TITLES)).title()}
                attributes = [("volume_level", more["volume"]), ("media_title", more["title"])]
                if rng.random() < 0.6:
                    more["artist"] = filled(rng, rng.choice(("{p} {w}", "The {w}s", "{w} {w}", "{p}"))).title()
                    attributes.append(("media_artist", more["artist"]))
        elif d.domain == "cover":
            state = rng.choice(("open", "closed"))
            if state == "open" and rng.random() < 0.6:
                more = {"position": rng.randint(1, 100)}
                attributes = [("current_position", f"'{more['position']}'")]
            if rng.random() < 0.3:
                attributes.append(("device_class", rng.choice(("garage", "window", "blind"))))
        elif d.domain == "light":
            state = rng.choice(("on", "off"))
            if state == "on" and rng.random() < 0.8:
                more = {"percent": rng.randint(1, 100)}
                attributes = [("brightness", f"'{round(more['percent'] * 2.55)}'"), ("brightness_pct", f"'{more['percent']}'")]
        elif d.domain == "fan":
            state = rng.choice(("on", "off"))
            if state == "on":
                more = {"percent": rng.randint(1, 100)}
            attributes = [("percentage", f"'{more['percent']}'" if more else "")]
        elif d.domain in ("lock", "vacuum", "lawn_mower"):
            state = rng.choice({"lock": ("locked", "unlocked"), "vacuum": ("docked", "cleaning", "returning"), "lawn_mower": ("docked", "mowing")}[d.domain])
        elif d.domain == "todo":
            state = str(rng.randint(0, 9))
        elif d.domain == "scene":
            state = "unknown"
        else:
            state = rng.choice(("on", "off"))
            if rng.random() < 0.3:
                attributes = [("device_class", rng.choice(("outlet", "switch", "motion")))]
        told[d] = {"state": state, **more}
        lines.append(homes.device_yaml(d, f"'{state}'" if state in ("on", "off") or state[0].isdigit() else state, attributes))
    return "Live Context: An overview of the areas and the devices in this smart home:\n" + "\n".join(lines) + "\n", told


def read_states(rng, home, text, answer):
    """The turn that reads the live context and then says `answer(told)`; None where nothing can be said."""
    if "GetLiveContext" not in home.tools:
        return not_offered(rng, home, "GetLiveContext", text)
    context, told = full_context(rng, home)
    done = answer(told)
    if done is None:
        return None
    turn = Turn("command", text, [call("GetLiveContext")], [])
    turn.result, turn.done = enveloped(rng, {"result": context}), done
    return turn


STATE_FORMS = {
    "light": "?is {d} on\n?is {d} off\n?did i leave {d} on\n?is {d} still on\n?did i turn off {d}\ncheck {d}\n?what about {d}\n?have i left {d} on\ntell me if {d} is on\n=say, is {d} on?\n={d}, is that on?\n=tell me, is {d} on now?",
    "switch": "?is {d} on\n?is {d} off\n?did i leave {d} on\n?is {d} running\n?did i turn {d} off\n?have i left {d} on\n=say, is {d} off?\n={d}, is it on now?",
    "input_boolean": "?is {d} on\n?is {d} active\n?is {d} off",
    "fan": "?is {d} running\n?is {d} on\n?is {d} off",
    "lock": "?is {d} locked\n?did i lock {d}\n?is {d} unlocked\ncheck if {d} is locked\n?can anyone come in through {d}\n?what is the state of {d}\n=tell me, is {d} locked?\n=say, have i locked {d}?\n={d}, is it locked now?\n?have i left {d} unlocked",
    "cover": "?is {d} open\n?is {d} closed\n?did i close {d}\n?is {d} still open\n?did {p} open {d}\n=tell me, is {d} shut?\n={d}, is that open?\n?have i left {d} open",
    "vacuum": "?what is {d} doing\n?is {d} cleaning\n?where is {d} now\n?is {d} docked",
    "lawn_mower": "?what is {d} doing\n?is {d} mowing",
    "binary_sensor": "?what does {d} say\n?is {d} on",
    "media_player": "?is {d} playing\n?what is {d} doing\n?is {d} paused\n?is {d} on",
}
KIND_WORDS = {"light": "lights", "lock": "doors", "cover": "covers", "fan": "fans", "switch": "switches", "media_player": "players"}


def states_turn(rng, home):
    kind = rng.random()
    if kind < 0.4:
        devices = home.of(*STATE_FORMS)
        if not devices:
            return None
        device = rng.choice(devices)
        name, heard = loosely(rng, home, device) if rng.random() < 0.6 else spoken(rng, home, device)
        return read_states(rng, home, said(rng, STATE_FORMS[device.domain], d=heard), lambda told: f"{device.name} is {told[device]['state']}.")
    if kind < 0.68:
        return reading_turn(rng, home)
    if kind < 0.76 and home.of("weather"):
        device = home.of("weather")[0]
        return read_states(rng, home, said(rng, "?what is the weather like\n?how is the weather\nthe weather please\n?what does the weather do\n?what is the weather"),
                           lambda told: f"It is {told[device]['state']} and {told[device]['temperature']} degrees.")
    domain = rng.choice([d for d in KIND_WORDS if home.of(d)] or [None])
    if domain is None:
        return None
    word = {"light": "on", "lock": "unlocked", "cover": "open", "fan": "on", "switch": "on", "media_player": "playing"}[domain]
    heard = {"lock": rng.choice(("locks", "doors")), "light": rng.choice(("lights", "lamps"))}.get(domain, KIND_WORDS[domain])

    def answer(told):
        found = [d.name for d in home.devices if d.domain == domain and told[d]["state"] == word]
        if len(found) > 6:
            return None
        return f"{', '.join(found[:-1])}{' and ' if found[1:] else ''}{found[-1]} {'is' if len(found) == 1 else 'are'} {word}." if found else f"None of the {KIND_WORDS[domain]} is {word}."
    return read_states(rng, home, said(rng, "?which {n} are {s}\n?are any {n} {s}\n?is any of the {n} {s}\ntell me which {n} are {s}\n?are there {n} {s}", n=heard, s=word), answer)


def reading_turn(rng, home):
    """A number or a title of one device."""
    devices = home.of("sensor", "climate", "media_player", "light", "cover", "fan")
    if not devices:
        return None
    device = rng.choice(devices)
    name, heard = loosely(rng, home, device)
    if device.domain == "sensor":
        place = name.split(" ")[0].lower()
        forms = "?what does {d} show\n?what is {d}\n?how high is {d}\n?how much is {d}\ntell me {d}"
        others = [d for d in home.of("sensor", "climate") if d is not device and place in d.name.lower().split(" ")]
        if "temperature" in name.lower() and len(name.split(" ")) > 1 and not others and rng.random() < 0.6:
            forms, heard = "?how warm is it {d}\n?how cold is it {d}\n?what is the temperature {d}\n?is it warm {d}", place if place == "outside" else "in the " + place
        return read_states(rng, home, said(rng, forms, d=heard), lambda told: f"{device.name} shows {told[device]['value']}.")
    if device.domain == "climate":
        if rng.random() < 0.4:
            return read_states(rng, home, said(rng, "?what is {d} set to\n?what target temperature has {d}\n?to what is {d} set\n?which temperature is {d} to reach\n?what is the target of {d}", d=heard), lambda told: f"{device.name} is set to {told[device]['target']} degrees.")
        forms = "?what temperature does {d} have\n?how warm is it at {d}\n?what does {d} show\n?what does {d} measure\n?what is the temperature at {d}"
        if device.area and len(home.in_area(device.area, "climate")) == 1 and rng.random() < 0.5:
            forms, heard = "?how warm is it in {d}\n?what is the temperature in {d}\n?is it cold in {d}\n?how cold is it in {d}", spoken_area(rng, device.area)
        return read_states(rng, home, said(rng, forms, d=heard), lambda told: f"{device.name} shows {told[device]['current']} degrees.")
    if device.domain == "media_player":
        if rng.random() < 0.5:
            return read_states(rng, home, said(rng, "?at what volume is {d}\n?how loud is {d}\n?what is the volume of {d}", d=heard),
                               lambda told: f"The volume of {device.name} is {told[device]['volume']}." if "volume" in told[device] else f"{device.name} is {told[device]['state']}.")
        if rng.random() < 0.3:
            return read_states(rng, home, said(rng, "?who is playing on {d}\n?who sings on {d}\n?which artist is on {d}\n?who is that on {d}", d=heard),
                               lambda told: f"{told[device]['artist']} is playing on {device.name}." if "artist" in told[device] else f"{device.name} is {told[device]['state']}.")
        return read_states(rng, home, said(rng, "?what is {d} playing\n?what is playing on {d}\n?which song is on {d}\n=so which song is on {d}?\n=tell me, what plays on {d}?", d=heard),
                           lambda told: f"{device.name} plays {told[device]['title']}." if told[device]["state"] == "playing" else f"{device.name} is {told[device]['state']}.")
    forms, key = {"light": ("?how bright is {d}\n?what brightness has {d}", "percent"), "cover": ("?how far is {d} open\n?at what position is {d}", "position"),
                  "fan": ("?how fast is {d}\n?at what speed is {d}", "percent")}[device.domain]
    return read_states(rng, home, said(rng, forms, d=heard), lambda told: f"{device.name} is at {told[device][key]} percent." if key in told[device] else f"{device.name} is {told[device]['state']}.")


SCRIPT_VALUES = {"minutes": "=for {} minutes", "portions": "=with {} portions", "people": "=for {} people", "level": "=at level {}", "count": "={} times", "person": "=for {}", "guest": "=with {}"}


def script_turn(rng, home):
    """A script by its name, and with what it takes."""
    if not home.scripts:
        return None
    name = rng.choice(home.scripts)
    heard, arguments = name.replace("_", " "), {}
    forms = "{w} time: {d}\n{d} please\n={d}\n=it is time for {d}\nrun {d}\nstart {d}\nlaunch the {d} script\n{w} {w}: {d}\ndo {d}\ndo the {d} thing\n=the {d} script\n={d} now\n=time for {d}\n=let us do {d}\nbegin {d}\n=i {w} {d}\n{w} {d}"
    key = home.script_keys.get(name)
    if key:
        value = rng.randint(2, 60) if key not in ("person", "guest") else rng.choice(words.pick_split(words.PEOPLE, "train"))
        arguments = {key: value}
        forms = "run {d} {v}\nstart {d} {v}\n={d} {v}\n={d} {v} please\ndo {d} {v}\n=i {w} {d} {v}\n{w} {d} {v}"
        text = said(rng, forms, d=heard, v=SCRIPT_VALUES[key].lstrip("=").format(value))
    else:
        text = said(rng, forms, d=heard)
    turn = finish(rng, home, "command", name, text, arguments, [], f"{heard.capitalize()} is started.")
    turn.result = rng.choice((enveloped(rng, {"result": {}}), enveloped(rng, {}), enveloped(rng, {"result": None}), '{"success": true}'))
    return turn


def unclear_turn(rng, home):
    """A value for nothing in particular: asked back, never done to the whole home."""
    value, heard = number(rng, 1, 99)
    forms, reply = rng.choice((("dim to {v} percent\nset it to {v} percent\n={v} percent please\nmake it {v} percent", "What should I set to {v} percent?"),
                               ("make it blue\nturn it red\n=i want it green", "What should change its color?"),
                               ("turn it on\nswitch it on\n=on please", "What should I turn on?"), ("turn it off\nswitch it off\n=off please", "What should I turn off?"),
                               ("make it warmer\n=it is too cold\nheat it up", "Which room should be warmer?"), ("open it\nopen up", "What should I open?"), ("close it\nshut it", "What should I close?")))
    return Turn("ask", said(rng, forms, v=heard), reply=reply.format(v=heard))


def kinds_turn(rng, home):
    """What of a kind is in an area, from the list."""
    areas = sorted({d.area for d in home.devices if d.area})
    domain = rng.choice([d for d in words.DOMAIN_PLURAL])
    if not areas:
        return None
    area, plural = rng.choice(areas), rng.choice(words.DOMAIN_PLURAL[domain])
    found = [d.name for d in home.in_area(area, domain)]
    text = said(rng, "?do i have {n} in {a}\n?are there {n} in {a}\n?which {n} are in {a}\n?what {n} do i have in {a}\n?is there any of the {n} in {a}", n=plural, a=spoken_area(rng, area))
    names = ", ".join(found[:-1]) + (" and " if found[1:] else "") + (found[-1] if found else "")
    return Turn("exist", text, reply=f"Yes, in the {area}: {names}." if found else f"No, there are no {plural} in the {area}.")


CHATTER = [("how are you\nhow do you do\nhow is it going\nhow are things", "I am fine, thank you. What can I do for you?"),
           ("hi there\nhello\nhi\nhey\ngood morning\ngood evening\nhello there\nhey there", "Hello! What can I do for you?"),
           ("good night\ngood night, thanks for everything\nsleep well\nbye\ngoodbye, thanks\nsee you tomorrow\nthat is all, good night", "Good night!"),
           ("thanks\nthank you\nthanks a lot\nthank you so much, that is great\nwell done\ngreat, thanks\nperfect", "You are welcome."),
           ("never mind\nforget it\nnothing\nno, leave it", "All right.")]
ABILITIES = "?what can you do\n?what can you do for me\n?how can you help me\nhelp\n?what are you able to do\n?what should i ask you\n?what can i say to you"


def chatter_turn(rng, home):
    """Nothing to do. In a home that has every tool it is tempting to do something."""
    if rng.random() < 0.15:
        return Turn("chat", said(rng, ABILITIES), reply="I can call the tools of this program for you, and answer questions about hearthd." if home is None else "I control the devices of this home, tell you their states, and look after lists and timers where it has them.")
    forms, reply = rng.choice(CHATTER)
    return Turn("chat", said(rng, "=" + "\n=".join(forms.split("\n"))), reply=reply)


def wake_turn(rng, home):
    """A timer where there is none."""
    if "HassStartTimer" in home.tools:
        return None
    text = said(rng, "wake me in {v} minutes\nset a timer for {v} minutes\nremind me in {v} minutes\n=i need a timer of {v} minutes\ntell me when {v} minutes are over", v=rng.choice((str(rng.randint(1, 59)), "ten", "five")))
    return not_offered(rng, home, "HassStartTimer", text)


TURNS = [(15, loose_turn), (8, share_turn), (7, area_turn), (5, kind_in_area_turn), (5, floor_turn), (8, player_turn), (8, moving_turn), (11, list_turn), (9, mixed_pair_turn), (13, states_turn), (6, missing_turn), (8, timer_turn),
         (9, script_turn), (3, kinds_turn), (2, unclear_turn), (4, chatter_turn), (1, wake_turn), (1, time_turn)]


def any_turn(rng, home):
    weights, makers = zip(*TURNS)
    for _ in range(20):
        turn = rng.choices(makers, weights)[0](rng, home)
        # A tool that is not offered is asked for now and then, not as often as chance has it.
        if turn is not None and (turn.kind != "not_offered" or rng.random() < 0.15):
            return turn
    return None
