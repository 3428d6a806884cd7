# Phrasings put together from parts, for training only: what is wanted ("locked", "at {v} percent") in many sentences, with any
# word ({w}) where a verb or an aside stands. So the words that decide are learned, not whole sentences.
import phrases as p

IMPERATIVE = """get {d} {s}
{w} {d} {s}
{w} {d} {s}
{w} {w} {d} {s}
{w} {w} {w} {d} {s}
{w} to it that {d} is {s}
{w} it so that {d} is {s}
{w} that {d} gets {s}
ensure that {d} is {s}
take care that {d} is {s}
arrange for {d} to be {s}
let us see {d} {s}
leave {d} {s}
return {d} to being {s}""".split("\n")

SENTENCE = """={d} has to be {s}
={d} must be {s}
={d} ought to be {s}
={d} could be {s}
={d} {s} would be nice
={d} {s}, {w}
={d} is to be {s}
={d} {w} be {s}
={d} {w} {w} {s}
={d}, {s}
=can we have {d} {s}
=could we get {d} {s}
=might i have {d} {s}
=may {w} have {d} {s}
=how about {d} {s}
=what about {d} {s}
=i wish {d} was {s}
=i would love {d} {s}
=i'd prefer {d} to be {s}
=i would rather have {d} {s}
=i believe {d} ought to be {s}
=i {w} {d} {s}
=i {w} {d} to be {s}
=i {w} that {d} is {s}
=we {w} {d} {s}
=we {w} {w} {d} {s}
=we wanted {d} {s}
=they asked for {d} {s}
={w} wants {d} {s}
=the {w} needs {d} {s}
=why not have {d} {s}
=it is time to have {d} {s}
=it should not be otherwise: {d} {s}
={w} {w}: {d} {s}""".split("\n")


def compose(bank, targets, states, others=""):
    """Adds to a bank the sentences on the targets with the wanted states, and `others`; none that evaluation asks."""
    made = [f.replace("{s}", s).replace("{d}", t) for t in targets for s in states for f in IMPERATIVE + SENTENCE]
    # The bank's own sentences of `others` count as much as all that is made from parts.
    own = [line.strip() for line in others.strip().split("\n") if line.strip()]
    bank["frames"] = [[f for f in group if f not in bank["test"]] for group in (made, own) if group]


compose(p.ON, ["{d}"], ["on", "on", "switched on", "turned on", "running"], """{w} {d} on
{w} on {d}
{w} {d} back on
{w} {w} on {d}
=is {d} on? it should be
=i need {d} to go on""")
compose(p.OFF, ["{d}"], ["off", "off", "switched off", "turned off"], """{w} {d} off
{w} off {d}
{w} {d} back off
{w} down {d}
{w} {d} down
=is {d} off? it should be
=no more {d}""")
compose(p.LOCK, ["{d}"], ["locked", "locked", "locked up"], "{w} {d} and lock it\n{w} lock {d}\nlock {d} {w}")
compose(p.UNLOCK, ["{d}"], ["unlocked", "unlocked", "not locked"], "{w} {d} and unlock it\n{w} unlock {d}\nunlock {d} {w}")
compose(p.OPEN, ["{d}"], ["open", "open", "opened", "raised"], "{w} open {d}\n{w} up {d}\nopen {d} {w}")
compose(p.CLOSE, ["{d}"], ["closed", "closed", "shut", "lowered"], "{w} close {d}\n{w} down {d}\nclose {d} {w}")
PERCENT = ["at {v}%", "at {v} percent", "to {v}%", "to {v} percent", "set to {v}%"]
compose(p.BRIGHTNESS, ["{d}"], PERCENT + ["dimmed to {v}%"], "{w} the brightness of {d} to {v}\n{w} the light of {d} to {v} percent\n={v}% for {d}\n={v} percent on {d}")
compose(p.LEVEL, ["{d}"], PERCENT + ["at {v}", "to {v}"], "={v}% for {d}\n={v} percent on {d}\n={d} {w} {v} percent\n={d} ought to have {v}%\n={d} could do with {v} percent")
compose(p.COLOR, ["{d}"], ["{v}", "in {v}", "to {v}", "in the color {v}"], "{w} the color of {d} to {v}\n{w} {v} on {d}\n={v} for {d}\n={v} is the color for {d}\n{w} {d} glow {v}")
compose(p.POSITION, ["{d}"], PERCENT, "{w} the position of {d} to {v}\n{w} {d} {v} percent open\n={v}% for {d}\n={d} {v}% open")
compose(p.TEMPERATURE, ["{d}"], ["at {v} degrees", "to {v} degrees", "at {v}", "to {v}", "set to {v} degrees"],
        "{w} the temperature of {d} to {v}\n={v} degrees for {d}\n={v} degrees on {d}\n{w} {d} heat to {v} degrees")
compose(p.FAN_SPEED, ["{d}"], PERCENT + ["at speed {v}"], "{w} the speed of {d} to {v}\n={v}% for {d}\n{w} {d} spin with {v} percent\n{w} {d} run at {v} percent\n={d} could run at {v}%\n={d} ought to run at {v} percent\nlet {d} run with {v}%\n={d} {w} run at {v} percent")
compose(p.VOLUME, ["{d}"], ["at volume {v}", "to volume {v}", "at a volume of {v}"], "{w} the volume of {d} at {v}\n{w} the volume of {d} to {v} percent\n{w} {d} volume to {v}\n={v} is the volume for {d}\n=volume {v} for {d}")
compose(p.PAUSE, ["{d}"], ["paused", "on pause"], "{w} pause {d}\n{w} the {w} on {d} and pause\npause the {w} on {d}\n{w} {d} take a pause\n{w} {d} to pause")
compose(p.UNPAUSE, ["{d}"], ["playing again", "resumed"], "{w} {d} go on playing\nresume the {w} on {d}\n{w} resume {d}\n{w} {d} to resume\n{w} on with {d}, resume it")
compose(p.NEXT, ["{d}"], ["on the next song", "playing the next track"], "{w} to the next {w} on {d}\n{w} the next song on {d}\n{w} this song on {d}, play the next\n{w} {d} skip the song\nskip the {w} on {d}\n=i {w} the next track on {d}")
compose(p.PREVIOUS, ["{d}"], ["on the previous song", "playing the previous track"], "{w} to the previous {w} on {d}\n{w} the previous song on {d}\n{w} back a song on {d}\n{w} {d} go back a track\n=i {w} the previous track on {d}")
compose(p.PLAY, ["{d}"], ["playing {v}", "to play {v}"], "{w} {v} on {d}\n=i {w} {v} on {d}\n=i {w} like {v} on {d}\n=we {w} {v} on {d}\n=may we have {v} on {d}\n=can i get {v} on {d}\n={d} must play {v}\n={v} should play on {d}\n=it is time for {v} on {d}\n=i am in the mood for {v} on {d}")
compose(p.VACUUM_START, ["{d}"], ["cleaning", "vacuuming", "at work"], "{w} {d} to work\n{w} {d} clean the {w}\n=the {w} is dirty, {w} {d}\n=there is {w} everywhere, {w} {d}\n={w} on the floor, {w} {d}\n{w} {d} {w} the floor\n=i {w} {d} to clean up")
compose(p.VACUUM_DOCK, ["{d}"], ["home", "back home", "on its base", "back on the dock"], "{w} {d} back to its {w}\n{w} {d} home\n{w} {d} go home\n{w} {d} to its base\n=i {w} {d} to return home\n=enough, {w} {d} home")
compose(p.MOW, ["{d}"], ["mowing", "cutting the grass"], "{w} {d} mow\n{w} {d} mow the {w}\n{w} the grass with {d}\n{w} {d} to mow\n=i {w} {d} to mow the lawn\n=the grass is {w}, {w} {d}")
compose(p.MOW_DOCK, ["{d}"], ["home", "back home", "on its base", "back on the dock"], "{w} {d} back to its {w}\n{w} {d} home\n{w} {d} go home\n{w} {d} to its base\n=i {w} {d} at home again\n=enough, {w} {d} home")
compose(p.ADD_ITEM, ["{d}"], [], """{w} {v} on {d}
{w} {v} to {d}
{w} down {v} on {d}
{w} {v} down on {d}
{w} {v} into {d}
get {v} added to {d}
see {v} put on {d}
have {v} written on {d}
have {v} noted on {d}
have {v} put on {d}
have {v} entered on {d}
get {v} saved to {d}
see {v} listed on {d}
let {v} be added to {d}
have {v} {w}ed to {d}
have {v} {w}ed on {d}
get {v} {w}ed to {d}
{w} {v} written on {d}
make sure {v} is on {d}
={v} must go on {d}
={v} could be on {d}
={v} has to go on {d}
={v} ought to be on {d}
={v} belongs on {d}
={v} must be on {d}
=i {w} {v} on {d}
=can we have {v} on {d}
=may {w} have {v} on {d}
=we {w} {v}, {w} it on {d}
=no {v} left, {w} it to {d}
=i want {v} added to {d}
={d} needs {v}
={d} lacks {v}""")
compose(p.COMPLETE_ITEM, ["{d}"], [], """{w} {v} off {d}
{w} off {v} on {d}
{w} off {v} from {d}
{w} {v} from {d}
{w} {v} as done on {d}
get {v} struck off {d}
get {v} marked as done on {d}
see {v} taken off {d}
have {v} ticked off {d}
have {v} struck from {d}
have {v} removed from {d}
have {v} taken off {d}
get {v} scratched off {d}
see {v} wiped off {d}
let {v} be crossed off {d}
have {v} {w}ed off {d}
get {v} {w}ed from {d}
={w} got {v}, {w} it off {d}
=i got {v}, take it off {d}
=we got {v}, check it off {d}
{w} {v} removed from {d}
{w} {v} checked off {d}
={w} have {v}, {w} it off {d}
=i {w} {v}, {w} it off {d}
=i {w} {v}, it is done on {d}
={v} is bought, {w} it off {d}
={v} is done, take it off {d}
={v} can come off {d}
={v} has been done, {w} it on {d} as done
=i want {v} off {d}""")
compose(p.SCRIPT, ["{d}"], [], """{w} {d}
{w} {d}
{w} out {d}
{w} {w} {d}
{w} the {d} script
{w} {d} {w}
{w} {d} run
get {d} to run
see that {d} runs
get {d} done
let {d} happen
let {d} begin
=i {w} {d}
=we {w} {d} now
=i want {d} to start
=could we have {d}
={d} should run
={d} now""")
compose(p.SCENE, ["{d}"], ["active", "activated"], """{w} {d}
{w} to {d}
{w} the scene {d}
{w} the {d} scene
{w} the {d} scene {w}
{w} the {d} scene on
=could we have {d}
=i {w} the {d} scene
=we {w} {d} now
=let it be {d}""")
ROOMS = ["the {n} in {a}", "all {n} in {a}", "{a} {n}", "all the {n} in {a}", "every one of the {n} in {a}"]
compose(p.AREA_ON, ROOMS, ["on", "switched on"], "{w} on the {n} in {a}\n{w} the {n} in {a} on\n{w} on all {n} in {a}\n{w} all {n} on in {a}\n=in {a} i {w} the {n} on\n=more light, {w} on the {n} in {a}")
compose(p.AREA_OFF, ROOMS, ["off", "switched off"], "{w} off the {n} in {a}\n{w} the {n} in {a} off\n{w} off all {n} in {a}\n{w} all {n} off in {a}\n=in {a} i {w} the {n} off\n=no more {n} on in {a}")
compose(p.AREA_OPEN, ROOMS, ["open", "opened"], "{w} open the {n} in {a}\n=in {a} i {w} the {n} open")
compose(p.AREA_CLOSE, ROOMS, ["closed", "shut"], "{w} close the {n} in {a}\n=in {a} i {w} the {n} closed")
compose(p.AREA_EVERYTHING, ["everything in {a}", "all in {a}", "all devices in {a}"], ["off", "switched off"], "{w} everything in {a}\n{w} off everything in {a}\n{w} down everything in {a}\n=i {w} everything in {a} off\n=in {a} everything off")
compose(p.AREA_BRIGHTNESS, ROOMS, PERCENT, "{w} the brightness in {a} to {v}%\n={v}% in {a}\n{w} {a} to {v}%\n{w} the {n} in {a} by dimming to {v} percent")
compose(p.AREA_COLOR, ROOMS, ["{v}", "in {v}", "to {v}"], "{w} {a} {v}\n{w} the color in {a} to {v}\n={v} in {a}\n{w} the {n} in {a} glow {v}")
compose(p.AREA_POSITION, ROOMS, PERCENT, "{w} the {n} in {a} {v}% open\n=in {a} i {w} the {n} at {v}%")
compose(p.AREA_TEMPERATURE, ["{a}", "the temperature in {a}", "it in {a}"], ["at {v} degrees", "to {v} degrees"], """{w} {a} to {v} degrees
{w} it {v} degrees in {a}
=it has to be {v} degrees in {a}
=it must be {v} degrees in {a}
=it {w} be {v} degrees in {a}
={v} degrees in {a}
=in {a} i {w} {v} degrees
=we {w} {v} degrees in {a}
=make it so that {a} has {v} degrees""")
compose(p.NO_AREA_ON, ["the {n}", "all {n}"], ["on", "switched on"], "{w} on the {n}\n{w} the {n} on\n{w} all {n} on")
compose(p.NO_AREA_OFF, ["the {n}", "all {n}"], ["off", "switched off"], "{w} off the {n}\n{w} the {n} off\n{w} all {n} off")
compose(p.TIME, [], [], "=can anyone say the time\n=i need to know the time\n=any idea what time it is\n=what time do we have\n=the time please\n={w} you {w} what time it is\n={w} i {w} the time\n=what is the {w} time\n=tell us the time\n=is it late? what time is it")
compose(p.DATE, [], [], "=i need to know what day it is\n=any idea which day it is\n=the date please\n=which date is it\n={w} you {w} what day it is\n={w} i {w} the date\n=which date {w} today\n=what {w} is today\n=tell us the date of today")
compose(p.STATE, [], [], """=can you see if {d} is on
=find out if {d} is off
=look if {d} is on
={w} you {w} if {d} is on
={w} {w} whether {d} is on
={w} {w} whether {d} is off
={w} {w} if {d} is still on
=do you know whether {d} is on
=tell me whether {d} is off
=i want to know if {d} is on
=i wonder whether {d} is on
=i wonder what {d} is doing
=has {d} been left on
=did we leave {d} on
=did {w} leave {d} on
=did {w} turn off {d}
=is {d} running
=what {w} is {d} in
=which state does {d} have
=and {d}, is it on or off""")
compose(p.READING, [], [], "=can you tell me what {d} shows\n={w} you {w} what {d} says\n=which {w} does {d} show\n=what {w} does {d} have\n=i want to know the value of {d}\n=i need the reading of {d}\n=tell me what {d} measures\n={w} {w} out {d}\n=what does {d} measure\n={d} shows what")
compose(p.AREA_TEMP_QUESTION, [], [], "=what temperature is it in {a}\n=what temperature {w} {w} in {a}\n=can you tell how warm it is in {a}\n={w} you {w} how warm it is in {a}\n=i want to know how warm it is in {a}\n=do you know the temperature in {a}\n=is it cold in {a}\n=which temperature has {a}")
compose(p.EXIST_DEVICE, [], [], "=did we get {d}\n=can you find {d}\n=is {d} known to you\n=is {d} here\n={w} we {w} {d}\n=are you {w} to control {d}\n=do you have {d} in your {w}\n=did you ever see {d}\n=is {d} {w} the list")
compose(p.WHERE, [], [], "=can you say where {d} is\n=do you know where {d} is\n={w} {w} where {d} is\n=i am looking for {d}, where is it\n=in which {w} of the {w} is {d}\n=tell me the room of {d}\n=where did we put {d}\n=where would i find {d}")
compose(p.LIST_AREA, [], [], "=can you list what {a} has\n={w} you {w} what is in {a}\n={w} the devices in {a}\n=which things are in {a}\n=what does {a} have\n=tell me all devices of {a}")
compose(p.LIST_DOMAIN, [], [], "={w} you {w} the {n}\n=which {n} {w} we {w}\n=can you tell me which {n} i have\n=what are my {n}\n=name all the {n}\n={w} all my {n}")
compose(p.LIST_AREAS, [], [], "={w} you {w} the rooms\n=what areas {w} {w}\n=can you list my areas\n=name all areas\n=tell me all areas\n=which rooms are there")
compose(p.TIMER_SET, [], [], "{w} a timer for {v}\n{w} a {v} timer\n{w} a timer {w} for {v}\n{w} a timer {w} {v}\n{w} me in {v}\n=a timer for {v}\n={w} i have a timer for {v}\n=we want a timer for {v}\n={v} on the timer")
compose(p.TIMER_CANCEL_ALL, [], [], "{w} all timers\n{w} {w} of all timers\n{w} all timers {w}\n{w} every timer\nend all timers\n=i want no timers\n=all timers off\n=all timers should {w}\n=forget all timers")
compose(p.TIMER_STATUS, [], [], "=what does the timer say\n=how much {w} for the timer\n=how long does the timer {w}\n={w} you {w} how long the timer {w}\n=how many minutes are left on the timer\n=is the timer done soon\n=when is the timer over\n=how is the timer doing")
compose(p.BROADCAST, [], [], "{w} everyone that {v}\n{w} everybody that {v}\n{w} the {w} {w} that {v}\n{w} to all: {v}\n{w} the {w}: {v}\n{w} in all rooms: {v}\nlet the {w} know that {v}\nmake it known that {v}\nmake sure everyone hears that {v}\ncall out that {v}\ngive everybody the message that {v}")
