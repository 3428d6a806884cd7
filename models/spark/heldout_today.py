# The held-out commands of today's homes, by category: a request, turns before it, and every answer that a home's owner would take for right.
# An answer is calls in any order. A call's `arguments` are those that it must have, each with its right values; those of `may` it may have too.
# `seconds`: what its hours, minutes and seconds come to.
import json

import heldout_phrases as p
import home as homes
import words


class Request:
    def __init__(self, text, *answers, before=()):
        self.text, self.answers, self.before = text, list(answers), list(before)


def wanted(home, tool, arguments, **may):
    """One call; None where the home does not offer the tool. A list is the right values of an argument."""
    if tool not in home.tools:
        return None
    def values(given):
        return {k: v if isinstance(v, list) else [v] for k, v in given.items()}
    return {"name": home.full_name(tool), "arguments": values(arguments), "may": values(may)}


def at_device(home, tool, device, **arguments):
    """The call for one device: by its name or an alias. That it is also said what and where it is does no harm."""
    may = {"domain": [[device.domain]]} if "domain" in homes.TODAY[tool] else {}
    if device.area and "area" in homes.TODAY[tool]:
        may["area"] = [device.area]
    return wanted(home, tool, {"name": device.names, **arguments}, **may)


def at_area(home, tool, area, domain, **arguments):
    """The call for all devices of a domain in an area. Where the tool is of one domain only, that need not be said."""
    takes = "domain" in homes.TODAY[tool]
    of_one = tool not in ("HassTurnOn", "HassTurnOff", "HassOpen", "HassClose", "HassSetPosition")
    if takes and not of_one:
        return wanted(home, tool, {"area": area, "domain": [[domain]], **arguments})
    return wanted(home, tool, {"area": area, **arguments}, **({"domain": [[domain]]} if takes else {}))


def answers(*each):
    """Those whose calls are all offered, in lists of calls."""
    listed = [e if isinstance(e, list) else [e] for e in each]
    return [e for e in listed if None not in e]


def said(rng, name):
    """A name as people say it: small letters, an article."""
    text = name.lower() if rng.random() < 0.5 else name
    return text if "'s " in name or rng.random() < 0.45 else f"the {text}"


def said_area(rng, area):
    text = area.lower() if rng.random() < 0.6 else area
    return text if area not in words.AREAS and rng.random() < 0.6 else f"the {text}"


def styled(rng, form, **slots):
    text = form.format(**{k: v for k, v in slots.items()})
    opening, closing = rng.choice(p.OPENINGS), rng.choice(p.CLOSINGS)
    if opening:
        keeps = text.startswith(("I ", "I'", "{")) or form.startswith("{")
        text = opening + (text if keeps else text[0].lower() + text[1:])
    elif rng.random() < 0.8:
        text = text[0].upper() + text[1:]
    if closing and not text.endswith("?"):
        text = text.rstrip(".!") + closing
    kind = rng.random()
    if kind < 0.2:
        return "".join(c for c in text if c not in ".,!?:").lower()  # from a speech recognizer
    return text.replace("'", "") if kind < 0.25 and not any("'" in str(v) for v in slots.values()) else text


def kind_of(device):
    """The noun at the end of a device's name, in small letters: what it is called where it is the only one."""
    nouns = [n for n in words.NOUNS[device.domain] if device.name.lower().endswith(" " + n.lower())]
    return max(nouns, key=len).lower() if nouns else None


def by_device(home, device, tools, **arguments):
    """The calls that act on one device, each an answer: by its name, and by its area where it is the only one of its kind there."""
    named = [at_device(home, tool, device, **arguments) for tool in tools]
    if device.area and home.in_area(device.area, device.domain) == [device]:
        named += [at_area(home, tool, device.area, device.domain, **arguments) for tool in tools if "area" in homes.TODAY[tool]]
    return answers(*named)


def device_request(rng, home, domain, forms, tools, then=(), **arguments):
    """To one device. `tools` are equally right; `then`: further answers, as pairs of a tool and its arguments."""
    devices = home.of(domain)
    if not devices:
        return None
    device = rng.choice(devices)
    name = rng.choice(device.names)
    heard = rng.choice((name, name.lower())) if domain == "scene" else said(rng, name)
    right = by_device(home, device, tools, **arguments)
    noun = kind_of(device)
    alone = device.area and home.in_area(device.area, domain) == [device]
    if noun and alone and rng.random() < 0.3:
        heard = f"the {noun} in {said_area(rng, device.area)}"
    for tool, others in then:
        right += by_device(home, device, [tool], **others)
    return Request(styled(rng, rng.choice(forms), d=heard, v=next(iter(arguments.values()), "")), *right) if right else None


def area_request(rng, home, domain, forms, tools, **arguments):
    """To all of a kind in an area; naming each of them does the same."""
    areas = [a for a in home.areas if len(home.in_area(a, domain)) > 1]
    if not areas:
        return None
    area = rng.choice(areas)
    kinds = {kind_of(d) for d in home.in_area(area, domain)}
    noun = {"cover": "covers"}.get(domain, domain + "s")
    if len(kinds) == 1 and None not in kinds:
        only = kinds.pop()
        noun = only if only.endswith("s") else only + "s"
    if "every {n}" in "".join(forms):
        forms = [f for f in forms if "every {n}" not in f]
    right = answers(*(at_area(home, tool, area, domain, **arguments) for tool in tools),
                    *([at_device(home, tool, d, **arguments) for d in home.in_area(area, domain)] for tool in tools))
    return Request(styled(rng, rng.choice(forms), a=said_area(rng, area), n=noun, v=next(iter(arguments.values()), "")), *right)


def again(rng, home, device, tool, first, forms, tools, **arguments):
    """A request that says "it", after one on the device."""
    call = {"type": "function", "function": {"name": home.full_name(tool), "arguments": {"name": device.name}}}
    before = [{"role": "user", "content": styled(rng, rng.choice(first), d=said(rng, device.name))}, {"role": "assistant", "content": "", "tool_calls": [call]},
              {"role": "tool", "content": homes.action_result(rng, [device], today=True)}, {"role": "assistant", "content": "Done."}]
    return Request(rng.choice(forms).format(v=next(iter(arguments.values()), "")), *by_device(home, device, tools, **arguments), before=before)


def percent(rng, low=5, high=95):
    return rng.randint(low, high)


def light(rng, home):
    kind, devices = rng.random(), home.of("light")
    if not devices:
        return None
    if kind < 0.2:
        return device_request(rng, home, "light", p.LIGHT_ON, ["HassTurnOn"], [("HassLightSet", {"brightness": 100})])
    if kind < 0.38:
        return device_request(rng, home, "light", p.LIGHT_OFF, ["HassTurnOff"], [("HassLightSet", {"brightness": 0})])
    if kind < 0.55:
        on = rng.random() < 0.5
        return area_request(rng, home, "light", p.AREA_LIGHTS_ON if on else p.AREA_LIGHTS_OFF, ["HassTurnOn" if on else "HassTurnOff"])
    if kind < 0.72:
        return device_request(rng, home, "light", p.BRIGHTNESS, ["HassLightSet"], brightness=percent(rng))
    if kind < 0.78:
        return area_request(rng, home, "light", p.AREA_BRIGHTNESS, ["HassLightSet"], brightness=percent(rng))
    if kind < 0.88:
        return device_request(rng, home, "light", p.COLOR, ["HassLightSet"], color=rng.choice(words.COLORS))
    what, form = rng.choice(p.LIGHT_AGAIN)
    arguments = {"off": {}, "dim": {"brightness": percent(rng)}, "color": {"color": rng.choice(words.COLORS)}}[what]
    return again(rng, home, rng.choice(devices), "HassTurnOn", p.LIGHT_ON, [form], ["HassTurnOff" if what == "off" else "HassLightSet"], **arguments)


def switch(rng, home):
    on = rng.random() < 0.5
    return device_request(rng, home, rng.choice(("switch", "switch", "input_boolean")), p.SWITCH_ON if on else p.SWITCH_OFF, ["HassTurnOn" if on else "HassTurnOff"])


def fan(rng, home):
    kind = rng.random()
    if kind < 0.3:
        return device_request(rng, home, "fan", p.FAN_ON, ["HassTurnOn"], [("HassFanSetSpeed", {"percentage": 100})])
    if kind < 0.55:
        return device_request(rng, home, "fan", p.FAN_OFF, ["HassTurnOff"], [("HassFanSetSpeed", {"percentage": 0})])
    if kind < 0.85:
        return device_request(rng, home, "fan", p.FAN_SPEED, ["HassFanSetSpeed"], percentage=percent(rng))
    return device_request(rng, home, "fan", p.FAN_FULL if kind < 0.93 else p.FAN_HALF, ["HassFanSetSpeed"], percentage=100 if kind < 0.93 else 50)


def cover(rng, home):
    kind = rng.random()
    if kind < 0.25:
        return device_request(rng, home, "cover", p.OPEN, ["HassTurnOn", "HassOpen"], [("HassSetPosition", {"position": 100})])
    if kind < 0.48:
        return device_request(rng, home, "cover", p.CLOSE, ["HassTurnOff", "HassClose"], [("HassSetPosition", {"position": 0})])
    if kind < 0.58:
        shut = rng.random() < 0.5
        return area_request(rng, home, "cover", p.AREA_CLOSE if shut else p.AREA_OPEN, ["HassTurnOff", "HassClose"] if shut else ["HassTurnOn", "HassOpen"])
    if kind < 0.78:
        return device_request(rng, home, "cover", p.POSITION, ["HassSetPosition"], position=percent(rng))
    if kind < 0.84:
        return device_request(rng, home, "cover", p.HALF_OPEN, ["HassSetPosition"], position=50)
    if kind < 0.93 or not home.of("cover"):
        return device_request(rng, home, "cover", p.STOP_COVER, ["HassStopMoving"])
    device = rng.choice(home.of("cover"))
    request = again(rng, home, device, "HassTurnOn", p.OPEN, p.COVER_AGAIN, ["HassTurnOff", "HassClose"])
    request.answers += by_device(home, device, ["HassSetPosition"], position=0)
    return request


def lock(rng, home):
    shut = rng.random() < 0.5
    return device_request(rng, home, "lock", p.LOCK if shut else p.UNLOCK, ["HassTurnOn", "HassLock"] if shut else ["HassTurnOff", "HassUnlock"])


def climate(rng, home):
    kind, degrees = rng.random(), rng.choice((rng.randint(15, 26), rng.randint(15, 26), rng.randint(30, 52) / 2))
    degrees = int(degrees) if degrees == int(degrees) else degrees
    areas = sorted({d.area for d in home.of("climate") if d.area})
    if kind < 0.3 and areas:
        area = rng.choice(areas)
        right = answers(at_area(home, "HassClimateSetTemperature", area, "climate", temperature=degrees),
                        [at_device(home, "HassClimateSetTemperature", d, temperature=degrees) for d in home.in_area(area, "climate")])
        return Request(styled(rng, rng.choice(p.AREA_TEMPERATURE), a=said_area(rng, area), v=degrees), *right)
    if kind < 0.8:
        return device_request(rng, home, "climate", p.TEMPERATURE, ["HassClimateSetTemperature"], temperature=degrees)
    on = kind < 0.9
    return device_request(rng, home, "climate", p.CLIMATE_ON if on else p.CLIMATE_OFF, ["HassTurnOn" if on else "HassTurnOff"])


LOUDER, QUIETER = ["up", 5, 10, 15, 20], ["down", -5, -10, -15, -20]
MEDIA = [(p.PAUSE, "HassMediaPause", {}), (p.RESUME, "HassMediaUnpause", {}), (p.NEXT, "HassMediaNext", {}), (p.PREVIOUS, "HassMediaPrevious", {}),
         (p.LOUDER, "HassSetVolumeRelative", {"volume_step": LOUDER}), (p.QUIETER, "HassSetVolumeRelative", {"volume_step": QUIETER}), (p.MUTE, "HassMediaPlayerMute", {}),
         (p.UNMUTE, "HassMediaPlayerUnmute", {}), (p.PLAYER_ON, "HassTurnOn", {}), (p.PLAYER_OFF, "HassTurnOff", {}), (p.VOLUME, "HassSetVolume", "volume_level")]


def media(rng, home):
    forms, tool, arguments = rng.choice(MEDIA)
    if arguments == "volume_level":
        arguments = {"volume_level": percent(rng)}
    request = device_request(rng, home, "media_player", forms, [tool], **arguments)
    muted = {"HassMediaPlayerMute": True, "HassMediaPlayerUnmute": False}
    for call in [c for answer in request.answers for c in answer] if request and tool in muted else []:
        call["may"]["is_volume_muted"] = [muted[tool]]
    return request


def vacuum(rng, home):
    kind, devices = rng.random(), home.of("vacuum")
    if kind < 0.3:
        return device_request(rng, home, "vacuum", p.VACUUM, ["HassVacuumStart"])
    if kind < 0.4:
        if len(devices) != 1:
            return None
        return Request(styled(rng, rng.choice(p.ONLY_VACUUM)), *by_device(home, devices[0], ["HassVacuumStart"]))
    if kind < 0.75:
        return device_request(rng, home, "vacuum", p.DOCK, ["HassVacuumReturnToBase"])
    if len(devices) != 1:
        return None  # it would not be said which is to clean
    area = rng.choice(home.areas)
    clean = wanted(home, "HassVacuumCleanArea", {"area": area}, name=devices[0].names)
    return Request(styled(rng, rng.choice(p.CLEAN_AREA), a=said_area(rng, area)), *answers(clean))


def scene(rng, home):
    return device_request(rng, home, "scene", p.SCENE, ["HassTurnOn"])


def script(rng, home):
    name = rng.choice(home.scripts)
    _, parameters = home.script_shapes[name]
    heard = name.replace("_", " ")
    if not parameters:
        return Request(styled(rng, rng.choice(p.SCRIPT), d=heard), *answers(wanted(home, name, {})))
    [(key, kind)] = parameters.items()
    value = rng.randint(2, 9) if key == "portions" else rng.randint(3, 45) if kind == "integer" else rng.choice(words.pick_split(words.PEOPLE, "test"))
    return Request(styled(rng, rng.choice(p.SCRIPT_WITH[key]), d=heard, v=value), *answers(wanted(home, name, {key: value})))


def thing(rng):
    """What is put on a list: held-out items, and made-up goods."""
    known, word = rng.choice(words.pick_split(words.ITEMS, "test")), words.made_up_word(rng, "test").lower()
    return rng.choice((known, known, f"{word} {rng.choice(('tea', 'yogurt', 'soup', 'paper', 'oil', 'bread'))}", f"{rng.randint(2, 9)} {word}s", word))


def todo(rng, home):
    lists = home.of("todo")
    if not lists:
        return None
    target, item, kind = rng.choice(lists), thing(rng), rng.random()
    heard = rng.choice((target.name, target.name.lower())) if "'s " in target.name else rng.choice(("my ", "the ", "our ")) + rng.choice((target.name, target.name.lower()))
    def request(forms, tool, **slots):
        call = wanted(home, tool, {"item": item, "name": target.names})
        return Request(styled(rng, rng.choice(forms), i=item, l=heard, **slots), *answers(call))
    if kind < 0.3:
        return request(p.ADD_ITEM, "HassListAddItem")
    if kind < 0.4:
        return request(p.ADD_ONLY, "HassListAddItem") if len(lists) == 1 else None
    if kind < 0.5:
        other = thing(rng)
        both = [wanted(home, "HassListAddItem", {"item": i, "name": target.names}) for i in (item, other)]
        return Request(styled(rng, rng.choice(p.ADD_TWO), i=item, j=other, l=heard), *answers(both)) if item != other else None
    if kind < 0.65:
        return request(p.COMPLETE_ITEM, "HassListCompleteItem")
    if kind < 0.8:
        return request(p.REMOVE_ITEM, "HassListRemoveItem")
    read = wanted(home, "get_items", {"todo_list": target.names}, status=["needs_action"])
    return Request(styled(rng, rng.choice(p.READ_LIST), l=heard), *answers(read))


def duration(rng):
    """(as it is said, its seconds)."""
    kind, n = rng.random(), rng.randint(2, 55)
    if kind < 0.55:
        return f"{n} minutes", 60 * n
    if kind < 0.7:
        return f"{n} seconds", n
    if kind < 0.8:
        hours = rng.randint(2, 5)
        return f"{hours} hours", 3600 * hours
    if kind < 0.9:
        return f"an hour and {n} minutes", 3600 + 60 * n
    return f"{n} minutes and 30 seconds", 60 * n + 30


def timer(rng, home):
    if not home.timers:
        return None
    kind, (time, seconds) = rng.random(), duration(rng)
    label = rng.choice(p.LABELS) if rng.random() < 0.6 else words.made_up_word(rng, "test").lower()
    named = [label, f"{label} timer"]
    def timed(forms, tool, **arguments):
        text = styled(rng, rng.choice(forms), t=time, w=label)
        call = wanted(home, tool, arguments)
        return Request(text, *([[{**call, "seconds": seconds}]] if call else []))
    def plain(forms, tool, **arguments):
        return Request(styled(rng, rng.choice(forms), w=label), *answers(wanted(home, tool, arguments)))
    if kind < 0.26:
        return timed(p.TIMER, "HassStartTimer")
    if kind < 0.46:
        return timed(p.NAMED_TIMER, "HassStartTimer", name=named)
    if kind < 0.54:
        return plain(p.CANCEL_TIMER, "HassCancelTimer", name=named)
    if kind < 0.62:
        return plain(p.CANCEL_ALL, "HassCancelAllTimers")
    if kind < 0.68:
        request = plain(p.CANCEL_ONLY, "HassCancelTimer")
        request.answers += answers(wanted(home, "HassCancelAllTimers", {}))  # of the only one the same
        return request
    if kind < 0.76:
        return timed(p.ADD_TIME, "HassIncreaseTimer", name=named)
    if kind < 0.82:
        return timed(p.LESS_TIME, "HassDecreaseTimer", name=named)
    if kind < 0.87:
        return plain(p.PAUSE_TIMER, "HassPauseTimer", name=named)
    return plain(p.RESUME_TIMER, "HassUnpauseTimer", name=named) if kind < 0.92 else plain(p.TIMER_LEFT, "HassTimerStatus", name=named)


CATEGORIES = {"lights": light, "switches": switch, "fans": fan, "covers": cover, "locks": lock, "climate": climate, "media": media, "vacuum": vacuum, "scenes": scene,
              "scripts": script, "lists": todo, "timers": timer}


def rows(seed, pool, each):
    """`each` requests of every category, spread over the homes."""
    for category, make in CATEGORIES.items():
        seen = set()
        while len(seen) < each:
            rng = words.seeded(seed, f"today:{category}:{len(seen)}")
            while True:
                key = rng.choice(list(pool))
                request = make(rng, pool[key])
                if request and request.answers and request.text not in seen:
                    break
            seen.add(request.text)
            expect = {"answers": [list(answer) for answer in request.answers]}
            yield {"category": category, "home": key, "messages": [*request.before, {"role": "user", "content": request.text}], "expect": json.loads(json.dumps(expect))}
