# Tools of clients that are no home: known ones such as get_weather, and made-up ones, so that the name, the description and the
# parameters of a tool say what it is for. And what people tell about themselves. For training only.
import json
import re

import words
from commands import Turn, call, filled, number
from today import said

CITIES = words._words("""Paris, London, Berlin, Madrid, Rome, Oslo, Cairo, Lima, Tokyo, Delhi, Vienna, Prague, Lisbon, Athens, Dublin, Zurich, Hamburg, Munich,
Boston, Chicago, Seattle, Denver, Sydney, Toronto, Bergen, Krakow, Porto, Milan, Turin, Lyon, Bremen, Leeds, York, New York, Cape Town, San Diego""")
SUBJECTS = ["{w}", "{w} {w}", "the {w}", "the {w} of {p}", "{w} and {w}", "{w} in the {w}", "how {w} {w} the {w}", "{c} {w}", "{w} {c} {w}"]

# (name, description, parameters by kind, phrasings). Kinds: city, text, person, number, word.
KNOWN = [
    ("get_weather", "Get the current weather for a city", {"city": "city"}, "?what is the weather in {city}\n?how is the weather in {city}\n?is it raining in {city}\nthe weather in {city} please\nget the weather for {city}\n?what's the weather like in {city}\nweather {city}\n?do i need an umbrella in {city}"),
    ("get_current_weather", "Current weather of a place", {"location": "city"}, "?what is the weather in {location}\n?how warm is it in {location}\n?will it rain in {location}\nweather for {location}"),
    ("get_temperature", "Temperature of a city", {"location": "city"}, "?how warm is it in {location}\n?what is the temperature in {location}\n?how cold is it in {location}"),
    ("set_timer", "Set a timer", {"minutes": "number"}, "set a timer for {minutes} minutes\nstart a timer of {minutes} minutes\ntimer {minutes} minutes\nwake me in {minutes} minutes\n=i need a timer of {minutes} minutes\nremind me in {minutes} minutes\na {minutes} minute timer please"),
    ("start_timer", "Starts a timer", {"seconds": "number"}, "start a timer for {seconds} seconds\nset a timer of {seconds} seconds\n{seconds} seconds on the timer"),
    ("search", "Search the web", {"query": "text"}, "search for {query}\nsearch the web for {query}\nlook up {query}\nfind {query} on the internet\ngoogle {query}\nfind out about {query}"),
    ("search_web", "Search the web", {"query": "text"}, "search for {query}\nsearch the web for {query}\nlook up {query}\nfind {query} on the web"),
    ("web_search", "Looks something up in the internet", {"query": "text"}, "search for {query}\nlook up {query}\nfind {query} online"),
    ("send_email", "Send an email", {"to": "person", "subject": "text"}, "send an email to {to} about {subject}\nwrite an email to {to} on {subject}\nemail {to} about {subject}\nmail to {to}: {subject}"),
    ("send_message", "Send a message to a contact", {"contact": "person", "text": "text"}, "send {contact} the message {text}\ntell {contact} {text}\nmessage {contact}: {text}\nwrite to {contact}: {text}"),
    ("call_contact", "Calls somebody by phone", {"name": "person"}, "call {name}\nphone {name}\nring {name}\ngive {name} a call\n=i want to talk to {name}, call them"),
    ("play_music", "Plays a song or an artist", {"title": "text"}, "play {title}\nput on {title}\n=i want to hear {title}\nlet me hear {title}\nplay some {title}"),
    ("translate", "Translates a text into a language", {"text": "text", "language": "word"}, "translate {text} into {language}\ntranslate {text} to {language}\nsay {text} in {language}"),
    ("get_time", "Local time of a city", {"city": "city"}, "?what time is it in {city}\nthe time in {city} please\n?how late is it in {city}"),
    ("add_note", "Adds a note", {"text": "text"}, "note {text}\nmake a note: {text}\nwrite down {text}\nadd a note that says {text}\ntake a note: {text}"),
    ("create_event", "Puts an event into the calendar", {"title": "text", "day": "word"}, "put {title} into the calendar for {day}\ncreate an event {title} on {day}\nschedule {title} on {day}"),
    ("book_table", "Books a table in a restaurant", {"restaurant": "text", "people": "number"}, "book a table for {people} at {restaurant}\nreserve a table at {restaurant} for {people} people\nget a table for {people} at {restaurant}"),
    ("turn_on_light", "Turn on a light in a room", {"room": "room"}, "turn on the light in the {room}\nlight in the {room} please\nswitch the {room} light on\nlights on in the {room}\n=it is dark in the {room}, light on"),
    ("turn_off_light", "Turn off a light in a room", {"room": "room"}, "turn off the light in the {room}\nswitch the {room} light off\nlights off in the {room}"),
    ("set_brightness", "Brightness of the lights in a room", {"room": "room", "brightness": "number"}, "set the {room} to {brightness} percent\ndim the {room} to {brightness}%\n{room} lights at {brightness} percent"),
    ("set_temperature", "Sets the temperature of a room", {"room": "room", "degrees": "number"}, "set the {room} to {degrees} degrees\nmake it {degrees} degrees in the {room}\nheat the {room} to {degrees}"),
    ("open_app", "Opens an app", {"name": "word"}, "open {name}\nstart the app {name}\nlaunch {name}"),
    ("read_clock", "Reads the clock", {}, "?what time is it\ntell me the time\n?how late is it\nread the clock"),
    ("get_news", "The latest news", {}, "?what is in the news\nread me the news\nthe news please\n?what happened today"),
    ("roll_dice", "Rolls dice", {"sides": "number"}, "roll a die with {sides} sides\nroll a {sides} sided die"),
    ("lock_door", "Locks a door", {"door": "room"}, "lock the {door} door\nlock the door of the {door}"),
]
VERBS = words._words("get, find, check, show, start, stop, open, close, send, make, add, remove, read, write, count, order, paint, measure, clean, move, play, buy, sell, feed, print, scan, record, load, test, pack, wash, cook")
FRAMES = "{v} {n} {a}\n{v} the {n} {a}\nplease {v} {n} {a}\n{v} me the {n} {a}\n=i want you to {v} the {n} {a}\ncan you {v} the {n} {a}\n={n} {a}\n{v} my {n} {a}"
# Sentences that name the matter and no verb of the tool: what is told or asked is a request all the same.
TOLD = "=we {w} {n} {a}\n=there is {n} {a}\n=it is about the {n} {a}\n=i {w} {n} {a}\n=i have {n} {a}\n={w} wants {n} {a}\n?is the {n} {w} {a}\n?is there {n} {a}\n?how is the {n} {a}\n?what about the {n} {a}\n={n}, {a}\n=i need the {n} {a}\n={a}: {n}\n=the {n} {a}, please"
JOINTS = {"city": ["in {}", "for {}", "of {}"], "text": ["for {}", "about {}", "with {}", ": {}", "called {}"], "person": ["for {}", "of {}", "from {}", "to {}"], "number": ["{} times", "with {}", "at {}", "number {}"],
          "word": ["for {}", "of {}", "with {}", "in {}"], "room": ["in the {}", "of the {}"], "decimal": ["of {}", "at {}", "with {}"], "code": ["in {}", "to {}", "as {}"], "date": ["on {}", "for {}", "by {}"],
          "clock": ["at {}", "by {}", "from {}"], "path": ["in {}", "of {}", "to {}", "at {}"], "host": ["on {}", "of {}", "at {}"], "id": ["number {}", "with the id {}", "{}", "no {}"], "phone": ["at {}", "to {}", "on {}"]}
KEYS = {"city": ["city", "location", "place", "town", "destination", "origin"], "text": ["query", "text", "title", "topic", "content", "subject", "message", "note"], "person": ["name", "person", "contact", "user", "recipient", "author", "guest"],
        "number": ["count", "amount", "number", "level", "value", "minutes", "people", "quantity", "length"], "word": ["kind", "type", "item", "category", "object", "product", "brand", "language"], "room": ["room", "area", "zone"],
        "decimal": ["price", "weight", "amount", "distance", "rate"], "code": ["currency", "code", "unit", "symbol"], "date": ["date", "day", "start", "until"], "clock": ["time", "at", "start", "end"],
        "path": ["path", "file", "folder", "source"], "host": ["host", "server", "device", "address"], "id": ["id", "order", "ticket", "account"], "phone": ["phone", "number", "mobile"]}
KINDS = ["city", "text", "text", "person", "person", "number", "number", "word", "word", "room", "decimal", "code", "date", "clock", "path", "host", "id", "phone"]
TYPES = {"number": "integer", "id": "integer", "decimal": "number"}
RESULTS = ['{"success": true}', "ok", "done", '{"status": "ok"}', '{"result": "ok"}', "true"]
NONE = ["I have no tool for that.", ]


# Values that are written as they are said: amounts, codes, days, times, files, machines, numbers to call. `a`, `b`: two words.
SHAPES = {"decimal": lambda rng, a, b: rng.randint(0, 99) + rng.choice((0.5, 0.25, 0.1, 0.9, 0.75)), "code": lambda rng, a, b: (a + "xyz")[:3].upper(),
          "date": lambda rng, a, b: f"20{rng.randint(20, 35)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}", "clock": lambda rng, a, b: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
          "path": lambda rng, a, b: rng.choice((f"/{a}/{b}", f"{a}.{b[:3]}", f"/home/{a}/{b}.txt", f"{a}/{b}", f"{a}_{rng.randint(1, 9)}.{b[:3]}")), "host": lambda rng, a, b: rng.choice((f"{a}-{rng.randint(1, 99)}", f"{a}.{b}", f"{a}.local", f"10.0.{rng.randint(0, 9)}.{rng.randint(1, 99)}")),
          "id": lambda rng, a, b: rng.randint(1000, 999999), "phone": lambda rng, a, b: rng.choice(("0", "+", "1")) + "".join(rng.choice("0123456789") for _ in range(rng.randint(9, 11)))}


def value_of(rng, kind):
    if kind == "city":
        return rng.choice(CITIES) if rng.random() < 0.5 else words.made_up_word(rng, "train")
    if kind == "person":
        first = rng.choice(words.pick_split(words.PEOPLE, "train")) if rng.random() < 0.6 else words.made_up_word(rng, "train")
        return first if rng.random() < 0.7 else f"{first} {words.made_up_word(rng, 'train')}"
    if kind == "room":
        return (rng.choice(words.pick_split(words.AREAS, "train")) if rng.random() < 0.7 else words.made_up_word(rng, "train")).lower()
    if kind == "number":
        return number(rng, 1, 60)[0]
    if kind == "word":
        return words.made_up_word(rng, "train") if rng.random() < 0.5 else rng.choice(words.PLAIN)
    if kind in SHAPES:
        return SHAPES[kind](rng, thing(rng).replace(" ", rng.choice("-_.")), thing(rng).replace(" ", "_"))
    return filled(rng, rng.choice(SUBJECTS)) if rng.random() < 0.8 else rng.choice(words.pick_split(words.SONGS, "train"))


def thing(rng):
    return rng.choice(words.PLAIN) if rng.random() < 0.6 else words.made_up_word(rng, "train").lower()


def key_of(rng, kind):
    """(key, what a request calls it or None): a usual key of such a value, or one of a word that only this tool has."""
    key = rng.choice(KEYS[kind])
    if rng.random() < 0.55:
        return key, None
    word = thing(rng)
    one = word.replace(" ", "_")
    return rng.choice((one, one, f"{one}_{key}", f"{key}_{one}", f"{one}_id", f"from_{one}", f"to_{one}", one.split("_")[0] + key.capitalize())), word


def invented(rng):
    """A tool that nobody has. A request says what is done to what, or only a word of its description."""
    verb = rng.choice(VERBS) if rng.random() < 0.75 else thing(rng).split(" ")[0]
    noun, also, more = thing(rng), thing(rng), thing(rng)
    kinds = list(dict.fromkeys(rng.sample(KINDS, rng.choice((0, 1, 1, 1, 2, 2, 3)))))
    keys = [(*key_of(rng, kind), kind) for kind in kinds]
    parameters = {key: kind for key, _, kind in keys}
    style = rng.random()
    name = f"{verb}_{noun.replace(' ', '_')}" if style < 0.7 else verb + "".join(w.capitalize() for w in noun.split(" ")) if style < 0.85 else f"{noun.replace(' ', '-')}-{verb}" if style < 0.93 else noun.replace(" ", "_")
    plain = rng.choice(("", f"{verb.capitalize()} the {noun}", f"Use this to {verb} {noun}", f"{verb.capitalize()}s {noun}", f"Tool of {noun}"))
    wide = rng.choice((f"{also.capitalize()} of a {more}", f"{verb.capitalize()}s the {also} by {more}", f"For {also} and {more}", f"{more.capitalize()}: {also}", f"Use it for the {also}"))
    text = plain if rng.random() < 0.45 else wide
    heard = rng.choice((noun, noun, also, also, f"{also} {noun}")) if text == wide else noun
    joints = []
    for key, word, kind in keys:
        slot = "{" + key + "}"
        own = word and (len(keys) > 1 or rng.random() < 0.6)
        joints.append(rng.choice((f"{word} {slot}", f"with {word} {slot}", f"{slot} as {word}", f"{word}: {slot}", f"from {word} {slot}")) if own else rng.choice(JOINTS[kind]).format(slot))
    rng.shuffle(joints)
    said_after = rng.choice((" ", " ", ", ", " and ")).join(joints)
    frames = FRAMES if rng.random() < 0.65 else TOLD
    forms = "\n".join(re.sub(r" +([:,])", r"\1", f.replace("{v}", verb if rng.random() < 0.8 else "{w}").replace("{n}", heard).replace("{a}", said_after)).strip().rstrip(":,") for f in frames.split("\n"))
    return name, text, parameters, forms


def schema(tool):
    name, text, parameters, _ = tool
    properties = {key: {"type": TYPES.get(kind, "string")} for key, kind in parameters.items()}
    return {"type": "function", "function": {"name": name, "description": text, "parameters": {"type": "object", "properties": properties, "required": list(properties)}}}


def tool_set(rng):
    tools, names = [], set()
    for _ in range(rng.choice((1, 2, 3, 4, 5, 6, 8))):
        tool = rng.choice(KNOWN) if rng.random() < 0.3 else invented(rng)
        if tool[0] not in names:
            names.add(tool[0])
            tools.append(tool)
    return tools


def tool_turn(rng, tools):
    name, _, parameters, forms = rng.choice(tools)
    values = {key: value_of(rng, kind) for key, kind in parameters.items()}
    turn = Turn("command", said(rng, forms, free=True, **values), [call(name, **values)], done="Done.")
    turn.result = rng.choice(RESULTS)
    if name.startswith("get_weather") or name == "get_current_weather":
        weather, degrees = rng.choice(("sunny", "cloudy", "rainy", "windy", "foggy")), rng.randint(-9, 35)
        turn.result = rng.choice((json.dumps({"weather": weather, "temperature": degrees}), json.dumps({"temp": degrees, "condition": weather}), f"{weather}, {degrees} degrees"))
        turn.done = f"It is {weather} and {degrees} degrees."
    return turn


def no_tool_turn(rng, tools):
    """A wish for which no tool is there."""
    offered = {t[0] for t in tools}
    while True:
        name, _, parameters, forms = rng.choice(KNOWN) if rng.random() < 0.5 else invented(rng)
        if name not in offered and not any(set(name.split("_")) & set(o.split("_")) for o in offered):
            return Turn("not_offered", said(rng, forms, free=True, **{key: value_of(rng, kind) for key, kind in parameters.items()}), reply=NONE[0])


def name_turns(rng):
    """[(text, reply)]: somebody says their name, perhaps something else, and asks for it."""
    name = value_of(rng, "person")
    tell = said(rng, "=my name is {n}\n=i am {n}\n=call me {n}\n=hello, my name is {n}\n=hi, i am {n}\n=i'm {n}\n=this is {n}", n=name)
    asked = said(rng, "?what is my name\n?who am i\n?do you know my name\n?what's my name\n?how am i called\n=say my name\n?do you remember my name")
    return (tell, f"Hello, {name}! What can I do for you?"), (asked, f"Your name is {name}.")


SYSTEMS = ["You are a helpful assistant.", "You are a helpful AI assistant. Use the tools where they help.", "You are an assistant with access to functions.", "Answer briefly and use tools when needed.",
           "You are an agent. Call a function whenever one fits the request, and answer in plain words otherwise.", "You are a friendly bot of a small company. Be polite.", "Today is a {w} day. You are a {w} assistant.",
           "You are {p}, an assistant. Keep to the facts.", "You help the family of {p}.", "You are a coding assistant.", "System prompt of {w}: be {w}."]


def system(rng):
    return filled(rng, rng.choice(SYSTEMS))
