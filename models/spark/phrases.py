# The phrasings of commands: for every intent those of training and those kept for evaluation only.
# Slots: {d} a device, {a} an area, {v} a value, {n} a plural such as "lights". Imperatives get politeness around them.


def bank(train, test):
    return {"train": [t.strip() for t in train.strip().split("\n")], "test": [t.strip() for t in test.strip().split("\n")]}


# Asides of training only, filled with any words: what is not the device must be passed over.
ASIDES = ["{p} is coming, ", "{p} said: ", "the {w} is here, ", "for the {w}, ", "because of the {w}, ", "my {w} is {w}, so ", "after the {w}, ", "{w} {w}, ", "as {p} wants it, ",
          "before the {w}, ", "{p} needs this: ", "{w}, ", "there is a {w}, ", "would you {w} and ", "do this {w} and ", "{w} {w} {w}, ", "{w} {w} {w} and ", "{w} {w} are {w}, ", "if {w} {w}, ", "{w} me a {w} and ",
          "would you {w} so {w} and ", "{w} i {w} you to ", "i {w} {w} you to ", "could you {w} ", "{w} ", "{w} now, ", "the {w} are {w}, "]
TAILS = [" for {p}", " for the {w}", " because of the {w}", " before the {w}", " until {p} comes", " says {p}", ", {w}", " {w} {w}", ", {p} is here", " with {w}", " in {w} time",
         " {w} {w}", " {w} {w}", " {w} {w}", ", {w} {w}", ", {w} you", " when {w} {w}", " {w} {w} {w}", ", if {w}", ", {w}"]

# Around an imperative; the last group is a whole-sentence form that takes no opener.
OPENERS = {
    "train": ["", "", "", "", "", "", "please ", "please ", "can you ", "could you ", "would you ", "can you please ", "could you please ", "hey, ",
              "hey spark, ", "ok, ", "now ", "i want you to ", "i need you to ", "i'd like you to ", "would you mind and ", "just ", "go and ",
              "go ahead and ", "quick, ", "hi, can you ", "hello, please ", "computer, ", "will you ", "you can ", "you should ", "then ", "and ", "also ",
              "well, ", "so, ", "it is late, ", "i am cold, ", "i am home, ", "we are leaving, ", "before we go, ", "let's ", "time to ", "i forgot to, "],
    "test": ["", "", "", "kindly ", "do me a favour and ", "would you be so kind and ", "may i ask you to ", "alright, ", "i would like you to ",
             "if you can, ", "right now, ", "assistant, ", "guests are coming, ", "could you quickly "],
}
CLOSERS = {
    "train": ["", "", "", "", "", "", "", "", " please", ", please", " now", " for me", ", thanks", " thank you", " right now", ", will you", ", ok?", " again",
              ", would you", " for a while", " if you can", " for us", " at once", ", thank you very much"],
    "test": ["", "", "", "", ", if possible", " this instant", " straight away", ", cheers", " when you can", ", could you"],
}

ON = bank("""snap {d} on
pop {d} on
click {d} on
knock {d} on
throw {d} on
hit {d} on
bring {d} on
take {d} on
click on {d}
snap on {d}
pop on {d}
=i think you may turn on {d}
=let us have {d} turned on
=see that {d} is on
=someone should turn on {d}
=it is better with {d} on
let {d} be on
keep {d} on
=they want {d} to be on
check that {d} is on, if not turn it on
turn on {d}
turn on {d}
turn {d} on
turn {d} on
switch on {d}
switch {d} on
power on {d}
power {d} on
put {d} on
put on {d}
activate {d}
enable {d}
start {d}
flip on {d}
get {d} on
get {d} running
set {d} to on
make {d} go on
bring on {d}
light up {d}
power up {d}
turn {d} back on
turn on only {d}
energize {d}
=i want {d} on
=i'd like {d} on
=i need {d} to be on
={d} on
={d} on please
={d} should be on
=make sure {d} is on
=is it possible to have {d} on
=can i have {d} on
={d} needs to be turned on
=why is {d} off? turn it on
=it would be nice to have {d} on
=i would like {d} switched on
=have {d} turned on""", """flick on {d}
flick {d} on
switch {d} back on
go turn on {d}
see to it that {d} is on
=could i have {d} on
=let me have {d} on
=i want {d} to be switched on
=i think {d} should be turned on
=we need {d} on""")

OFF = bank("""snap {d} off
pop {d} off
click {d} off
knock {d} off
throw {d} off
hit {d} off
bring {d} off
take {d} off
click off {d}
snap off {d}
pop off {d}
=i think you may turn off {d}
=let us have {d} turned off
=see that {d} is off
=someone should turn off {d}
=it is better with {d} off
let {d} be off
keep {d} off
=they want {d} to be off
check that {d} is off, if not turn it off
turn off {d}
turn off {d}
turn {d} off
turn {d} off
switch off {d}
switch {d} off
power off {d}
power {d} off
put {d} off
shut off {d}
shut {d} off
shut down {d}
deactivate {d}
disable {d}
stop {d}
kill {d}
cut {d}
flip off {d}
set {d} to off
make {d} go off
power down {d}
turn {d} off again
=i want {d} off
=i'd like {d} off
=i need {d} to be off
={d} off
={d} off please
={d} should be off
=make sure {d} is off
=can i have {d} off
={d} needs to be turned off
=why is {d} on? turn it off
=nobody needs {d}, turn it off
=we no longer need {d} on
=i would like {d} switched off
=have {d} turned off""", """flick off {d}
flick {d} off
shut {d} down
go turn off {d}
see to it that {d} is off
=could i have {d} off
=let me have {d} off
=i want {d} to be switched off
=i think {d} should be turned off
=we want {d} off""")

LOCK = bank("""hold {d} locked
let {d} be locked
=we want {d} locked
see that {d} is locked
lock {d}
lock {d}
lock up {d}
close and lock {d}
bolt {d}
secure {d}
put the lock on {d}
=make sure {d} is locked
={d} should be locked
=i want {d} locked
=is {d} locked? lock it""", """keep {d} locked
go lock {d}
=i need {d} locked
=could i have {d} locked""")

UNLOCK = bank("""hold {d} unlocked
let {d} be unlocked
=we want {d} unlocked
see that {d} is unlocked
unlock {d}
unlock {d}
open the lock of {d}
unbolt {d}
release {d}
unlock {d} again
=make sure {d} is unlocked
={d} should be unlocked
=i want {d} unlocked
=let me in, unlock {d}""", """go unlock {d}
keep {d} unlocked
=i need {d} unlocked
=could i have {d} unlocked""")

OPEN = bank("""let {d} be open
=we want {d} open
see that {d} is open
keep {d} open
open {d}
open {d}
open up {d}
raise {d}
pull up {d}
roll up {d}
lift {d}
draw {d} open
put {d} up
=make sure {d} is open
={d} should be open
=i want {d} open
={d} up""", """go open {d}
have {d} opened
=i need {d} open
=could i have {d} opened""")

CLOSE = bank("""let {d} be closed
=we want {d} closed
see that {d} is closed
keep {d} closed
close {d}
close {d}
shut {d}
lower {d}
pull down {d}
roll down {d}
bring down {d}
draw {d} closed
put {d} down
=make sure {d} is closed
={d} should be closed
=i want {d} closed
={d} down""", """go close {d}
have {d} closed
=i need {d} closed
=could i have {d} closed""")

BRIGHTNESS = bank("""take {d} to {v} percent
push {d} to {v}%
let {d} be at {v} percent
keep {d} at {v} percent
=see that {d} is at {v}%
=we need {d} at {v} percent
=i think {d} is best at {v}%
set {d} to {v} percent
set {d} to {v}%
dim {d} to {v} percent
dim {d} to {v}%
set the brightness of {d} to {v}
set the brightness of {d} to {v}%
change {d} to {v} percent
brighten {d} to {v}%
put {d} at {v} percent
make {d} {v} percent bright
turn {d} to {v}%
set {d} brightness to {v}
adjust {d} to {v} percent
lower {d} to {v}%
raise {d} to {v} percent
turn {d} down to {v} percent
turn {d} up to {v}%
bring {d} to {v}%
=i want {d} at {v} percent
={d} to {v}%
={d} at {v} percent
={d} brightness {v}
=i'd like {d} at {v}% brightness""", """reduce the brightness of {d} to {v}%
get {d} to {v} percent
have {d} at {v}%
change the brightness of {d} to {v} percent
=could i have {d} at {v}%
={d} should be at {v} percent""")

COLOR = bank("""let {d} be {v}
keep {d} {v}
=we want {d} in {v}
=i think {d} looks best in {v}
get me {d} in {v}
set {d} to {v}
make {d} {v}
turn {d} {v}
change {d} to {v}
color {d} {v}
set the color of {d} to {v}
change the colour of {d} to {v}
switch {d} to {v}
put {d} on {v}
paint {d} {v}
set {d} color to {v}
let {d} glow {v}
=i want {d} in {v}
=i want {d} to be {v}
={d} {v} please
=can i have {d} in {v}""", """have {d} shine {v}
change the color of {d} to {v}
get {d} to be {v}
=could i have {d} in {v}
={d} should be {v}""")

# For training only; made from parts in frames.py.
LEVEL = bank("""{d} at {v} percent
set {d} to {v} percent
put {d} to {v}%""", "")

POSITION = bank("""take {d} to {v} percent
push {d} to {v}%
let {d} be at {v} percent
keep {d} at {v} percent
=see that {d} is at {v}%
=we need {d} at {v} percent
=i think {d} is best at {v}%
set {d} to {v} percent
set {d} to {v}%
open {d} to {v} percent
open {d} to {v}%
close {d} to {v} percent
move {d} to {v}%
put {d} at {v} percent
set the position of {d} to {v}
raise {d} to {v}%
lower {d} to {v} percent
bring {d} to {v} percent
adjust {d} to {v}%
=i want {d} at {v} percent
={d} to {v}%
={d} at {v} percent""", """have {d} at {v}%
change the position of {d} to {v} percent
get {d} to {v}%
=could i have {d} at {v} percent
={d} should be at {v}%""")

TEMPERATURE = bank("""take {d} to {v} degrees
push {d} to {v}
let {d} be at {v} degrees
keep {d} at {v} degrees
=see that {d} is at {v} degrees
=we need {d} at {v} degrees
=i think {d} is best at {v} degrees
set {d} to {v} degrees
set {d} to {v}
set {d} to {v}°
set the temperature of {d} to {v} degrees
change {d} to {v} degrees
turn {d} up to {v}
turn {d} down to {v} degrees
make {d} {v} degrees
heat {d} to {v} degrees
cool {d} to {v} degrees
adjust {d} to {v}
put {d} at {v} degrees
raise {d} to {v} degrees
lower {d} to {v}
warm {d} up to {v} degrees
=i want {d} at {v} degrees
={d} to {v} degrees
={d} at {v}
=i'd like {v} degrees in {d}""", """have {d} at {v} degrees
change the temperature of {d} to {v}
get {d} to {v} degrees
=could i have {d} at {v} degrees
={d} should be {v} degrees""")

FAN_SPEED = bank("""take {d} to {v} percent
push {d} to {v}%
let {d} be at {v} percent
keep {d} at {v} percent
=see that {d} is at {v}%
=we need {d} at {v} percent
=i think {d} is best at {v}%
set {d} to {v} percent
set {d} to {v}%
set the speed of {d} to {v}
set the speed of {d} to {v} percent
run {d} at {v} percent
turn {d} up to {v}%
turn {d} down to {v} percent
slow {d} down to {v}%
let {d} spin at {v} percent
change {d} speed to {v}%
=i want {d} at {v} percent
={d} at {v}%
={d} speed {v}""", """have {d} run at {v}%
change the speed of {d} to {v} percent
=could i have {d} at {v}%
={d} should run at {v} percent""")

VOLUME = bank("""take the volume of {d} to {v}
keep {d} at volume {v}
let the volume of {d} be {v}
=we need {d} at volume {v}
set the volume of {d} to {v}
set the volume of {d} to {v} percent
set {d} volume to {v}
turn the volume of {d} to {v}%
change the volume of {d} to {v}
turn {d} up to volume {v}
turn {d} down to volume {v}
put the volume of {d} at {v} percent
make {d} volume {v}%
=volume of {d} to {v}
={d} volume {v}
={d} at volume {v}""", """have the volume of {d} at {v}
adjust the volume of {d} to {v} percent
=could i have {d} at volume {v}
=the volume of {d} should be {v}""")

PAUSE = bank("""let {d} pause
=we need {d} paused
get {d} to pause
pause {d}
pause {d}
pause the music on {d}
pause playback on {d}
hold {d}
pause what is playing on {d}
put {d} on pause
pause the movie on {d}
pause the song on {d}
=i want {d} paused
={d} pause""", """have {d} pause
pause the show on {d}
=i need {d} paused""")

UNPAUSE = bank("""let {d} resume
=we want {d} to resume
get {d} to resume
resume {d}
unpause {d}
continue {d}
continue playing on {d}
resume the music on {d}
resume playback on {d}
let {d} play on
keep playing on {d}
unpause the movie on {d}
=i want {d} to go on playing
={d} resume""", """have {d} resume
resume the show on {d}
=i need {d} to resume""")

NEXT = bank("""let {d} play the next song
=we want the next track on {d}
get {d} to skip this song
skip to the next song on {d}
next song on {d}
play the next track on {d}
skip this song on {d}
next on {d}
skip on {d}
skip the track on {d}
go to the next track on {d}
=i do not like this song on {d}, next
={d} next song""", """jump to the next song on {d}
have {d} skip this song
=i want the next song on {d}""")

PREVIOUS = bank("""let {d} play the previous song
=we want the previous track on {d}
get {d} to go back one song
go back to the previous song on {d}
previous song on {d}
play the previous track on {d}
play the last song again on {d}
go back one track on {d}
previous on {d}
={d} previous song
=what was that song on {d}? play the previous one""", """jump to the previous song on {d}
have {d} go back one song
=i want the previous song on {d}""")

PLAY = bank("""let {d} play {v}
get {d} to play {v}
=we want {v} on {d}
=how about {v} on {d}
play {v} on {d}
play {v} on {d}
put {v} on {d}
start {v} on {d}
play some {v} on {d}
search {v} and play it on {d}
let me hear {v} on {d}
find {v} and play it on {d}
use {d} to play {v}
=i want to hear {v} on {d}
=i'd like to listen to {v} on {d}
={v} on {d}""", """have {d} play {v}
=could i have {v} on {d}
=i feel like {v} on {d}""")

VACUUM_START = bank("""put {d} to work
let {d} vacuum the floor
=we need {d} to clean
get {d} going on the floor
start {d}
start {d}
start cleaning with {d}
let {d} clean
run {d}
send {d} out to clean
tell {d} to clean
make {d} vacuum
have {d} start cleaning
get {d} to clean
=the floor is dirty, start {d}
=i want {d} to clean
=it is dusty, let {d} clean""", """set {d} to work cleaning
have {d} clean the floor
=i need {d} to vacuum
=there are crumbs everywhere, start {d}""")

VACUUM_DOCK = bank("""let {d} return to the dock
=we need {d} back on its base
take {d} back to its base
send {d} home
send {d} back to its base
return {d} to its base
dock {d}
tell {d} to go home
bring {d} back to the dock
make {d} go back to the charger
stop {d} and send it home
=i want {d} back on its base
={d} should go home
={d} go home""", """have {d} return to the dock
get {d} back to its base
=i need {d} to go home""")

MOW = bank("""start {d}
let {d} mow
start mowing with {d}
mow the lawn with {d}
tell {d} to mow the lawn
send {d} out to mow
run {d}
cut the grass with {d}
=the grass is high, start {d}
=i want {d} to mow""", """have {d} mow the lawn
get {d} mowing
=i need {d} to cut the grass""")

MOW_DOCK = bank("""send {d} home
dock {d}
return {d} to its base
tell {d} to go back to its dock
stop mowing and send {d} home
bring {d} back to the charger
={d} should go home""", """have {d} return to the dock
get {d} back to its base
=i need {d} back home""")

ADD_ITEM = bank("""scribble {v} on {d}
let {v} be on {d}
=we need {v} on {d}
=can i have {v} on {d}
get {v} on {d}
add {v} to {d}
add {v} to {d}
put {v} on {d}
put {v} on {d}
write {v} on {d}
note {v} on {d}
add {v} on {d}
include {v} in {d}
add {v} to my {d}
put down {v} on {d}
remember {v} on {d}
=i need {v} on {d}
={v} on {d}
=we are out of {v}, add it to {d}
=i want {v} on {d}""", """have {v} added to {d}
jot down {v} on {d}
=could i have {v} on {d}
={v} should go on {d}""")

COMPLETE_ITEM = bank("""strike {v} from {d}
=we have {v}, check it off {d}
let {v} be done on {d}
check off {v} on {d}
check {v} off {d}
tick off {v} on {d}
mark {v} as done on {d}
complete {v} on {d}
cross {v} off {d}
cross off {v} on {d}
set {v} to done on {d}
=i bought {v}, check it off {d}
={v} is done on {d}
=i have done {v} on {d}""", """have {v} crossed off {d}
tick {v} off {d}
=i got {v}, cross it off {d}""")

BROADCAST = bank("""pass on that {v}
shout that {v}
tell the family that {v}
spread the word: {v}
broadcast {v}
announce {v}
announce that {v}
tell everyone {v}
tell everyone that {v}
say to everybody that {v}
broadcast that {v}
make an announcement: {v}
announce in the whole house that {v}
send a message to all: {v}
let everyone know that {v}""", """inform everybody that {v}
tell the whole house that {v}
broadcast the message: {v}""")

SCRIPT = bank("""let {d} run
=we need {d}
get {d} going
use {d}
please do {d} now
run {d}
start {d}
run the {d} script
start the {d} script
do {d}
execute {d}
run the script {d}
trigger {d}
launch {d}
begin {d}
=i want {d}
={d} please
=it is time for {d}""", """have {d} run
carry out {d}
=i need {d} now""")

SCENE = bank("""let the scene {d} start
=we want the {d} scene
move to {d}
get the {d} scene going
activate {d}
turn on {d}
start {d}
set the scene {d}
activate the scene {d}
switch to {d}
run {d}
start the {d} scene
turn on the {d} scene
=i want {d}
={d} please
=time for {d}""", """go to {d}
have the {d} scene on
=i need the {d} scene""")

AREA_ON = bank("""snap the {n} in {a} on
let the {n} in {a} be on
=we want all {n} in {a} on
=i need all {n} in {a} to be on
click on all {n} in {a}
turn on the {n} in {a}
turn on the {n} in {a}
turn the {n} in {a} on
switch on the {n} in {a}
turn on all {n} in {a}
turn on all the {n} in {a}
switch all {n} in {a} on
power on the {n} in {a}
put the {n} on in {a}
turn on {a} {n}
switch on {a} {n}
activate the {n} in {a}
turn on every one of the {n} in {a}
=i want the {n} in {a} on
=in {a}, turn on the {n}
={a} {n} on
=make sure the {n} in {a} are on
=i am in {a}, turn on the {n}""", """flick on the {n} in {a}
get all {n} in {a} on
=we need the {n} in {a} on
=the {n} in {a} should all be on""")

AREA_OFF = bank("""snap the {n} in {a} off
let the {n} in {a} be off
=we want all {n} in {a} off
=i need all {n} in {a} to be off
click off all {n} in {a}
turn off the {n} in {a}
turn off the {n} in {a}
turn the {n} in {a} off
switch off the {n} in {a}
turn off all {n} in {a}
turn off all the {n} in {a}
switch all {n} in {a} off
power off the {n} in {a}
shut off the {n} in {a}
turn off {a} {n}
switch off {a} {n}
deactivate the {n} in {a}
kill the {n} in {a}
=i want the {n} in {a} off
=in {a}, turn off the {n}
={a} {n} off
=make sure the {n} in {a} are off
=nobody is in {a}, turn off the {n}""", """flick off the {n} in {a}
get all {n} in {a} off
=we need the {n} in {a} off
=the {n} in {a} should all be off""")

AREA_OPEN = bank("""let the {n} in {a} be open
=i need all {n} in {a} open
open the {n} in {a}
open all {n} in {a}
open all the {n} in {a}
raise the {n} in {a}
open {a} {n}
pull up the {n} in {a}
roll up the {n} in {a}
=i want the {n} in {a} open
=in {a}, open the {n}""", """have the {n} in {a} opened
=we need the {n} in {a} open""")

AREA_CLOSE = bank("""let the {n} in {a} be closed
=i need all {n} in {a} closed
close the {n} in {a}
close all {n} in {a}
close all the {n} in {a}
lower the {n} in {a}
shut the {n} in {a}
close {a} {n}
pull down the {n} in {a}
roll down the {n} in {a}
=i want the {n} in {a} closed
=in {a}, close the {n}""", """have the {n} in {a} closed
=we need the {n} in {a} closed""")

AREA_EVERYTHING = bank("""turn off everything in {a}
switch off everything in {a}
turn everything in {a} off
shut down everything in {a}
turn all devices in {a} off
=everything off in {a}
=i am leaving {a}, turn off everything there""", """kill everything in {a}
=everything in {a} should be off""")

AREA_BRIGHTNESS = bank("""let the {n} in {a} be at {v} percent
take the {n} in {a} to {v}%
=we want the {n} in {a} at {v} percent
set the {n} in {a} to {v} percent
set the {n} in {a} to {v}%
dim the {n} in {a} to {v} percent
dim all {n} in {a} to {v}%
set the brightness in {a} to {v}
set {a} {n} to {v}%
brighten the {n} in {a} to {v} percent
dim {a} to {v}%
put the {n} in {a} at {v} percent
turn the {n} in {a} down to {v}%
=i want the {n} in {a} at {v} percent
={a} {n} at {v}%""", """have the {n} in {a} at {v}%
reduce the {n} in {a} to {v} percent
=the {n} in {a} should be at {v}%""")

AREA_COLOR = bank("""let the {n} in {a} be {v}
=we want the {n} in {a} {v}
set the {n} in {a} to {v}
make the {n} in {a} {v}
turn the {n} in {a} {v}
change the {n} in {a} to {v}
color the {n} in {a} {v}
make {a} {v}
set all {n} in {a} to {v}
change the colour in {a} to {v}
=i want the {n} in {a} in {v}
={a} {n} {v} please""", """have the {n} in {a} shine {v}
=the {n} in {a} should be {v}""")

AREA_TEMPERATURE = bank("""bring {a} to {v} degrees
let it be {v} degrees in {a}
=we want it to be {v} degrees in {a}
=see that it is {v} degrees in {a}
set the temperature in {a} to {v} degrees
set {a} to {v} degrees
heat {a} to {v} degrees
cool {a} to {v} degrees
make it {v} degrees in {a}
set the heating in {a} to {v}
set the thermostat in {a} to {v} degrees
change the temperature in {a} to {v}
warm up {a} to {v} degrees
turn the heating in {a} to {v} degrees
=i want it {v} degrees in {a}
=i want {v} degrees in {a}""", """get {a} to {v} degrees
have it {v} degrees in {a}
=it should be {v} degrees in {a}""")

AREA_POSITION = bank("""set the {n} in {a} to {v} percent
open the {n} in {a} to {v}%
close the {n} in {a} to {v} percent
move the {n} in {a} to {v}%
set all {n} in {a} to {v}%
put the {n} in {a} at {v} percent
=i want the {n} in {a} at {v} percent""", """have the {n} in {a} at {v}%
=the {n} in {a} should be at {v} percent""")

NO_AREA_ON = bank("""turn on the {n}
switch on the {n}
turn the {n} on
turn all {n} on
=i want the {n} on
={n} on""", """flick on the {n}
=we need the {n} on""")

NO_AREA_OFF = bank("""turn off the {n}
switch off the {n}
turn the {n} off
turn all {n} off
=i want the {n} off
={n} off""", """flick off the {n}
=we need the {n} off""")

TIME = bank("""what time is it
what's the time
tell me the time
what time is it now
do you know what time it is
how late is it
what is the current time
give me the time
can you tell me the time""", """could you say what time it is
may i know the time
what is the time right now""")

DATE = bank("""what day is it
what is the date
what's today's date
what day is today
which day of the week is it
tell me the date
what date is it today
do you know what day it is
give me today's date""", """could you say what day it is
which date do we have today
may i know today's date""")

STATE = bank("""is {d} on
is {d} on or off
is {d} still on
what is the state of {d}
what's the status of {d}
how is {d}
check {d}
did i leave {d} on
can you check whether {d} is on
tell me the state of {d}
what does {d} say
is {d} off
what is {d} doing
in what state is {d}""", """could you look whether {d} is on
what state is {d} in
did someone leave {d} on""")

READING = bank("""what does {d} show
what is the reading of {d}
what is the value of {d}
what does {d} say
how much is {d}
what is {d} at
read {d}
tell me the value of {d}
check {d}
what's {d}
give me the reading of {d}
how high is {d}""", """could you read out {d}
what value does {d} have
which value does {d} show""")

AREA_TEMP_QUESTION = bank("""how warm is it in {a}
what is the temperature in {a}
how cold is it in {a}
what's the temperature in {a}
is it warm in {a}
how many degrees is it in {a}
tell me the temperature in {a}""", """could you say how warm it is in {a}
what temperature do we have in {a}""")

EXIST_DEVICE = bank("""is there a device called {d}
do i have {d}
do we have {d}
do you know {d}
is {d} one of my devices
can you control {d}
do you see {d}
is there {d} in my home""", """have we got {d}
is {d} in the list
are you able to control {d}""")

WHERE = bank("""where is {d}
in which room is {d}
which room is {d} in
where can i find {d}
in what area is {d}
which area does {d} belong to
what room is {d} in""", """could you tell me where {d} is
in which part of the house is {d}""")

LIST_AREA = bank("""what devices are in {a}
which devices are in {a}
what is in {a}
list the devices in {a}
what can you control in {a}
which devices do you see in {a}
tell me what is in {a}
what do i have in {a}""", """could you list what is in {a}
name the devices in {a}""")

LIST_DOMAIN = bank("""which {n} do i have
what {n} are there
list my {n}
list all {n}
which {n} can you control
tell me all the {n}
what {n} do you see
name my {n}""", """could you list the {n}
which {n} have we got""")

LIST_AREAS = bank("""which rooms do you know
which areas are there
list the areas
list all rooms
what rooms do i have
tell me the names of the rooms
which rooms can you control""", """could you name the rooms
what areas do you know""")

TIMER_SET = bank("""let a timer run for {v}
=can i have a timer for {v}
=we need a {v} timer
set a timer for {v}
set a {v} timer
start a timer for {v}
start a {v} timer
timer for {v}
remind me in {v}
wake me in {v}
create a timer of {v}
make a timer for {v}
count down {v}
=i need a timer for {v}
=timer {v}""", """have a timer run for {v}
put a timer on for {v}
=could i have a timer for {v}""")

TIMER_CANCEL_ALL = bank("""cancel all timers
stop all timers
delete all timers
clear all timers
remove all timers
cancel every timer
=no more timers""", """have all timers cancelled
get rid of all timers""")

TIMER_STATUS = bank("""how much time is left on the timer
how long is left on my timer
what is the status of the timer
how long does the timer still run
check the timer
when does the timer end""", """could you say how long the timer will take
how much longer for the timer""")

HUB_THINGS = ["lights", "switches", "fans", "blinds", "locks", "thermostats", "media players", "vacuums", "scenes", "sensors", "lists"]
