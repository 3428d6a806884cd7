# Short stories from a grammar: a subject, a place, a wish, an obstacle, a turn, an end. The subject is named.
# The words of a story are chosen by a checksum of its subject, so that one subject has one story and many have many.
import zlib
import random

import words

CREATURES = words._words("""dragon, fox, rabbit, owl, mouse, bear, cat, dog, turtle, hedgehog, squirrel, frog, duck, elephant, lion, penguin, whale, bee, butterfly,
sparrow, horse, donkey, goat, sheep, wolf, deer, crab, octopus, snail, spider, unicorn, giraffe, monkey, parrot, kitten, puppy, pony, beaver, badger, otter, seal,
dolphin, swan, crow, robin, ladybird, ant, cricket, camel, kangaroo, koala, panda, tiger, zebra, hamster, raven, goose, moth, lizard, walrus""")
PERSONS = words._words("""princess, pirate, baker, gardener, wizard, knight, sailor, farmer, fisherman, queen, king, painter, astronaut, teacher, boy, girl, clockmaker,
shepherd, postman, cook, doctor, inventor, musician, lighthouse keeper, tailor, miller, witch, giant, robot, ghost, snowman, scarecrow, train driver, librarian,
beekeeper, carpenter, captain, dancer, explorer, juggler""")
THINGS = words._words("""lamp, kettle, train, boat, balloon, cloud, star, moon, river, mountain, tree, flower, clock, bicycle, kite, teapot, umbrella, lighthouse, bridge,
candle, piano, toy car, snowflake, pebble, book, rocket, key, spoon, robot vacuum, windmill, lantern, violin, sock, button, pumpkin, tractor, raindrop, mirror, drum""")
TRAITS = words._words("""little, brave, shy, old, curious, sleepy, clever, lonely, cheerful, clumsy, tiny, gentle, hungry, proud, quiet, patient, forgetful, kind, lazy, young,
grumpy, happy, lost, silver, golden, red, blue, green, friendly, magic""")
PLACES = words._words("""at the edge of a forest, by the sea, in a small village, on a green hill, in a quiet valley, near an old mill, beside a wide river, in a busy town,
on a faraway island, under a tall oak, behind a stone bridge, in the north, at the foot of a mountain, next to a clear lake, in a sunny garden, at the end of a long road""")
WISHES = words._words("""see the stars from close by, learn to sing, find a true friend, cross the wide river, bake the best cake in the land, find the lost key,
see the sea, win the great race, learn how to dance, build a bridge, light up the whole valley, find the way home, bring a gift to the moon, hear the oldest song,
plant a thousand flowers, sail around the world, fly over the hills, make everyone laugh""")
OBSTACLES = ["a storm came up and the path was washed away", "the night was dark and nobody knew the way", "a high wall stood in the way", "snow began to fall and everything turned white",
             "a big rock blocked the road", "the only boat had a hole", "thick fog hid the hills", "the wind blew the map away", "the gate was locked and the key was gone",
             "the bridge was broken", "everyone said that it could not be done", "the river was far too deep"]
HELPERS = words._words("""a wise owl, an old sailor, a friendly mole, a small bird, a cheerful goat, a kind baker, a tired traveller, a singing frog, a brave mouse, an honest crow,
a gentle giant, a young shepherd, a clever fox, a quiet turtle""")
HELPS = ["shared a warm lantern", "knew a secret path", "lent a strong rope", "told of a hidden door", "offered to go along", "sang a song that gave courage", "brought bread and good advice",
         "showed how to be patient", "had a plan and a smile", "pointed to the brightest star"]
DEEDS = ["Together they tried three times, and the third time it worked", "Step by step they went on until the morning came", "They worked all night and laughed a lot",
         "With a little luck and much patience they managed it", "They held on to each other and did not give up", "They built what they needed from branches and string"]
LESSONS = ["a friend makes every road shorter", "small steps lead far", "courage grows when it is shared", "asking for help is no shame", "patience opens many doors",
           "a kind word is never wasted", "home is where someone waits for you", "the best treasures cannot be carried"]
FEELINGS = ["happy", "proud", "tired but happy", "full of joy", "calm and glad"]

ASKS = {"train": """tell me a story about {s}
tell a story about {s}
tell me a short story about {s}
a story about {s}
a story about {s} please
i want a story about {s}
i want to hear a story about {s}
can you tell me a story about {s}
could you tell a story about {s}
please tell me a story about {s}
make up a story about {s}
write a story about {s}
write a short story about {s}
give me a story about {s}
tell the kids a story about {s}
tell my daughter a story about {s}
do you know a story about {s}
bedtime story about {s}
tell me a bedtime story about {s}
story about {s}
invent a story about {s}
read me a story about {s}
tell us a tale about {s}
let me hear a story of {s}
once more, a story about {s}
can i have a story about {s}""".split("\n"), "test": """would you tell me a story about {s}
i would like a story about {s}
tell my son a story about {s}
make up a little tale about {s}
could i have a story about {s}
we want a bedtime story about {s}""".split("\n")}


def subject(rng, split):
    """The subject as the request says it, and as a story says it: "a shy fox", "the shy fox"."""
    kind = rng.random()
    if kind < 0.12:
        name = rng.choice(words.pick_split(words.PEOPLE, split)) if rng.random() < 0.5 else words.made_up_word(rng, split)
        return name, name, name
    if split == "train" and rng.random() < 0.5:
        noun = words.made_up_word(rng, split).lower()  # any word can be a subject: it is copied, not known
    else:
        noun = rng.choice(words.pick_split(rng.choice((CREATURES, CREATURES, PERSONS, THINGS)), split))
    if rng.random() < 0.45:
        trait = words.made_up_word(rng, split).lower() if split == "train" and rng.random() < 0.4 else rng.choice(words.pick_split(TRAITS, split))
        noun = f"{trait} {noun}"
    if kind < 0.24:
        name = rng.choice(words.pick_split(words.PEOPLE, split)) if rng.random() < 0.5 else words.made_up_word(rng, split)
        said = f"{article(noun)} {noun} called {name}"
        return said, said, name
    said = rng.choice((f"{article(noun)} {noun}", f"{article(noun)} {noun}", f"the {noun}", noun))
    return said, f"{article(noun)} {noun}", f"the {noun}"


def article(noun):
    return "an" if noun[0] in "aeiou" and not noun.startswith("uni") else "a"


def story(first, later):
    """Six to eight sentences on the subject; `first` introduces it, `later` names it again."""
    rng = random.Random(zlib.crc32(later.encode()))
    wish, obstacle, helper = rng.choice(WISHES), rng.choice(OBSTACLES), rng.choice(HELPERS)
    c = later[0].upper() + later[1:]
    opening = rng.choice(("Once upon a time there was {f} {p}.", "There once lived {f} {p}.", "Long ago, {p}, there lived {f}.")) if first != later else \
        rng.choice(("Once upon a time {f} lived {p}.", "{f} lived {p}.", "Long ago {f} lived {p}."))
    parts = [opening.format(f=first, p=rng.choice(PLACES)),
             rng.choice((f"More than anything, {later} wanted to {wish}.", f"Every evening {later} dreamed of one thing: to {wish}.", f"{c} had a wish: to {wish}.")),
             rng.choice(("One morning the journey began", "So one day the journey began", "On a bright day in spring it was time to go")) + f", but soon {obstacle}.",
             rng.choice((f"Then {helper} came along and {rng.choice(HELPS)}.", f"Just then {helper} {rng.choice(HELPS)}.")),
             rng.choice(DEEDS) + ".",
             rng.choice((f"In the end the wish came true, and {later} was {rng.choice(FEELINGS)}.", f"So it came that {later} could {wish}.",
                         f"At last {later} stood there, {rng.choice(FEELINGS)}, and the wish had come true.")),
             rng.choice((f"Since that day {later} knows that {rng.choice(LESSONS)}.", f"And everyone learned that {rng.choice(LESSONS)}.", f"From then on everybody knew: {rng.choice(LESSONS)}."))]
    return " ".join(parts)


# Requests for a story that name nobody.
OPEN = ["once upon a time", "once upon a time there was", "tell me a story", "a story please", "i want to hear a story", "do you know a story", "can you tell a story", "story time"]


def story_turn(rng, split):
    if split == "train" and rng.random() < 0.06:
        text = rng.choice(OPEN)
        return text[0].upper() + text[1:] + rng.choice(("", "", ".", "...", ",")) if rng.random() < 0.7 else text, story("a young dragon", "the young dragon"), "young dragon"
    said, first, later = subject(rng, split)
    text = rng.choice(ASKS[split]).format(s=said)
    if rng.random() < 0.6:
        text = text[0].upper() + text[1:] + rng.choice((".", "", "!"))
    name = later.removeprefix("the ")
    return text, story(first, later), name
