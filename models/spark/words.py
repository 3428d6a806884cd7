# The word lists of Spark's training data, and their split into training and held-out words.
# Knows no dialogue. Every list is our own; a word is held out by a checksum, so adding words never moves old ones.
import functools
import json
import os
import random
import re
import zlib


def held_out(word, share=6):
    """True when `word` is kept for evaluation: about one in `share`, the same on every machine."""
    return zlib.crc32(word.lower().encode()) % share == 0


_SPLITS = {}


def pick_split(words, split, share=6):
    key = id(words), split, share  # the lists are constants of these modules
    if key not in _SPLITS:
        _SPLITS[key] = [w for w in words if held_out(w, share) == (split == "test")]
    return _SPLITS[key]


def _words(text):
    return [w.strip() for w in text.strip().split(",") if w.strip()]


AREAS = _words("""Kitchen, Living Room, Bedroom, Bathroom, Office, Hallway, Garage, Garden, Attic, Basement, Nursery,
Dining Room, Laundry Room, Guest Room, Study, Library, Terrace, Balcony, Porch, Workshop, Pantry, Cellar, Entrance,
Playroom, Master Bedroom, Kids Room, Conservatory, Utility Room, Driveway, Patio, Lounge, Den, Foyer, Corridor, Stairwell,
Shed, Greenhouse, Gym, Sauna, Studio, Music Room, Game Room, Cinema, Wardrobe, Dressing Room, Guest Bathroom, Upstairs Hall,
Landing, Loft, Sunroom, Winter Garden, Backyard, Front Yard, Pool House, Mudroom, Server Room, Storage Room, Carport, Boiler Room,
Reading Nook, Breakfast Room, Ensuite, Craft Room, Hobby Room, Veranda, Courtyard, Barn, Stable, Cloakroom, Parlor, Gallery,
Roof Deck, Bunk Room, Wine Cellar, Fitness Room, Meeting Room, Reception, Tool Shed, Powder Room, Sewing Room, Rose Garden""")

ADJECTIVES = _words("""Big, Small, Old, New, Red, Blue, Green, White, Black, Tall, Round, Corner, Main, Left, Right, Back, Front, Side,
Upper, Lower, Outer, Inner, Cozy, Bright, Smart, Tiny, Great, North, South, East, West, Center, Spare, Hidden, Guest, Summer, Winter,
Silver, Golden, Copper, Wooden, Glass, Crystal, Rustic, Modern, Vintage, Reading, Writing, Sleeping, Evening, Morning, Night,
Rear, Middle, Second, First, Third, Party, Holiday, Christmas, Garden, Street, Window, Door, Wall, Floor, Table, Bed, Desk, Sofa,
Shelf, Cabinet, Mirror, Stair, Fireplace, Piano, Bookcase, Workbench, Counter, Island, Sink, Shower, Bath, Pond, Pool, Tree, Hedge,
Arctic, Velvet, Amber, Ivory, Coral, Jade, Marble, Bronze, Iron, Paper, Cotton, Bamboo, Willow, Maple, Cedar, Lunar, Solar, Stellar,
Quiet, Lucky, Merry, Gentle, Swift, Rapid, Noble, Royal, Grand, Little, Lazy, Sunny, Misty, Cloudy, Frosty, Foggy, Stormy, Breezy""")

PEOPLE = _words("""Anna, Ben, Clara, David, Emma, Felix, Greta, Hugo, Ida, Jonas, Katie, Leo, Mia, Noah, Olivia, Paul, Rosa, Sam, Tina, Victor,
Alice, Bob, Carol, Daniel, Ella, Frank, Grace, Henry, Isla, Jack, Karl, Lucy, Max, Nina, Oscar, Peter, Ruth, Simon, Tom, Vera, Walter,
Yara, Zoe, Marta, Igor, Lena, Omar, Priya, Kenji, Amira, Luca, Sofia, Mateo, Freya, Nils, Astrid, Pablo, Ines, Dad, Mom, Grandma, Grandpa""")

# Nouns by domain. A device is "<area> <noun>", "<adjective> <noun>", "<person>'s <noun>", or made up.
NOUNS = {
    "light": _words("""Light, Lamp, Ceiling Light, Spotlight, Chandelier, Lantern, Floor Lamp, Desk Lamp, Bedside Lamp, LED Strip, Nightlight,
Pendant, Sconce, Lights, Downlights, Uplighter, Lightbar, Bulb, Fairy Lights, Candle, Floodlight, Wall Light, Reading Light, Strip, Spots,
String Lights, Torch, Globe, Glow, Beam, Table Lamp, Vanity Light, Under Cabinet Light, Accent Light, Mood Light"""),
    "switch": _words("""Switch, Plug, Outlet, Socket, Heater, Coffee Maker, Kettle, Toaster, Charger, Pump, Fountain, Humidifier, Dehumidifier,
Washer, Dryer, Printer, Router, Boiler, Sprinkler, Aquarium, Power Strip, Air Purifier, Dishwasher, Oven, Freezer, Water Heater, Compressor,
Blanket, Diffuser, Projector Power, Extension, Tree Plug, Rice Cooker, Iron, Mixer, Bread Maker, Doorbell, Irrigation, Amplifier"""),
    "fan": _words("""Fan, Ceiling Fan, Extractor, Ventilator, Exhaust Fan, Tower Fan, Blower, Air Circulator, Vent, Box Fan, Cooler Fan"""),
    "cover": _words("""Blinds, Curtain, Shutter, Awning, Roller Blind, Garage Door, Gate, Curtains, Shade, Shades, Skylight, Drapes, Blind,
Roller Shutter, Screen, Sunshade, Venetian Blind, Window Cover"""),
    "lock": _words("""Lock, Door Lock, Front Door, Back Door, Deadbolt, Safe, Side Door, Gate Lock, Cellar Door, Padlock, Terrace Door, Latch"""),
    "climate": _words("""Thermostat, Heating, Radiator, AC, Air Conditioner, Heat Pump, Floor Heating, Climate, Heater Control, Thermometer Valve,
Radiator Valve, Underfloor Heating"""),
    "media_player": _words("""TV, Speaker, Radio, Soundbar, Television, Stereo, Record Player, Chromecast, Speakers, Jukebox, Receiver, Sound System,
Music Player, Projector, Display, Media Box, Hi-Fi"""),
    "vacuum": _words("""Vacuum, Robot, Hoover, Robot Vacuum, Sweeper, Cleaner, Dusty, Mop Robot, Cleaning Robot, Rover"""),
    "lawn_mower": _words("""Mower, Lawn Mower, Grass Cutter, Robot Mower, Mowbot, Lawn Robot"""),
    "todo": _words("""Shopping List, Groceries, To-do List, Chores, Wish List, Packing List, Errands, Tasks, Reading List, Shopping, Household List,
Garden List, Party List, Gift List"""),
    "scene": _words("""Movie Night, Good Night, Relax, Dinner, Party Mode, Wake Up, Romance, Focus, Sunset, Away Mode, Bedtime, Reading Time,
Welcome Home, Cleaning Time, Rainy Day, Game Time, Breakfast, Goodbye, Cinema Mode, Siesta"""),
    "sensor": _words("""Temperature, Humidity, Temperature Sensor, Power Meter, Rain Sensor, Air Quality, Humidity Sensor, Thermometer, Soil Moisture,
Energy Meter, Wind Sensor, CO2 Sensor"""),
    "input_boolean": _words("""Guest Mode, Coffee Machine, Holiday Mode, Night Mode, Party Switch, Alarm, Vacation, Quiet Hours, Kids Mode, Work Mode,
Winter Mode, Garden Watering, Heating Pause, Home Cinema, Sleep Mode, Study Mode"""),
    "weather": _words("""Weather, Forecast, Weather Home, Home Weather, Local Weather, Weather Station"""),
    "binary_sensor": _words("""Motion, Window, Door Sensor, Smoke Detector, Motion Sensor, Leak Sensor, Window Sensor, Presence, Contact"""),
}

# Nouns of most homes, in the words that they have for these things.
COMMON_NOUNS = {"light": ["Light", "Lights", "Lamp", "Ceiling Light", "Lights"], "switch": ["Plug", "Heater", "Kettle", "Coffee Maker", "Pump", "Outlet"],
                "fan": ["Fan", "Ceiling Fan"], "cover": ["Window", "Door", "Blinds", "Curtain", "Garage Door", "Gate", "Shutter"], "lock": ["Door", "Front Door", "Back Door", "Lock", "Door Lock"],
                "climate": ["Thermostat", "Heating", "Heat Pump", "AC", "Radiator"], "media_player": ["TV", "Speaker", "Radio", "Player"], "vacuum": ["Vacuum", "Robot"],
                "sensor": ["Temperature", "Humidity"], "binary_sensor": ["Motion", "Window", "Door"]}

FLOORS = ["ground floor", "first floor", "second floor", "top floor", "upstairs", "downstairs", "basement floor", "lower floor", "upper floor", "third floor", "main floor", "attic floor"]

# Things that a home may lack.
THINGS = _words("""jacuzzi, skylight, sauna, hot tub, pool, dishwasher, oven, fireplace, aquarium, projector, awning, freezer, fountain, treadmill, doorbell, gate, pergola, sprinkler,
drone, elevator, piano, hammock, chimney, incubator, telescope, tractor, jukebox, microwave, coffee grinder, waffle iron, garden hose, disco ball, lava lamp, wine cooler, heat lamp,
bread oven, cat flap, bird feeder, weather vane, wind turbine, solar panel, car charger, water slide, trampoline, ice machine, popcorn machine, massage chair, foot bath, tanning bed, bubble bath""")

# How a person calls the things of a domain when the whole room is meant.
DOMAIN_PLURAL = {"light": ["lights", "lights", "lamps"], "switch": ["switches", "plugs"], "fan": ["fans"],
                 "cover": ["blinds", "shutters", "curtains", "covers"], "media_player": ["media players", "speakers"]}

COLORS = _words("red, blue, green, yellow, orange, purple, pink, white, turquoise, cyan, magenta, violet, lime, gold, teal, lavender, salmon, indigo")

ITEMS = _words("""milk, bread, eggs, butter, cheese, apples, bananas, tomatoes, rice, pasta, coffee, tea, sugar, salt, flour, onions, garlic, carrots,
potatoes, olive oil, yogurt, chicken, fish, soap, shampoo, toothpaste, batteries, light bulbs, toilet paper, dog food, cat litter, orange juice,
cereal, honey, chocolate, cookies, lettuce, cucumbers, peppers, mushrooms, lemons, frozen peas, ice cream, napkins, dish soap, detergent, vinegar,
mustard, ketchup, beans, lentils, nuts, raisins, spinach, broccoli, sponges, trash bags, aluminium foil, candles, birthday card, stamps, oat milk,
sparkling water, paint brushes, screws, call the dentist, water the plants, pay the rent, clean the windows, book a table, fix the bike,
mow the lawn, return the books, wash the car, feed the fish, buy a present, change the sheets, renew the passport, cut the hedge, iron the shirts,
walnuts, ginger, parsley, maple syrup, blueberries, two lemons, a dozen eggs, a bag of rice, cat food, hand cream, tape, printer paper""")

SONGS = _words("""jazz, classical music, some rock, the news, piano music, relaxing music, the blues, my favourite songs, the Beatles, Mozart, Vivaldi,
ocean sounds, disco hits, country music, an audiobook, the morning show, Christmas songs, hip hop, lullabies, film music, Chopin, folk songs,
dance music, rain sounds, a podcast, opera, salsa, reggae, the top forties, Bach, swing, flamenco, techno, violin music, children songs""")

MESSAGES = _words("""dinner is ready, the bus leaves in five minutes, please come downstairs, the movie starts now, breakfast is on the table,
it is time for bed, someone is at the door, the washing is done, we leave in ten minutes, the cake is ready, lunch is served, good morning everyone,
the taxi is here, grandma is on the phone, please be quiet, the dog needs a walk, homework first, tea is ready, the game begins soon, happy birthday,
the guests are here, the pizza arrived, clean up your rooms, the storm is coming""")

SCRIPTS = _words("""movie_night, good_morning, leave_home, water_the_garden, feed_the_cat, bedtime_routine, start_the_party, vacation_mode, wake_the_kids,
open_the_house, close_the_house, dinner_time, make_coffee, quiet_time, panic_mode, heat_the_sauna, arrive_home, clean_the_pool, morning_news,
dim_everything, sunset_show, laundry_reminder, guest_welcome, workout_time, read_a_story, boil_water, lock_up, school_run, nap_time, fill_the_bath""")

# Ordinary words that no list above has: in training they stand in names too, so that every word piece is copied at times.
PLAIN = _words("""journey, whisper, thunder, harbor, meadow, castle, engine, basket, pepper, orange, violet, shadow, ribbon, marvel, puzzle, rocket, saddle,
timber, walnut, anchor, beacon, canyon, desert, feather, glacier, hammer, island, jungle, kernel, ladder, magnet, needle, oyster, parade, quarry, rabbit,
salmon, temple, umbrella, valley, wagon, yonder, zephyr, bottle, carpet, dragon, elbow, forest, guitar, helmet, insect, jacket, kitten, lemon, mirror, napkin,
orchard, pillow, ranger, spider, tunnel, uncle, velvet, winter, yellow, artist, bakery, candle, doctor, eagle, family, gravel, honey, ivory, jewel, kingdom,
letter, monkey, number, office, palace, quiver, river, sailor, tomato, unicorn, village, window, apple, bridge, circle, dolphin, empire, flower, ground, hunter,
insider, judge, knight, leader, market, nature, ocean, planet, queen, record, silence, ticket, upward, voyage, writer, account, button, cousin, dinner, energy,
finger, garlic, hollow, invite, justice, kettle, lantern, minute, nephew, option, pencil, question, reason, stream, travel, useful, vision, wonder, action,
branch, corner, depth, effort, figure, growth, height, impact, joint, keeper, length, motion, notice, object, people, quality, region, season, theory, union,
value, weather, youth, server, model, token, system, memory, machine, answer, command, network, processor, driver, printer, battery, camera, signal, filter,
station, channel, volume, program, language, library, license, project, release, version, widget, storage, backup, update, install, config, journal, service,
north star, old oak, long road, high tower, deep well, hot spring, cold front, wild rose, fast lane, low tide, half moon, main deck, top floor, far side""")

_ONSETS = "b,bl,br,c,ch,cl,cr,d,dr,f,fl,fr,g,gl,gr,h,j,k,kl,kr,l,m,n,p,pl,pr,qu,r,s,sh,sk,sl,sm,sn,sp,st,t,th,tr,v,vr,w,wh,x,y,z,zh,".split(",")
_VOWELS = "a,e,i,o,u,a,e,i,o,u,ai,au,ea,ee,ie,oa,oo,ou,y,ia,eo,ue".split(",")
_CODAS = ",,,b,ck,d,f,g,k,l,ll,m,n,nd,ng,nk,nt,p,r,rk,rn,rt,s,sk,st,t,th,v,x,z,zz,q".split(",")


def made_up_word(rng, split):
    """A word from random syllables, e.g. "Zorvaq". One in six belongs to the held-out words only."""
    if split == "train":
        kind = rng.random()
        if kind < 0.3:
            return _blend(rng)
        if kind < 0.7 and _pieces():
            return _of_pieces(rng)
    while True:
        n = rng.choice((1, 2, 2, 2, 3))
        word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(n))
        if 3 <= len(word) <= 11 and held_out(word) == (split == "test"):
            if rng.random() < 0.05:
                return word.upper() if len(word) < 5 else word[0].upper() + word[1:]
            return word[0].upper() + word[1:]


def _blend(rng):
    """Parts of ordinary words in a new order, "Kitchlamp": syllables alone would leave longer word pieces uncopied."""
    known = rng.choice((PLAIN, PLAIN, ITEMS, COLORS, AREAS, ADJECTIVES, PEOPLE))
    while True:
        a, b = (rng.choice(rng.choice(pick_split(source, "train")).split(" ")) for source in (known, PLAIN))
        if rng.random() < 0.5:
            a, b = b, a
        kind = rng.random()
        if kind < 0.3:
            word = a
        elif kind < 0.5:
            word = a + b.lower()
        else:
            word = a[:rng.randint(min(2, len(a)), len(a))] + b[rng.randrange(len(b)):].lower()
        if 3 <= len(word) <= 12 and word.isalpha() and not held_out(word):
            return word[0].upper() + word[1:]


_NAME_LISTS = [AREAS, ADJECTIVES, PEOPLE, ITEMS, SONGS, SCRIPTS, PLAIN, *NOUNS.values()]


def _parts(entries):
    return {w.lower() for entry in entries for w in re.findall(r"[A-Za-z]+", entry) if len(w) > 2}


def name_words():
    """The words, in lower case, of which names and other copied values are made."""
    return _parts(e for known in _NAME_LISTS for e in known if len(e.split(" ")) < 3) - {"the", "some", "for", "two", "off", "open", "close", "start", "set"}


@functools.cache
def held_out_words():
    """The words, in lower case, that only entries kept for evaluation have: no training name is one of them."""
    lists = [(known, 9 if known in NOUNS.values() else 6) for known in _NAME_LISTS if known is not PLAIN]
    return _parts(e for known, share in lists for e in pick_split(known, "test", share)) - _parts(e for known, share in lists for e in pick_split(known, "train", share))


@functools.cache
def _merges(path):
    with open(path) as file:
        return json.load(file)["merges"]


@functools.cache
def common_words():
    """The words, in lower case, that are one token together with the space before them. Only a value that a person makes up
    has them ("good morning everyone"), so such values need them in training."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizer.json")
    return [b for a, b in _merges(path) if a == "\u0120" and b.isascii() and b.isalpha() and b.islower()] if os.path.exists(path) else ["one", "for"]


@functools.cache
def _pieces():
    """The tokenizer's word pieces, short ones and long ones, once there is a tokenizer."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizer.json")
    if not os.path.exists(path):
        return None
    joined = [a + b for a, b in _merges(path)]
    letters = [piece for piece in joined if piece.isascii() and piece.isalpha() and piece.islower()]
    return [p for p in letters if len(p) <= 3], [p for p in letters if len(p) > 3]


def _of_pieces(rng):
    """Tokens joined at random: each must be learned as something to copy, or a new name that has it is garbled. Some begin with
    a word that has a token together with its space ("office": " off", "ice"), some have a piece twice: the copy must not jump."""
    while True:
        parts = [rng.choice(_pieces()[rng.random() < 0.15]) for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))]
        kind = rng.random()
        if kind < 0.12:
            parts[0] = rng.choice([w for w in common_words() if len(w) < 5])
        elif kind < 0.27 and len(parts) > 1:
            parts.insert(rng.randrange(len(parts)), rng.choice(parts))
        word = "".join(parts)
        if 3 <= len(word) <= 13 and not held_out(word) and word not in held_out_words():
            return word[0].upper() + word[1:]


def typo(rng, text):
    """One slip of the fingers in a word of more than three letters, digits left alone."""
    words = text.split(" ")
    spots = [i for i, w in enumerate(words) if len(w) > 3 and w.isalpha()]
    if not spots:
        return text
    i = rng.choice(spots)
    w = words[i]
    k = rng.randrange(1, len(w) - 1)
    words[i] = rng.choice((w[:k] + w[k + 1:], w[:k] + w[k + 1] + w[k] + w[k + 2:], w[:k] + w[k] + w[k:]))
    return " ".join(words)


def stable_choice(items, *key):
    """An item chosen by the words of the key: the same request always gets the same choice."""
    return items[zlib.crc32("|".join(map(str, key)).encode()) % len(items)]


def seeded(seed, index):
    return random.Random(f"{seed}:{index}")
