# How people ask a home of today for things: the phrasings of the held-out set "today", written without a look at those of the training.
# {d}: a device as it is said, {a}: an area as it is said, {n}: the kind of thing, {v}: a value, {i}: an item, {l}: a list.

LIGHT_ON = ["Could you put {d} on for me?", "{d} on, would you", "Let's have {d} on.", "I can't see a thing, get {d} going", "Pop {d} on please", "I need {d} on in here.", "{d} should be on by now, do it",
            "Bring {d} to life", "Time to light up {d}", "Mind putting {d} on?"]
LIGHT_OFF = ["Switch off time for {d}", "{d} can go off now", "I'm done in here, so kill {d}.", "Off with {d}!", "Nobody needs {d} right now, shut it off", "Would you mind shutting {d} off?",
             "Make {d} go dark", "We don't need {d} any more.", "Snuff {d} out", "You can put {d} out"]
AREA_LIGHTS_ON = ["Every light in {a} on", "Put all the lights in {a} on please", "Light {a} up, all of it", "I want all lamps in {a} on", "Could I have the lights on in {a}?"]
AREA_LIGHTS_OFF = ["Kill every light in {a}", "All the lights in {a} can go out", "We left the lights on in {a}, turn them off", "Lights out in {a}", "No one's in {a}, so lights off there please"]
BRIGHTNESS = ["Take {d} down to {v} percent", "{d}, say, {v}%?", "I'd like {d} at {v} percent brightness.", "Could {d} be at {v} percent?", "Put {d} on {v} percent", "Bring {d} up to {v} %"]
AREA_BRIGHTNESS = ["Set the lights in {a} at {v} percent", "I'd like it at {v} percent in {a}, the lights I mean", "All lamps in {a} to {v}% please"]
COLOR = ["Make {d} glow {v}", "I'd love {d} in {v}", "Could we have {d} in {v}?", "Change {d} over to {v}", "{v} for {d}, please"]
LIGHT_AGAIN = [("off", "Too bright, so off again"), ("off", "actually no, turn it back off"), ("off", "never mind, put it out again"), ("dim", "A bit much. Take it to {v} percent"), ("dim", "now dim that to {v}%"),
               ("color", "Now make it {v}"), ("color", "and in {v} please")]

SWITCH_ON = ["Give {d} power", "Get {d} started", "Could you flip {d} on?", "Go ahead and put {d} on", "{d} please, on", "I want {d} running", "Would you set {d} to on?", "{d} may run now"]
SWITCH_OFF = ["Cut the power to {d}", "{d} doesn't have to run any longer, off with it", "{d} off, I don't need it", "Flip {d} off", "Have {d} shut down", "Please stop {d}", "I'd rather not have {d} on"]

FAN_ON = ["I'm melting, put {d} on", "Get {d} spinning", "Some air please: {d} on", "{d} may run now", "Could you get {d} turning?", "Would you start up {d} for me"]
FAN_OFF = ["It's chilly, {d} off", "Stop {d} from spinning", "That's enough air, kill {d}", "{d} is too noisy, shut it off", "You can stop {d}"]
FAN_SPEED = ["Have {d} run at {v} percent", "{d} to {v} % please", "Turn {d} to {v} percent speed", "Let {d} blow at {v} percent", "I'd like {d} going at {v} percent", "Speed of {d}: {v} percent"]
FAN_FULL = ["{d} on full blast", "Crank {d} all the way up", "Run {d} as fast as it goes, 100 percent"]
FAN_HALF = ["{d} at half speed", "Half speed for {d} would do"]

OPEN = ["Let {d} up", "Could you get {d} open?", "Air would be nice, open {d}", "{d} open please", "I'd like {d} wide open", "Go and open {d}", "Would you open up {d} for me?"]
CLOSE = ["{d} shut please", "Could you get {d} closed?", "Too much sun, close {d}", "Pull {d} to", "I want {d} closed for the night", "It's about to rain so close {d}"]
AREA_OPEN = ["Open every {n} in {a}", "All {n} in {a} open please", "Could you open all the {n} in {a}?"]
AREA_CLOSE = ["Shut all {n} in {a}", "Close up every {n} in {a}", "All of the {n} in {a} should be closed"]
POSITION = ["{v} percent for {d}, please", "Let {d} stand at {v}%", "Move {d} so that it's {v} percent open", "Could you leave {d} {v} percent open?", "Best leave {d} at {v} percent"]
HALF_OPEN = ["{d} half open please", "Open {d} halfway", "Leave {d} half way"]
STOP_COVER = ["Stop {d} right there", "Wait, halt {d}!", "{d} should stop moving now", "Hold {d} where it is"]
COVER_AGAIN = ["And shut it again", "no wait, close it", "Okay, you can close that now"]

LOCK = ["Turn the key on {d}", "Draw the bolt of {d}", "I'm off to bed, lock {d}", "Secure {d} please", "{d} locked, please", "Could you make sure {d} gets locked?", "We're out, so lock {d}",
        "Lock {d} behind me, would you", "Put the lock on at {d}", "See that {d} is locked, would you"]
UNLOCK = ["My hands are full, unlock {d}", "Mum's outside, unlock {d} for her", "{d} can be unlocked now", "Take the lock off {d}", "Could you get {d} unlocked?", "Draw back the bolt on {d}", "Undo the lock of {d}"]

TEMPERATURE = ["Get {d} over to {v} degrees", "Could {d} do {v} degrees?", "{v} degrees on {d} suits us", "Aim for {v} with {d}", "Have {d} keep it at {v} degrees", "Bump {d} to {v}", "Let {d} go down to {v} degrees", "Dial {d} to {v} °C"]
AREA_TEMPERATURE = ["It ought to be {v} degrees in {a}", "{a} should be at {v} degrees", "We're cold, make {a} {v} degrees", "Get {a} to {v}° please", "Could we have {v} degrees in {a}?", "Heat {a} to {v}"]
CLIMATE_ON = ["It's freezing, get {d} going", "Put {d} on, will you", "Could you start {d}?"]
CLIMATE_OFF = ["We're airing, so turn {d} off", "{d} off for now", "No need for {d} today, shut it down"]

PAUSE = ["Hold on, pause {d}", "Phone's ringing! pause {d}", "Could you put {d} on pause?", "Freeze {d} a second", "{d} wants pausing"]
RESUME = ["Carry on with {d}", "Okay I'm back, let {d} go on", "End the pause on {d}", "{d} can play on now", "Let the music go on over at {d}"]
NEXT = ["Don't like this one, next on {d}", "Next song on {d} please", "Skip this on {d}", "{d}, one track further", "Can {d} jump to the next one?"]
PREVIOUS = ["Once more the one before, on {d}", "Go back a song on {d}", "I liked the last one, previous track on {d}"]
VOLUME = ["{d} volume to {v}", "Put {d} at volume {v}", "I want {d} at {v} percent volume", "Sound of {d} to {v} percent please"]
LOUDER = ["Can't hear {d}, louder", "Make {d} a bit louder", "Turn {d} up please", "Raise the volume on {d}"]
QUIETER = ["{d} is way too loud, turn it down", "Make {d} quieter", "Bring down the volume on {d} a bit", "Lower the sound on {d}"]
MUTE = ["Shush {d}, mute it", "Mute {d} for a sec", "No sound from {d} please, mute", "Could you mute {d}?"]
UNMUTE = ["Sound back on for {d}", "Take {d} off mute", "Unmute {d}, we want to hear it"]
PLAYER_ON = ["Fire up {d}", "Get {d} on please", "I want to watch something, {d} on"]
PLAYER_OFF = ["That's enough of {d}, off", "Shut down {d}, nobody listens", "Pull the plug on {d}"]

VACUUM = ["Have {d} do a round", "Send {d} out", "It's dusty. Get {d} going", "Could {d} start cleaning please?", "Let {d} loose", "{d}, get to work"]
ONLY_VACUUM = ["The floors are filthy, do some vacuuming", "Crumbs everywhere! start the robot", "Could you vacuum please", "Get the vacuum cleaner going"]
DOCK = ["{d} ought to head home", "Call {d} back to its dock", "Send {d} back to charge", "Enough cleaning, {d} back to base", "Could {d} return to its station?", "Bring {d} home"]
CLEAN_AREA = ["Vacuum {a} please", "Have the robot clean {a}", "{a} needs vacuuming", "Could you get {a} vacuumed?", "Send the vacuum to clean {a}"]

SCENE = ["Let's do {d}", "I'm in the mood for {d}", "The scene called {d}, please", "Let's go over to {d}", "Could we have {d} please?", "{d} scene please", "Put on the {d} scene", "Now for some {d}", "Bring on {d}", "Change the scene to {d}",
         "Make it {d}", "Switch over to {d}", "Bring up {d}"]
SCRIPT = ["Do run {d}", "Do the {d} thing", "Please start {d}", "Have {d} executed", "Go ahead with {d}", "Launch {d} for me", "Could you kick off {d}?", "Let's go: {d}", "Fire off the {d} script",
          "{d} if you please", "Start up {d}"]
SCRIPT_WITH = {"portions": ["{d}, {v} portions please", "Run {d} with {v} portions", "Do {d} and give {v} portions"], "minutes": ["Run {d} for {v} minutes", "{d} for {v} minutes please", "Start {d}, {v} minutes"],
               "person": ["Run {d} for {v}", "{d} for {v} please", "Do {d}, the person is {v}"]}

ADD_ITEM = ["We're out of {i}, note it on {l}", "Scribble {i} onto {l}", "{i} goes on {l}", "Could you stick {i} on {l}?", "Write {i} on {l} please", "Don't let me forget {i}, onto {l} with it", "I used the last of it: {i}, on {l}"]
ADD_ONLY = ["Put {i} on the list", "Note down {i} on my list", "Can the list get {i}?"]
ADD_TWO = ["Stick {i} and {j} on {l}", "{l} needs {i} and also {j}"]
COMPLETE_ITEM = ["Put a tick by {i} on {l}", "I've got {i}, cross it off {l}", "{i} is done, check it off on {l}", "Mark {i} on {l} as finished"]
REMOVE_ITEM = ["Delete {i} from {l}", "We don't need {i} after all, take it off {l}", "Drop {i} from {l}", "Get rid of {i} on {l}"]
READ_LIST = ["What have I got on {l}?", "Read out {l} to me", "Tell me everything on {l}", "Anything on {l}?", "What do we still have on {l}?"]

TIMER = ["Give me a timer of {t}", "Do a countdown of {t}", "Set me {t} on the timer", "I need a {t} timer", "Start counting {t} for me", "Ping me in {t}", "A timer, {t}, go", "Let me know when {t} are over"]
NAMED_TIMER = ["I need a timer called {w}, {t}", "A {w} timer for {t} please", "Start a timer for the {w}, {t}", "The {w} takes {t}, set a timer with that name", "{t} timer named {w}"]
CANCEL_TIMER = ["Drop the {w} timer", "I don't need the {w} timer any more", "Kill the {w} timer"]
CANCEL_ALL = ["Drop all my timers", "No more timers, cancel the lot", "Clear every timer", "Forget all the timers"]
CANCEL_ONLY = ["That timer can stop now", "Scrap that timer", "I don't need the timer now"]
ADD_TIME = ["Give the {w} timer {t} more", "Another {t} on the {w} timer", "Make the {w} timer {t} longer"]
LESS_TIME = ["Take {t} off the {w} timer", "Make the {w} timer {t} shorter"]
PAUSE_TIMER = ["Freeze the {w} timer", "Put the {w} timer on hold"]
RESUME_TIMER = ["Let the {w} timer run on", "Carry on with the {w} timer"]
TIMER_LEFT = ["How much longer on the {w} timer?", "What's left of the {w} timer?", "When is the {w} timer through?"]
LABELS = ["quiche", "noodles", "sourdough", "egg bake", "sauce", "lentil soup", "face mask", "pizza dough", "homework", "plank", "steak", "foot soak", "meditation", "roast"]

OPENINGS = ["", "", "", "", "", "", "Hey, ", "Um, ", "Okay so, ", "Right, ", "Listen, ", "Sorry, ", "Quick one: ", "Morning! ", "Oi, "]
CLOSINGS = ["", "", "", "", "", "", "", "", "", "", "", "", ", thanks", ", ta", ", when you get a chance", ", love", ", if that's okay", ", cheers"]
