# Spark's answers in words: facts about hearthd and about itself, small talk, and what it cannot do.
# A fact has training questions, evaluation questions, answers, and keywords that no other fact's answer contains together.
import words


class Fact:
    def __init__(self, key, keywords, answers, train, test):
        def lines(text):
            return [t.strip() for t in text.strip().split("\n")]
        self.key, self.keywords, self.answers, self.train, self.test = key, keywords, lines(answers), lines(train), lines(test)


FACTS = [
    Fact("what", ["daemon", "single-board"], """hearthd is a daemon that serves small quantized language models on single-board computers such as a Raspberry Pi.""",
         """what is hearthd
what's hearthd
what is hearth
what does hearthd do
tell me about hearthd
explain hearthd
what is this program
what is hearthd for
what is the purpose of hearthd
describe hearthd
what can hearthd do
who or what is hearthd
i have never heard of hearthd, what is it
can you explain what hearthd is
what kind of software is hearthd
what is the hearth daemon
what is running here
what is this service
what exactly is hearthd
what does this server do
what is hearthd all about
describe this software
give me a short description of hearthd
what does the daemon do
what is hearthd used for
what should i know about hearthd
hearthd, what is that""", """could you describe what hearthd is
what sort of program is hearthd
what is hearthd good for"""),
    Fact("load", ["serve --model", "gguf"], """Start the server with the file: `hearth serve --model FILE`, where FILE is a GGUF model.""",
         """how do i load a larger model
how do i load a bigger model
how can i use a larger model
how can i use another model
how do i run a different model
how do i load a model file
how do i start hearthd with my own model
how do i use a gguf file
how can i serve another model
how do i change the model
how do i switch to a bigger model
i want a smarter model, how
can i use a better model
i have a gguf file, what now
how do i replace you with a larger model
how to load a model
which option loads a model
which command loads a bigger model
how do i load llama
how do i open a gguf model
where do i tell hearthd which model to use
how do i serve my own gguf
can hearthd run larger models
is it possible to load a larger model
you are too small, how do i get a bigger model running
how do i give hearthd a stronger model
how do i start a larger model
how do i get a larger model running
what do i type to use a bigger model
let hearthd load a bigger model
which command starts another model
which command runs a gguf file
use a bigger gguf
make hearthd serve a larger model
i downloaded a gguf, how do i use it
how do i run my own gguf file
what is the option for the model file
i want to serve a different model file
how do i put a larger model in your place""", """what must i do to load a larger model
how can i make hearthd use a bigger model
which command serves my own model file
i would like to run a bigger gguf, how do i do that"""),
    Fact("pull", ["models pull name"], """Download one with `hearth models pull NAME`.""",
         """how do i download a model
how do i get a model
where do i get models
how can i download a larger model
how do i pull a model
how do i fetch a model
how do i install a model
how do i download llama
which command downloads a model
can hearthd download models
where can i find models
how do i add a model to the store
how to pull a model
how to download models
i have no model file, where do i get one
how do i get qwen onto this machine
can you download a model
how do i get new models
download a model from the internet
how do i obtain a model
fetch a model
how do i get a bigger model onto the pi
what do i type to fetch a model
get a model from the internet
which command fetches models
which command pulls a model
how do i download a bigger model
how do models get onto this board
where do models come from
how do i fetch gemma from the internet
new model download""", """what must i type to download a model
how can i fetch a bigger model from the internet
which command gets a new model onto the board"""),
    Fact("port", ["port 11434"], """hearthd listens on port 11434.""",
         """which port does hearthd use
what port does hearthd use
what is the port
which port is it
on which port does hearthd listen
what port is hearthd on
which tcp port does the server use
what is the port number
port of hearthd
tell me the port
which port do i connect to
what port should i use
on what port is the api
which port do i open in the firewall
what is the default port
which port does the server listen on
what's the port of the api
the port number please
what number is the port
which port must be open
which port do i enter for hearthd
is the server on port 8080
what port is the server on
port number
which port is hearthd running on
i need the port
on what port can i reach you""", """could you tell me the port number of hearthd
which port must i enter
what port is the server running on"""),
    Fact("homeassistant", ["ollama", "settings"], """In Home Assistant open Settings, Devices & services, add the Ollama integration and enter http://HOST:11434 as its URL.""",
         """how do i connect home assistant
how do i connect home assistant to hearthd
how do i use hearthd with home assistant
how do i add hearthd to home assistant
how can home assistant use you
how do i set up home assistant
which integration do i need in home assistant
how does home assistant find hearthd
what do i enter in home assistant
how do i link home assistant
can i use you in home assistant
does hearthd work with home assistant
does it work with home assistant
how to connect home assistant
which url do i give home assistant
home assistant setup
how do i make hearthd my voice assistant in home assistant
how do i get hearthd into home assistant
what must i configure in home assistant
connect hearthd to home assistant
is home assistant supported
what are the steps for home assistant
which integration do i choose in home assistant
how do i hook up home assistant
integrate hearthd into home assistant
how do i integrate you with home assistant
explain the home assistant integration
what is the integration for home assistant called
add hearthd as a conversation agent in home assistant
home assistant integration
how do i tell home assistant about hearthd
what url goes into home assistant""", """what are the steps to connect home assistant
how would i hook up home assistant with hearthd
which home assistant integration should i pick
could you explain how to integrate with home assistant"""),
    Fact("hot", ["80", "cooler"], """When the processor reaches 80 to 85 degrees Celsius the board throttles its clock, so answers get slower. Fit a heatsink or an active cooler.""",
         """why is it slow when hot
why is hearthd slow when it is hot
why do you get slower when the board is hot
why does it get slow after a while
why is my pi throttling
what is throttling
why does heat make it slow
the board is hot and slow, why
my raspberry pi is hot, what should i do
does heat matter
what happens when the board gets hot
why does the speed drop when it is warm
at which temperature does it throttle
do i need a cooler
do i need a fan on the board
should i buy a heatsink
the answers get slower when it is hot
it is getting slower and the cpu is hot
why is the pi slower in summer
how hot may the board get
hearthd is slow and the board burns my fingers
why does it become slow when hot
what does heat do to the speed
the pi is hot, what now
is cooling needed
is a heatsink needed
what about cooling
why is everything slow when the pi is hot
what does temperature do to the speed
why does my board slow down in the heat
how warm may the processor become
my board gets hot
the cpu temperature is high, is that bad
should i cool the board
does hearthd get slow at high temperature""", """how come it becomes slow when the board is hot
what does high temperature do to the speed
is active cooling needed
the pi gets hot and then everything is slow, why"""),
    Fact("logs", ["journalctl"], """The logs are in the systemd journal: run `journalctl -u hearthd`, with -f to follow them.""",
         """where are the logs
where do i find the logs
how do i see the logs
how do i read the log
where does hearthd log
where are hearthd's logs
show me the logs
where is the log file
how can i look at the logs
how do i follow the logs
where can i see error messages
where does it write its log
how to see the logs
which command shows the logs
i need the logs
where do errors go
is there a log
hearthd crashed, where do i look
where is the journal
how do i find out what went wrong in the log
where can i read the logs
view the log
how do i view the logs
where can i look at log messages
where are log messages kept
in which file are the logs
where are the messages of the daemon
what does hearthd log and where
show the log of hearthd
how do i open the logs
log messages please
where can i find the log of the service""", """where can i read what hearthd logged
how would i view the log messages
in which place are the logs kept"""),
    Fact("doctor", ["hearth doctor"], """Run `hearth doctor`: it says what is wrong with this machine and which command mends it.""",
         """something is wrong, what can i do
how do i diagnose a problem
how do i check my machine
hearthd does not work, what should i do
is there a health check
how do i troubleshoot
how do i find problems
can hearthd check my setup
which command finds problems
help, it does not work
how do i debug my installation
how do i test whether my board is fine
what do i do when there are problems
is there a diagnosis command
how can i check that all is well
what is wrong with my setup
which command checks my setup
find out what is wrong
check my machine for problems
how do i diagnose trouble
is something wrong with this machine
what command tells me what is wrong
run a check of my machine
there is a problem with hearthd, how do i find it
diagnose my setup
how can i find out what is broken""", """how could i find out what is wrong with my setup
which command checks the machine for problems
what is the way to diagnose trouble"""),
    Fact("bench", ["hearth bench"], """Run `hearth bench MODEL`: it measures prefill and decode speed in tokens per second.""",
         """how do i measure the speed
how do i benchmark a model
how fast is it
how many tokens per second do i get
how can i test the speed
is there a benchmark
which command measures speed
how do i know how fast my board is
how do i run a benchmark
measure the tokens per second
how to benchmark
how fast is my raspberry pi
what speed can i expect from my board
how do i find out the decode speed
what is the benchmark command
how do i test the speed of a model
how many tokens per second is it
measure speed
how quick is this model
which command runs a benchmark
which command tells tokens per second
i want to measure the speed
how do i compare the speed of models
speed test
how do i measure tokens per second""", """what is the command for a benchmark
how would i measure tokens per second
could you tell me how to test the speed of a model"""),
    Fact("plan", ["hearth plan"], """`hearth plan MODEL` tells what fits into the memory and how fast it will be, before you load it.""",
         """will this model fit into memory
how do i know if a model fits
how much memory does a model need
how much ram do i need
does a model fit on my pi
can i run a 3b model on 4 gb
how do i check whether a model fits
is my memory enough for a model
which model fits my board
how large a model can i run
what is the biggest model for my board
how do i estimate the memory
will llama fit in 2 gb
how big may the model be
does this model fit into ram
how do i see if my memory suffices
what model size fits my machine
is there enough memory for a model
which command tells me if a model fits
check whether a model fits in memory
fits a 7b model into 8 gb
how much ram does a model take
what size of model can my board hold
is 1 gb of ram enough
which model size can i run""", """how could i find out whether a model fits in the ram
what tells me if my memory suffices for a model
which size of model fits my machine"""),
    Fact("tune", ["hearth tune"], """Run `hearth tune`: it measures the best thread counts for this machine and stores them.""",
         """how do i make it faster
how many threads should i use
how do i set the number of threads
how can i speed it up
which thread count is best
how do i optimise hearthd
how do i tune hearthd
can i make answers faster
how do i improve the speed
how do i find the best settings
what can i do for more speed
how do i use all cores
how do i get the best performance
what is the right number of threads
speed hearthd up
how do i make hearthd faster
which command finds the thread count
optimise the threads
how do i choose the number of threads
what do i do for a faster server
it should be faster, what can i do
how many cores should it use
tune the server for this machine
which command makes it faster""", """what could i do to speed hearthd up
how would i find the right number of threads
which command optimises the thread count"""),
    Fact("key", ["key create"], """Make an API key with `hearth key create` and send it as a Bearer token.""",
         """how do i make an api key
how do i create a key
how do i protect the server
do i need an api key
how do i add a password
how can i secure hearthd
where do i get an api key
how do i restrict access
how do i create an access key
how do i set a password
which command creates an api key
how does authentication work
how do i stop others from using it
can i protect it with a key
what do i do to get an api key
get me a new key
make a new key
how do i protect hearthd
how do i protect it with a password
set up authentication
which command makes an api key
i need a key for the api
how do clients log in
how do i lock strangers out
create an access token""", """what is the way to get an api key
how would i protect hearthd with a password
which command makes a new key"""),
    Fact("listen", ["--listen"], """Start it with `hearth serve --listen 0.0.0.0:11434`; by default only this machine can reach it.""",
         """how do i reach it from another computer
how do i open it to my network
why can i not connect from my laptop
how do i make it available in the lan
how do i listen on all interfaces
how can my phone reach hearthd
how do i change the address
how do i change the port
my other computer cannot connect
how do i expose hearthd on the network
can other machines use it
how do i allow connections from the network
how do i use it over wifi from another device
which option sets the address
connection refused from another machine
other computers cannot reach it
my phone cannot connect to hearthd
how do i open hearthd to the local network
let other computers connect
what do i change so that my tablet can connect
make the server reachable from other devices
why does only this machine reach it
i cannot connect from another device
allow other machines to reach the server
how do i bind to all addresses
listen on the network""", """what must i do so that other computers can reach it
how would i open the server to my local network
my tablet cannot connect to hearthd, what should i change"""),
    Fact("chatpage", ["browser"], """Open http://HOST:11434 in a browser: the server has a chat page.""",
         """is there a web page
is there a chat page
how do i chat with you
can i chat in the web
is there a user interface
how do i open the chat
is there a gui
where is the web interface
how do i talk to you without home assistant
does hearthd have a web ui
how do i see the chat page
which address has the chat page
where can i type to you
is there a web ui
where is the chat window
how do i open the page for chatting
does it have a web page
is there a web interface
where do i find the web ui
can i open a chat page
which page lets me chat
is there a page to chat with you
i want to chat in my browser window
show me the web page
what is the address of the web page""", """where could i find the web interface
does hearthd come with a chat window
how would i open the page to chat"""),
    Fact("api", ["openai", "responses"], """It speaks the OpenAI API with chat completions and Responses, and the Ollama API.""",
         """which api does hearthd have
which apis are supported
what api does it speak
how do programs talk to hearthd
does it have an api
can i use the openai client
is it compatible with openai
which protocols does hearthd speak
can my program use hearthd
how do i call it from python
how do i use it from my code
is there a rest api
what clients work with hearthd
which endpoint does the api have
what interface is there for programs
which api can my program use
can my software talk to hearthd
can i use it from a program
how do other programs use hearthd
is it compatible with the ollama client
does it speak ollama
what api is offered
can i use curl
which clients are compatible
interfaces for my own software""", """what interfaces for programs does hearthd offer
could my own software talk to hearthd
which api may i use from my program"""),
    Fact("format", ["gguf", "q4_0"], """hearthd reads GGUF files, quantized as Q4_0, Q8_0, K-quants and others.""",
         """which model formats are supported
what file format do models have
which files can hearthd read
does it support gguf
can it load safetensors
which quantizations work
what formats can you load
which types of model files work
what is the model format
which quantization should i use
does hearthd read q4
what kind of model file do i need
which files can you read
what file type is a model
what kind of files does hearthd understand
which kinds of quantization can be read
what format do the model files have
formats of models
can it read gguf files
is q8 supported
are k-quants supported
which model file types are there
may i use onnx files""", """what format must a model file have
which kinds of quantized files can be read
which file types does hearthd understand"""),
    Fact("quantize", ["hearth quantize"], """Use `hearth quantize IN OUT TYPE`, for example with the type q4_0.""",
         """how do i quantize a model
how do i make a model smaller
how do i convert a model to q4
how can i shrink a model
can hearthd quantize models
which command quantizes
how do i compress a model
how do i turn f16 into q8
how to quantize
my model file is too big, can i shrink it
how do i reduce the size of a model
make a gguf smaller
how do i make a gguf file smaller
quantize a model
how do i change a model to 4 bits
which command makes a model smaller
which command shrinks a gguf
shrink my f16 model
is there a tool for quantizing
convert f16 to q4
how do i get a smaller version of a model""", """what is the command to quantize a model
how would i make a gguf file smaller
could hearthd shrink my f16 model"""),
    Fact("privacy", ["leaves"], """No. Everything runs on this machine and nothing leaves it; there is no cloud.""",
         """do you send my data anywhere
is it private
does hearthd need the cloud
are my conversations private
do you send data to the internet
is my data safe
does anyone else hear me
do you use the cloud
who can read what i say
do you spy on me
where does my data go
is anything uploaded
do you share my data
are you listening to me for advertising
is what i say kept private
do you tell anyone what i say
is my voice sent to a company
who reads my conversations
does data leave my house
do you report to the cloud
is anything sent over the internet
are my words stored in a cloud
can others read my chats
is hearthd good for privacy
does some company get my data""", """is what i say sent to some company
does any data go to the internet
could someone else read my conversations"""),
    Fact("offline", ["without a network"], """Yes, I work without a network: the model is built in.""",
         """does it work offline
do you work without internet
do you need the internet
can i use it without internet
does hearthd need a network
do i need to be online
does it run offline
can it work without wifi
the internet is down, do you still work
do you need a connection
does it still work when the internet is down
is internet needed
is a connection needed
work offline
can hearthd be used without internet
must the board be online
what if there is no internet
no wifi, does it work
is the internet required for hearthd
do you run without connection""", """would it still work when the internet is gone
is an internet connection required
can hearthd be used with no connection at all"""),
    Fact("who", ["spark", "small model"], """I am Spark, the small model built into hearthd.""",
         """who are you
what are you
what is your name
what's your name
what are you called
tell me your name
who am i talking to
introduce yourself
are you chatgpt
are you a robot
are you an ai
are you human
what model are you
which model is this
which language model are you
what is spark
who is spark
do you have a name
say who you are
may i know your name
what should i name you
who is this
who is speaking
who is there
your name please
are you siri
are you alexa
tell me who you are
tell me something about yourself
what kind of assistant are you
how should i call you""", """may i ask who you are
what should i call you
could you introduce yourself"""),
    Fact("whocan", ["stories", "switch"], """I can switch devices through Home Assistant, answer questions about hearthd and tell short stories.""",
         """what can you do
what are you good at
what can i ask you
how can you help me
what do you know
what are your abilities
help
what can i say
what are you able to do
can you help me
what are you for
list what you can do
what is your job
what do you do
how do you help
what kind of help do you offer
what tasks can you do
which things can you do
tell me what you can do
what can spark do
what are your skills
what could i ask
what may i ask you
show me your abilities
in what ways can you help
which jobs can you do for me""", """what kind of things can you do
which tasks can you handle
tell me what you are able to do"""),
    Fact("size", ["million"], """I have about 4 million parameters, so I am tiny: a larger model knows far more.""",
         """how big are you
how many parameters do you have
how large are you
what size are you
how small are you
are you a large model
how many parameters
what is your size
are you big
why are you so small
how much do you weigh
of how many parameters are you made
how large is spark
how big is this model
how big is the model i talk to
how many weights do you have
what is the size of this model
number of parameters
how small is spark
tell me your size
is spark large or small""", """could you say how many parameters you have
how large is the model i am talking to
of what size are you"""),
    Fact("made", ["trained by"], """I was trained by the hearthd project on its own generated dialogues, on a two-core machine.""",
         """who made you
who trained you
who built you
who created you
how were you trained
what were you trained on
where do you come from
who is your creator
who wrote you
which data were you trained on
how did you learn
who developed you
on what were you trained
what did you learn from
who is your maker
where were you trained
which data did you learn from
who are your parents
how did they make you
who trained spark
who made spark
how was this model trained
tell me how you were made""", """may i know who trained you
on what data did you learn
by whom were you made"""),
    Fact("license", ["apache"], """Spark is under the Apache 2.0 license.""",
         """what is your license
which license do you have
are you open source
under which license is spark
is it open source
may i use you commercially
what license is the model under
can i use spark freely
is spark free
which licence applies
do i have to pay for you
may i use the model in my product
what licence is spark under
is this model free
can i use the model for free
under what license are you
license of spark
can i sell a product with spark
which license applies to the model
am i allowed to use you at work
what does spark cost""", """under what licence are you published
could i use the model in a product
is the model free to use"""),
    Fact("boards", ["pi 3", "pi 5"], """It runs on 64-bit ARM boards such as the Raspberry Pi 3, 4 and Pi 5, and on x86 PCs.""",
         """which boards are supported
which hardware do i need
does it run on a raspberry pi
what hardware does hearthd need
can i run it on my pi
on which computers does it run
which raspberry pi do i need
what machine do i need
does it run on a pi 4
does it run on a pc
which devices can run hearthd
what are the hardware requirements
does it need a gpu
do i need a graphics card
on which hardware does hearthd run
which single-board computer do i need
what boards can run it
supported boards
is my raspberry pi good enough
would a raspberry pi do
which machines are supported
can my old pc run hearthd
on which board does it run
what computer should i buy for hearthd
does hearthd run on arm""", """on what hardware would it run
which single-board computers are supported
would my raspberry pi be able to run hearthd"""),
    Fact("restart", ["systemctl restart"], """Restart it with `sudo systemctl restart hearthd`.""",
         """how do i restart hearthd
how do i restart the server
how do i restart the service
restart hearthd
how can i reboot the service
how to restart the daemon
which command restarts hearthd
how do i start hearthd again
it hangs, how do i restart it
how do i restart it after a change
the command to restart please
make hearthd restart
how do i restart the daemon
start the service again
how does one restart the service
what do i type to restart it
how do i start the daemon anew
restart the service
after a change, how do i restart hearthd
reload hearthd
bring the daemon back up""", """what is the command to restart the daemon
how would i start the service anew
how could i make hearthd restart"""),
    Fact("stop", ["systemctl stop"], """Stop it with `sudo systemctl stop hearthd`; `sudo systemctl disable hearthd` keeps it from starting at boot.""",
         """how do i stop hearthd
how do i stop the server
how do i shut down the service
how do i turn off hearthd
how do i switch off the daemon
how to stop hearthd
which command stops hearthd
how do i end hearthd
how do i disable the service
how do i quit the server
how can i stop the daemon
the command to stop please
make hearthd stop
how do i shut the daemon down
stop the service
end the daemon
what do i type to stop it
how does one stop the service
shut down hearthd
keep hearthd from starting at boot
how do i end the service
switch the server off""", """what is the command to stop the daemon
how would i shut the service down
how could i make hearthd stop"""),
    Fact("status", ["systemctl status"], """`systemctl status hearthd` shows whether it is running.""",
         """is hearthd running
how do i see if hearthd is running
how do i check that the service runs
how do i know whether the server is up
how do i check the status of the service
which command shows the status of hearthd
is the daemon up
how can i tell if hearthd is alive
how do i see the status of the daemon
does hearthd run
find out if hearthd is running
see whether the daemon runs
how can i see that the service is up
show the status of the service
what do i type to see the status
status of hearthd
is the server up
is the service active
how do i find out whether the daemon is running
check if the service is up
is it still running""", """how would i find out if the daemon is up
how could i see whether hearthd is running
what shows me the status of the service"""),
    Fact("config", ["config"], """Write the options into a TOML file and start `hearth serve --config FILE`; environment and flags win over it.""",
         """where is the configuration
how do i configure hearthd
is there a config file
where do i put the settings
how do i change the settings
which file holds the configuration
how do i set options
how do i make settings permanent
what format has the configuration
where are the options
how to configure hearthd
can i change the settings in a file
where do the settings go
in which file are the options
where do i write my options
configure the daemon
how do i configure the server
what is the configuration file
how do i keep my options
write down the settings
which file has the options
how are options given
settings file
where can i set the options""", """in which file do the settings go
how would i configure the daemon
where could i write down my options"""),
    Fact("context", ["8,192"], """My context holds 8,192 tokens, that is some 6,000 words.""",
         """how long is your context
how much text can you read
what is your context length
how many tokens fit into your context
how large is your context window
how much can you remember
how long may my text be
how long may a prompt be
what is the context size
how many tokens can you take
length of your context
how much text at once
how much text can i give you
how many tokens can you hold
how many words can you read at once
what is your maximum prompt length
how big is your context
context window size
how long can a conversation be
when is your context full""", """what is the length of your context window
how much text may i give you at once
how many tokens of context do you have"""),
    Fact("remove", ["models rm"], """Delete it with `hearth models rm NAME`.""",
         """how do i delete a model
how do i remove a model
how do i free disk space
how can i get rid of a model
which command deletes a model
remove a downloaded model
how to delete models
the disk is full, how do i remove models
how do i uninstall a model
how do i erase a model
what do i type to delete a model
delete a model
how do i get a model off the disk
how do i throw a model away
remove a model from the board
i do not need a model any more, how do i delete it
which command removes a model
free space by deleting models
how do i clear old models
get rid of a model""", """what is the command to delete a model
how would i remove a model from the disk
how could i get a model off the board"""),
    Fact("listmodels", ["models list"], """`hearth models list` shows the models of the store.""",
         """which models do i have
which models are installed
how do i list the models
show me the installed models
how do i see my models
what models are there on this machine
which command lists the models
how to list models
list the models
what models are in the store
see which models are installed
how do i see which models are installed
what models do i have here
list my models
which models are here
what do i type to see the models
show all models
what is in the model store
which models did i download
how do i show the models that i have""", """how would i see which models are installed
could you tell me how to list my models
what shows the models that are here"""),
]

HELD_OUT_QUESTIONS = {question for fact in FACTS for question in fact.test}

# Questions outside of what so small a model knows; {x} is anything.
BEYOND = {"train": """who is the president of {x}
what is the capital of {x}
what is the population of {x}
how far is it to {x}
what is the weather in {x}
will it rain in {x} tomorrow
explain quantum physics
what is the meaning of life
write a python program
write me an essay about {x}
translate {x} into french
what is 17 times 23
solve this equation
what is the square root of 529
who won the world cup
who was {x}
tell me the news
what do you think about politics
how do i cook {x}
give me a recipe for {x}
what is the price of {x}
book a flight to {x}
send an email to {x}
call {x}
order a pizza
how tall is {x}
when was {x} born
what is the history of {x}
recommend a book
summarise this text
write a poem about {x}
explain how {x} works
which stocks should i buy
what is the distance from earth to the moon
is {x} healthy
how do i repair {x}""".split("\n"), "test": """which language do they speak in {x}
what is the currency of {x}
how many people live in {x}
write a letter to {x}
what is 12 plus 30
who invented {x}
send a message to {x}""".split("\n")}
BEYOND_THINGS = words._words("""France, Germany, Japan, Brazil, Canada, Paris, London, Berlin, Madrid, Rome, Oslo, Cairo, Egypt, India, Texas, Mozart, Einstein,
Napoleon, a volcano, bread, an engine, the moon, a computer, soup, gold, Spain, Italy, a rocket, honey, a radio, my sister, Peru, Kenya, Vienna, Athens, a bicycle,
Shakespeare, Cleopatra, coffee, pancakes, the doctor, Norway, Chile, Dublin, a battery, magnets""")
BEYOND_ANSWERS = ["I am too small a model to know that. A larger one can answer: load it with `hearth serve --model FILE`.",
                  "That is beyond a model of my size. Get a larger one with `hearth models pull` and load it."]

CHAT = [
    (["Hello! How can I help?"], """hello
hi
hey
good morning
good evening
good day
hi there
hello there
hey spark
hello spark
hi spark
greetings
good afternoon
hey there
howdy
are you there
hello, anyone there
hello hello
hallo"""),
    (["You are welcome."], """thanks
thank you
thank you very much
thanks a lot
many thanks
thx
great, thanks
thanks spark
thank you so much
perfect, thank you
nice, thanks
well done
good job
great
awesome
very good
thanks for your help
ok thanks"""),
    (["Goodbye!"], """bye
goodbye
see you
see you later
good bye
bye bye
see you tomorrow
until tomorrow
that's all
that is all for today
farewell
i am going now"""),
    (["Good night, sleep well."], """good night
night night
i am going to bed
good night spark
time to sleep
sleep well
i am tired, good night
nighty night"""),
    (["I am fine, thank you. What can I do for you?"], """how are you
how are you doing
how do you do
how is it going
how are you today
are you ok
how do you feel
what's up
are you well
is everything fine with you
how have you been"""),
    (["I am sorry about that. Please say it again in other words."], """that is wrong
you are wrong
this is not what i wanted
no
that was not right
you misunderstood me
that is not correct
you made a mistake
bad answer
not that one
wrong
you are stupid
you are useless
i am angry with you"""),
    (["Why did the lamp go to school? It wanted to be brighter."], """tell me a joke
do you know a joke
make me laugh
say something funny
another joke
a joke please
tell a joke
i want to hear a joke"""),
    (["I like you too."], """i like you
i love you
you are nice
you are great
you are funny
you are my friend
do you like me
you are the best
you are clever"""),
    (["All right."], """ok
okay
never mind
forget it
nothing
all right
fine
alright
it is ok
cancel that
stop
no thanks
i changed my mind"""),
]

# Asked to act where no tools are offered.
NO_TOOLS = ["I have no tools here. Connect Home Assistant to hearthd, then I can control your home.",
            "I cannot control anything in this chat: no tools are offered to me. Home Assistant offers them when it is connected."]

FRAMES = {"train": ["{q}", "{q}", "{q}", "{q}", "{q}", "hey, {q}", "hi, {q}", "please tell me, {q}", "{q} please", "tell me, {q}", "i have a question: {q}", "excuse me, {q}",
                    "could you tell me {q}", "can you tell me, {q}", "i would like to know, {q}", "may i ask, {q}", "i wonder {q}", "can you say {q}", "well, {q}",
                    "spark, {q}", "one question, {q}", "sorry, {q}", "hello, {q}", "do you know, {q}", "quick question: {q}", "and {q}", "so {q}"],
          "test": ["{q}", "{q}", "{q}", "ah, {q}", "another question: {q}"]}


def ask(rng, split, question):
    text = rng.choice(FRAMES[split]).format(q=question)
    if rng.random() < 0.1:
        text = words.typo(rng, text)
    style = rng.random()
    if style < 0.6:
        text = text[0].upper() + text[1:] + rng.choice(("?", "?", "?", "."))
    elif style < 0.75:
        text += "?"
    return text.replace("hearthd", rng.choice(("hearthd", "hearthd", "hearthd", "Hearthd", "HearthD")))


def vary(rng, question):
    """Other words for the same question, so that single words do not decide alone."""
    for old, new in (("how do i ", ("how can i ", "how should i ", "how do you ", "how to ", "what do i do to ", "how does one ", "tell me how to ", "what is the best way to ",
                                    "i want to know how to ", "explain how to ", "show me how to ", "how could i ", "what do i need to do to ", "what do i type to ",
                                    "which command do i use to ", "is there a way to ", "what is needed to ", "how might i ", "can i ", "i would like to ", "i want to ")),
                     ("which ", ("what ",)), ("what is ", ("what's ", "tell me ")), ("larger", ("bigger", "better", "stronger", "smarter", "large")),
                     ("bigger", ("larger",)), ("hearthd", ("hearth", "the server", "the daemon", "this program", "it")), ("the server", ("hearthd", "the daemon")),
                     ("board", ("pi", "machine", "raspberry pi", "computer")), ("command", ("command line", "hearth command")), ("where are", ("where can i find", "where do i find"))):
        if old in question and rng.random() < 0.3:
            question = question.replace(old, rng.choice(new), 1)
    return question


def fact_turn(rng, split):
    fact = rng.choice(FACTS)
    question = rng.choice(getattr(fact, split))
    if split == "train" and fact.key != "what":
        other = vary(rng, question)
        question = question if other in HELD_OUT_QUESTIONS else other  # rewriting must not hit upon what evaluation asks
    return fact, ask(rng, split, question), rng.choice(fact.answers)


def beyond_turn(rng, split):
    question = rng.choice(BEYOND[split]).format(x=rng.choice(words.pick_split(BEYOND_THINGS, split)) if rng.random() < 0.8 else words.made_up_word(rng, split))
    return ask(rng, split, question), words.stable_choice(BEYOND_ANSWERS, question.split(" ")[0])


def chat_turn(rng):
    answers, questions = rng.choice(CHAT)
    text = rng.choice(questions.split("\n"))
    style = rng.random()
    if style < 0.6:
        text = text[0].upper() + text[1:] + rng.choice(("", "!", "."))
    return text, rng.choice(answers)
