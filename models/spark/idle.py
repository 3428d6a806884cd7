# Sentences that are said beside a microphone and ask for nothing that a tool does: questions of knowledge, remarks, words to other people, and
# sentences that break off. Words of homes are in them too, so that a tool is called for what is wanted and not for the words.
import talk
import words
from commands import filled
from today import said

CITIES = words._words("Paris, London, Rome, Oslo, Cairo, Lima, Vienna, Prague, Athens, Dublin, Hamburg, Boston, Denver, Porto, Milan, Turin, Krakow, Bergen")
HOUSEHOLD = words._words("""lamp, light, fan, fridge, door, window, heater, radio, television, lock, curtain, oven, robot, speaker, thermostat, garage, candle, bulb,
timer, clock, list, alarm, kettle, roof, garden, kitchen, song, scene, switch""")
FAMILY = words._words("cousin, sister, brother, mother, father, aunt, uncle, neighbour, boss, friend, grandmother, dog, cat, teacher, daughter, son")
DAYS = words._words("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, yesterday, last week, last year, this morning")

QUESTIONS = """?who invented the {n}
?who {w}ed the {n}
?who is {p}
?who is the {w} of {o}
?why is the {n} {w}
?why do {n}s {w}
?why does a {n} {w}
?how does a {n} work
?how many {n}s are there in a {w}
?how many {n}s has {o}
?how far is {o}
?how old is the {n}
?how big is a {n}
?how do you spell {n}
?how is a {n} made
?what is a {n} made of
?what does {w} mean
?what is the {w} of {o}
?what colour is a {n}
?what is {w} and {w}
?when was the {n} invented
?when did {p} {w} the {n}
?when is {w} day
?where do {n}s come from
?where is {o}
?where does {p} live
?which {n} is the {w}
?which is {w}, a {n} or a {w}
?is a {n} {w}
?is {o} {w}
?can a {n} {w}
?can you {w}
?do {n}s {w}
?does {p} like {w}
?are {n}s {w}
?did {p} {w} the {w}
?should i {w} the {w}
explain {w}
tell me about {o}
?what do you think of {w}"""
REMARKS = """=i {w}ed the {n} {d}
=my {f} moved to {o}
=my {f} has a new {n}
=my {f} {w}ed the {w} {d}
=my {f} is {w}
=the old {n} was {w}
=the {n} was {w} {d}
=we had a {w} {n} in {o}
=we were in {o} {d}
={p} and i {w}ed {d}
={p} is {w} today
={p} has {w}ed the {n}
={p} called {d}
=i like the {n}
=i love {w}
=i never {w} a {n}
=i had {w} for lunch
=i was so {w} {d}
=i am {w}
=i think the {n} was {w}
=that was a {w} {n}
=that {w} was {w}
=it was a {w} day
=it was {w} in {o}
=this {w} tastes {w}
=what a {w} {n}
=they {w}ed us {d}
=you should have seen the {n}
=she said the {n} is {w}
=he bought a {n} {d}
=nobody {w}s like {p}
=our {f} wants a {n}
=a {n} is not a {w}
=so {p} said {w} {w}"""
TO_OTHERS = """={p}, {w} your {w}
={p}, come here
={p}, come and see the {n}
={p}, do not {w} the {w}
={p}, did you {w} the {w}
={p}, your {f} is here
={p}, have you seen my {w}
={p}, wait for me
={f}, {w} the {w}
=kids, stop {w}ing
=children, {w} your {w}
=come here, {p}
=no {p}, not the {w}
=sit down, {p}
=look at the {w}, {p}
={p} and {p}, {w} the {w}
=hey {p}, what is {w}
=give me the {w}, {p}"""
BEGINNINGS = """=could you
=could you please
=and then
=so if you
=i want the
=i want you to
=turn the
=put the
=set the
=and the
=please the
=what about the
=or the {w}
=the {w}
={w}
={w} {w}
=um
=er, the {w}
=if the {w}
=when i
=but not
=because of the
=that {w} thing
=i mean
=wait, the
=as soon as the
=it
=so
=with the {w}"""
KINDS = [(5, QUESTIONS), (4, REMARKS), (3, TO_OTHERS), (2, BEGINNINGS)]
REMARKED, UNCLEAR = "All right. Tell me when I can do something for you.", "I did not understand that. What can I do for you?"


def sentence(rng):
    """(what is said, what is answered)."""
    forms = rng.choices([k for _, k in KINDS], [n for n, _ in KINDS])[0]
    text = said(rng, forms, n="{n}", f="{f}", d="{d}", o="{o}") if forms is not BEGINNINGS else filled(rng, rng.choice(forms.split("\n")).lstrip("="))
    for slot, known in (("{n}", HOUSEHOLD if rng.random() < 0.5 else words.PLAIN), ("{f}", FAMILY), ("{d}", DAYS), ("{o}", CITIES)):
        text = text.replace(slot, rng.choice(known))
    if forms is QUESTIONS:
        return text, words.stable_choice(talk.BEYOND_ANSWERS, text.split(" ")[0].lower())
    return text, UNCLEAR if forms is BEGINNINGS else REMARKED
