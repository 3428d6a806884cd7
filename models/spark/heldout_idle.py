# Sayings of people who want nothing done by an assistant: any call is wrong, and an answer in words is due.
# Written without a look at the phrasings of the training.
import heldout_tools
import words

SAYINGS = {
    "small talk": ["Hiya", "Good evening to you", "Morning!", "Well hello again", "What's new?", "How's it going today?", "You there?", "Are you awake?", "Did you sleep well?", "Nice to meet you", "Are you a boy or a girl?",
                   "Do you like your job?", "How old are you?", "What's your favourite food?", "Do you get bored?", "Can you feel anything?", "You sound tired", "Can you cheer me up a bit?", "Sing something", "Are you real?",
                   "Where do you live?", "Who put you together?", "Bet you can't guess my name", "Do you like cats or dogs?", "I'm {p}, by the way", "Guess who's back", "Long time no see", "What are you thinking about?", "Do you have friends?",
                   "What sort of thing are you?", "Do you dream at night?", "I missed you", "See you after the weekend", "Bye for now", "Sweet dreams to you", "Hello, can you hear me", "Say something nice", "Merry Christmas!", "Happy new year to you", "Are you clever?"],
    "remarks": ["I had a rotten day", "My back hurts", "What lovely weather we had on Sunday", "{p} passed the exam!", "We're having pasta tonight", "The neighbours are loud again, typical", "I can't believe it's Monday already",
                "That film was awful", "I'm so tired I could sleep standing", "Our cat had kittens", "I've been thinking about moving", "Work was fine today", "{p} is coming for dinner next week", "I just ran ten kilometres",
                "The dentist was nice to me", "I think I caught a cold", "My sister got engaged", "I love this house", "Sometimes I wonder why I bother", "The new sofa is so comfy", "I painted the fence yesterday", "I'm learning the trumpet",
                "Everyone's in a good mood today", "The bread turned out great", "I forgot my umbrella on the bus", "You wouldn't believe who I met", "{p} snores like a bear", "I finally finished that book", "We might go to the seaside in June",
                "The garden looked lovely last summer", "I dropped my phone again", "It was my birthday last week", "I really don't like fog", "Such a long week", "The kids are growing so fast", "I burnt the toast, silly me",
                "My train was late as usual", "I used to have a dog called Biscuit", "Grandad would have liked this", "I'm nervous about tomorrow", "We got married in that little church", "My favourite colour used to be green", "That lamp was a present from {p}",
                "I bought a new television last year", "The old vacuum cleaner was louder"],
    "knowledge": ["Who wrote Don Quixote?", "What's the capital of Peru?", "How many legs has a spider?", "Why is the sky blue?", "Who painted the Mona Lisa?", "What's the tallest mountain on Earth?", "How do bees make honey?",
                  "When did the Berlin Wall come down?", "What language do they speak in Brazil?", "How far is the moon?", "Is a tomato a fruit?", "Who was the first person on the moon?", "What's the square root of 81?", "Which planet is the biggest?",
                  "What do pandas eat?", "How many bones do people have?", "Why do cats purr?", "What's photosynthesis?", "Who invented the telephone?", "How does a rainbow come about?", "What's the longest river in Africa?", "Do fish sleep?",
                  "What is a haiku?", "How many players has a football team?", "What's the boiling point of water?", "Which metal is liquid at room temperature?", "Why do leaves fall in autumn?", "Who discovered penicillin?", "What is gravity?",
                  "How tall is the Eiffel Tower?", "How does a fridge keep things cold?", "Why do light bulbs burn out?", "How does a heat pump work?", "Who invented the vacuum cleaner?", "What is a thermostat good for?", "How do locks work?", "What does a sommelier do?", "How many minutes are in a day?", "Who composed the Four Seasons?"],
    "thanks": ["Thanks a million", "Cheers mate", "Ta very much", "That's very kind", "You're a star", "Brilliant, thanks", "Just what I was after", "Well done you", "You handled that rather well", "Much appreciated", "Great, that's all", "OK that will be all for today", "Lovely, ta",
               "Thank you so much, you've been a great help", "No, that's fine, thank you", "Excellent work", "I'm grateful", "Nothing else, thanks", "That's enough for now, thank you", "You did that nicely", "Splendid", "Sweet, thanks", "Thank you, that was it",
               "I'm happy with that", "Never mind then"],
    "half sentences": ["So I was going to", "Erm, yes, well", "Well, if you could just", "And then the", "Hmm, wait", "Could you maybe", "What I wanted to say is", "Owing to all those", "Er, hold on a", "What I mean by that", "The thing with", "But when we", "No, it's the other", "Or was it",
                       "Let me think", "I was wondering if", "It's about the", "Hang on", "Right, so", "Actually", "Well I never", "And another thing", "You know the", "Oh"],
    "said to others": ["{p}, come and eat!", "Darling, have you seen my glasses?", "No, {p}, you've had enough sweets", "Kids, stop running around", "Yes Mum, I'll call you later", "{p}, did you do your homework?", "Who wants more soup?", "Sit, Rex! Good boy",
                       "Hold on, I'm talking to {p}", "I told the plumber to come on Thursday", "Honey, where did we park?", "{p}, your friend is here", "Pass me the salt, will you, {p}", "Not you, I was talking to the dog", "Mind the step, {p}",
                       "Goodness, {p}, look at those shoes", "Sorry, I wasn't talking to you", "Can you all be nice to {p} please", "Where are your socks, {p}?", "Is that your coat, {p}?", "So then I told {p} he can keep it", "Happy birthday, {p}!",
                       "Which of you ate my cake?", "Boys, shoes off at once", "Dear, your mother rang", "{p}, hurry or you'll miss the bus", "Have you met {p}? We went to school together", "Dinner's nearly done, wash your hands, {p}", "Whose turn is it to deal?", "{p}, tell her about your trip"],
}


def sayings(seed):
    """(kind, text), each once, the kinds mixed."""
    rng = words.seeded(seed, "idle")
    every = [(kind, text) for kind, texts in SAYINGS.items() for text in texts]
    rng.shuffle(every)
    people = words.pick_split(words.PEOPLE, "test")
    return [(kind, text.format(p=rng.choice(people))) for kind, text in every]


def rows(seed, pool, count, in_homes):
    """`in_homes` of them to a home, the others to a client with tools of its own; some as a speech recognizer hears them."""
    for i, (kind, text) in enumerate(sayings(seed)[:count]):
        rng = words.seeded(seed, f"idle:{i}")
        heard = "".join(c for c in text if c not in ".,!?").lower() if rng.random() < 0.25 else text
        said = [{"role": "user", "content": heard}]
        row = {"category": kind, "messages": said, "expect": {"idle": True}}
        if i < in_homes:
            yield {**row, "home": rng.choice(list(pool))}
        else:
            system = rng.choice(heldout_tools.SYSTEMS)
            offered = heldout_tools.offered_with(rng, rng.choice(list(heldout_tools.TOOLS)))
            yield {**row, "messages": ([{"role": "system", "content": system}] if system else []) + said, "tools": offered}
