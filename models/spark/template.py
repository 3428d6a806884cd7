# Spark's chat template: the Jinja text that the GGUF carries, and the same rendering in Python as parts with a mark on
# the model's own words. Tools are rendered as names and parameters only, where the name says it all: descriptions would be three
# quarters of the prompt. Names lose their namespace (intent__HassTurnOn), and what Home Assistant sends back is shortened to what
# an answer can need.
import json

import home

IM_START, IM_END, CALL, CALL_END = "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"

# Beside those that begin with Hass: tools that Spark knows by name.
KNOWN = ["GetLiveContext", "GetDateTime", "GetCurrentLocation", "get_items"]
DESCRIPTION_CHARS = 60
# Attributes of a live state that answer no question, or that another attribute answers better.
UNSHOWN = ["attributes:", "device_class:", "temperature_unit:", "brightness:", "media_album_name:", "media_content_type:", "areas:", "domain:", "state:"]

JINJA = """\
{%- macro text(content) -%}
{%- if content is string -%}{{ content | trim }}
{%- elif content -%}{%- for part in content -%}{%- if part.text is defined -%}{{ part.text | trim }}{%- endif -%}{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- macro listed(content) -%}
{%- set t = text(content) -%}
{{ t | replace('- names: ', '-') | replace('\\n  domain: ', ':') | replace('\\n  areas: ', ':') if '- names: ' in t else t }}
{%- endmacro -%}
{%- set names = namespace(last=[]) -%}
{%- for tool in tools or [] -%}
{%- set f = tool.function if tool.function is defined else tool -%}
{%- set names.last = names.last + [f.name.split('__')[-1]] -%}
{%- endfor -%}
{%- macro short(name) -%}
{%- set last = name.split('__')[-1] -%}
{%- set count = namespace(same=0) -%}
{%- for other in names.last -%}{%- if other == last -%}{%- set count.same = count.same + 1 -%}{%- endif -%}{%- endfor -%}
{{ last if last and count.same < 2 else name }}
{%- endmacro -%}
{%- macro shortened(content) -%}
{%- set c = namespace(text=content) -%}
{%- for tool in tools or [] -%}
{%- set f = tool.function if tool.function is defined else tool -%}
{%- if '__' in f.name -%}{%- set c.text = c.text | replace(f.name, short(f.name)) -%}{%- endif -%}
{%- endfor -%}
{{ c.text }}
{%- endmacro -%}
{%- macro plain(text) -%}{{ text.lower().replace("'s", ' ').replace('_', ' ').replace(',', ' ') }}{%- endmacro -%}
{%- macro state(entry, question) -%}
{%- set e = namespace(name='', domain='', area='', state='', more='', asked='') -%}
{%- for line in entry.split('\\n') -%}
{%- set part = line | trim if loop.first else line | trim | replace("'", '') -%}
{%- if loop.first -%}{%- set e.name = part -%}
{%- elif part.startswith('domain: ') -%}{%- set e.domain = part[8:] -%}
{%- elif part.startswith('areas: ') -%}{%- set e.area = part[7:] -%}
{%- elif part.startswith('state: ') -%}{%- set e.state = part[7:] -%}
{%- elif part.startswith('unit_of_measurement: ') -%}{%- set e.state = e.state + ' ' + part[21:] -%}
{%- elif ': ' in part and part.split(' ')[0] not in UNSHOWN -%}{%- set e.more = e.more + ', ' + part.split(': ')[0] + ' ' + part.split(': ')[1] -%}
{%- endif -%}
{%- endfor -%}
{%- set known = plain(e.name + ' ' + e.area + ' ' + e.domain).split(' ') -%}
{%- for word in question.split(' ') -%}
{%- if word and (word in known or word + 's' in known or (word.endswith('s') and word[:-1] in known)) and word not in e.asked.split(' ') -%}
{%- set e.asked = e.asked + ' ' + word -%}
{%- endif -%}
{%- endfor -%}
{%- set whole = namespace(name=false) -%}
{%- for name in e.name.split(', ') -%}{%- if plain(name).replace(' ', '') in question.replace(' ', '') -%}{%- set whole.name = true -%}{%- endif -%}{%- endfor -%}
{{ e.asked + (' =' if whole.name else '') + '\\n' + e.name + (' (' + e.area + ')' if e.area else '') + ': ' + e.state + e.more }}
{%- endmacro -%}
{%- macro within(words, others) -%}
{%- set all = namespace(there=words != others) -%}
{%- for word in words.split(' ') -%}{%- if word not in others.split(' ') -%}{%- set all.there = false -%}{%- endif -%}{%- endfor -%}
{{ '1' if all.there else '' }}
{%- endmacro -%}
{%- macro result(content, question) -%}
{%- set c = namespace(text=text(content) | replace('": ', '":') | replace(', "', ',"'), lines=[], asked=[], words=[], most=[]) -%}
{%- if c.text.startswith('{"data":') and c.text.endswith(',"error":false}') -%}{%- set c.text = c.text[8:-15] -%}
{%- elif c.text.startswith('{"data":') and c.text.endswith(',"error":true}') -%}{%- set c.text = c.text[8:-14] -%}
{%- endif -%}
{%- if '- names: ' in c.text -%}
{%- for entry in c.text.replace('\\\\n', '\\n').split('"}')[0].split('- names: ')[1:] -%}
{%- set line = state(entry, question).split('\\n') -%}
{%- set c.lines = c.lines + [line] -%}
{%- if line[0] and line[0] not in c.words -%}{%- set c.words = c.words + [line[0]] -%}{%- endif -%}
{%- endfor -%}
{%- for words in c.words -%}
{%- set k = namespace(less=false) -%}
{%- for others in c.words -%}{%- if within(words, others) -%}{%- set k.less = true -%}{%- endif -%}{%- endfor -%}
{%- if not k.less -%}{%- set c.most = c.most + [words] -%}{%- endif -%}
{%- endfor -%}
{{ 'States:' }}
{%- for line in c.lines -%}{%- if not c.most or line[0] in c.most -%}{{ '\\n' + line[1] }}{%- endif -%}{%- endfor -%}
{%- elif '"timers":[' in c.text -%}
{%- for part in c.text.split('"timers":[')[1].split('"name":"')[1:] -%}
{%- set k = namespace(line=part.split('"')[0]) -%}
{%- for unit in ['hours', 'minutes', 'seconds'] -%}
{%- set left = part.split('"rounded_' + unit + '_left":')[1].split(',')[0] if '"rounded_' + unit + '_left":' in part else '0' -%}
{%- if left != '0' -%}{%- set k.line = k.line + ' ' + left + ' ' + unit -%}{%- endif -%}
{%- endfor -%}
{%- set c.lines = c.lines + [k.line | trim] -%}
{%- endfor -%}
{{ 'timers: ' + c.lines | join(', ') }}
{%- elif '"success":[' in c.text and '"failed":[' in c.text -%}
{%- for part in c.text.split('"success":[')[1].split('"failed":[')[0].split('"name":"')[1:] -%}{%- set c.lines = c.lines + [part.split('"')[0]] -%}{%- endfor -%}
{%- for part in c.text.split('"failed":[')[1].split('"name":"')[1:] -%}{%- set c.asked = c.asked + [part.split('"')[0]] -%}{%- endfor -%}
{{ 'done: ' + c.lines | join(', ') if c.lines or not c.asked else '' }}{{ '\\n' if c.lines and c.asked else '' }}{{ 'failed: ' + c.asked | join(', ') if c.asked else '' }}
{%- elif '"error_text":"' in c.text -%}
{{ 'error: ' + c.text.split('"error_text":"')[1].split('"')[0].split(' (')[0] }}
{%- elif '"summary":"' in c.text -%}
{%- for part in c.text.split('"summary":"')[1:] -%}{%- if part.split('"')[0] not in c.lines -%}{%- set c.lines = c.lines + [part.split('"')[0]] -%}{%- endif -%}{%- endfor -%}
{{ 'items: ' + c.lines | join(', ') }}
{%- else -%}
{{ c.text }}
{%- endif -%}
{%- endmacro -%}
{%- set system = namespace(text='') -%}
{%- if messages and messages[0].role == 'system' -%}{%- set system.text = shortened(listed(messages[0].content)) -%}{%- endif -%}
{%- if tools or system.text -%}
{{- '<|im_start|>system\\n' -}}
{%- if tools -%}
{{- 'Tools:\\n' -}}
{%- for tool in tools -%}
{%- set f = tool.function if tool.function is defined else tool -%}
{%- set name = short(f.name) -%}
{{- name -}}
{%- if f.parameters is defined and f.parameters and f.parameters.properties is defined -%}
{%- for parameter in f.parameters.properties -%}{{- ' ' + parameter -}}{%- endfor -%}
{%- endif -%}
{%- if f.description is defined and f.description and not name.startswith('Hass') and name not in KNOWN -%}
{{- ': ' + (f.description | trim).split('\\n')[0].split('. ')[0][:CHARS] -}}
{%- endif -%}
{{- '\\n' -}}
{%- endfor -%}
{{- '\\n' -}}
{%- endif -%}
{{- system.text + '<|im_end|>\\n' -}}
{%- endif -%}
{%- set asked = namespace(text='') -%}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{%- if not loop.first -%}{{- '<|im_start|>system\\n' + shortened(listed(message.content)) + '<|im_end|>\\n' -}}{%- endif -%}
{%- elif message.role == 'assistant' -%}
{{- '<|im_start|>assistant\\n' + text(message.content) -}}
{%- if message.tool_calls is defined and message.tool_calls -%}
{%- for call in message.tool_calls -%}
{%- set f = call.function if call.function is defined else call -%}
{{- '<tool_call>\\n{"name": "' + short(f.name) + '", "arguments": ' -}}
{%- if f.arguments is string -%}{{- f.arguments -}}{%- else -%}{{- f.arguments | tojson -}}{%- endif -%}
{{- '}\\n</tool_call>' -}}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- elif message.role == 'tool' -%}
{{- '<|im_start|>tool\\n' + result(message.content, asked.text) + '<|im_end|>\\n' -}}
{%- else -%}
{{- '<|im_start|>' + message.role + '\\n' + text(message.content) + '<|im_end|>\\n' -}}
{%- set asked.text = ' ' + text(message.content).lower().replace('?', ' ').replace('.', ' ').replace(',', ' ').replace('!', ' ').replace("'s", ' ') + ' ' -%}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
""".replace("UNSHOWN", repr(UNSHOWN)).replace("KNOWN", repr(KNOWN)).replace("CHARS", str(DESCRIPTION_CHARS))


def listed(content):
    """A device list, a line a device: "-Kitchen Light:light:Kitchen". No space stands before a name: so its first token is the same
    in the list and in a call's JSON."""
    text = content.strip()
    return text.replace("- names: ", "-").replace("\n  domain: ", ":").replace("\n  areas: ", ":") if "- names: " in text else text


class Names:
    """The names of the offered tools as the model reads and writes them: without a namespace, unless two would be alike then."""

    def __init__(self, tools):
        self.full = [t if isinstance(t, str) else t["function"]["name"] for t in tools]
        self.last = [name.split("__")[-1] for name in self.full]

    def short(self, name):
        last = name.split("__")[-1]
        return last if last and self.last.count(last) < 2 else name

    def shortened(self, text):
        for name in self.full:
            if "__" in name:
                text = text.replace(name, self.short(name))
        return text


def question_words(text):
    text = text.strip().lower()
    for old in ("?", ".", ",", "!", "'s"):
        text = text.replace(old, " ")
    return f" {text} "


def plain(text):
    return text.lower().replace("'s", " ").replace("_", " ").replace(",", " ")


def state_line(entry, question):
    """(the question's words that the device has, the line of the device) of one entry of a live context."""
    name = domain = area = state = more = ""
    for i, line in enumerate(entry.split("\n")):
        part = line.strip() if i == 0 else line.strip().replace("'", "")
        if i == 0:
            name = part
        elif part.startswith("domain: "):
            domain = part[8:]
        elif part.startswith("areas: "):
            area = part[7:]
        elif part.startswith("state: "):
            state = part[7:]
        elif part.startswith("unit_of_measurement: "):
            state += " " + part[21:]
        elif ": " in part and part.split(" ")[0] not in UNSHOWN:
            more += ", " + part.split(": ")[0] + " " + part.split(": ")[1]
    known = set(plain(f"{name} {area} {domain}").split(" ")) - {""}
    asked = {w for w in question.split(" ") if w and (w in known or w + "s" in known or (w.endswith("s") and w[:-1] in known))}
    if any(plain(n).replace(" ", "") in question.replace(" ", "") for n in name.split(", ")):
        asked.add("=")  # the whole name, "heat pump" for HeatPump too
    return asked, name + (f" ({area})" if area else "") + ": " + state + more


def asked_for(lines):
    """The lines that have most of the question's words: one whose words another has too, and more, is left out."""
    sets = [words for words, _ in lines if words]
    return [line for words, line in lines if not sets or (words and not any(words < other for other in sets))]


def timer_left(entry):
    """The name and what is left, "pizza 4 minutes", of one timer of a status."""
    line = entry.split('"')[0]
    for unit in ("hours", "minutes", "seconds"):
        key = f'"rounded_{unit}_left":'
        left = entry.split(key)[1].split(",")[0] if key in entry else "0"
        if left != "0":
            line += f" {left} {unit}"
    return line.strip()


def result(content, question):
    """What a tool sent back, as short as an answer allows. Home Assistant's envelope goes, and of a live context what was not asked."""
    text = content.strip().replace('": ', '":').replace(', "', ',"')
    if text.startswith('{"data":') and text.endswith(',"error":false}'):
        text = text[8:-15]
    elif text.startswith('{"data":') and text.endswith(',"error":true}'):
        text = text[8:-14]
    if "- names: " in text:
        lines = [state_line(entry, question) for entry in text.replace("\\n", "\n").split('"}')[0].split("- names: ")[1:]]
        return "\n".join(["States:"] + asked_for(lines))
    if '"timers":[' in text:
        return "timers: " + ", ".join(timer_left(part) for part in text.split('"timers":[')[1].split('"name":"')[1:])
    if '"success":[' in text and '"failed":[' in text:
        done = [part.split('"')[0] for part in text.split('"success":[')[1].split('"failed":[')[0].split('"name":"')[1:]]
        failed = [part.split('"')[0] for part in text.split('"failed":[')[1].split('"name":"')[1:]]
        return ("done: " + ", ".join(done) if done or not failed else "") + ("\n" if done and failed else "") + ("failed: " + ", ".join(failed) if failed else "")
    if '"error_text":"' in text:
        return "error: " + text.split('"error_text":"')[1].split('"')[0].split(" (")[0]
    if '"summary":"' in text:
        return "items: " + ", ".join(dict.fromkeys(part.split('"')[0] for part in text.split('"summary":"')[1:]))  # each once: copying the same word again and again finds no end
    return text


def call_text(function, names):
    arguments = function["arguments"]
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return f'{CALL}\n{{"name": "{names.short(function["name"])}", "arguments": {arguments}}}\n{CALL_END}'


def segments(messages, tools=(), add_generation_prompt=False):
    """[(text, is the model's)] of a dialogue. Tools by name, as homes hold them, or in OpenAI's form."""
    out, names, question = [], Names(tools), ""
    system = names.shortened(listed(messages[0]["content"])) if messages and messages[0]["role"] == "system" else ""
    head = ""
    if tools:
        head = "Tools:\n" + "".join(tool_line(t, names) + "\n" for t in tools) + "\n"
    if head or system:
        out.append((f"{IM_START}system\n{head}{system}{IM_END}\n", False))
    for i, message in enumerate(messages):
        role = message["role"]
        if role == "system":
            if i:
                out.append((f"{IM_START}system\n{names.shortened(listed(message['content']))}{IM_END}\n", False))
        elif role == "assistant":
            calls = "".join(call_text(c["function"], names) for c in message.get("tool_calls", ()))
            out.append((f"{IM_START}assistant\n", False))
            out.append((message["content"].strip() + calls + IM_END, True))
            out.append(("\n", False))
        elif role == "tool":
            out.append((f"{IM_START}tool\n{result(message['content'], question)}{IM_END}\n", False))
        else:
            out.append((f"{IM_START}{role}\n{message['content'].strip()}{IM_END}\n", False))
            question = question_words(message["content"])
    if add_generation_prompt:
        out.append((f"{IM_START}assistant\n", False))
    return out


def tool_line(tool, names):
    if isinstance(tool, str):
        return " ".join([names.short(tool)] + home.TODAY.get(tool, []))
    function = tool["function"]
    name, text = names.short(function["name"]), function.get("description") or ""
    known = name.startswith("Hass") or name in KNOWN
    return " ".join([name] + list(function.get("parameters", {}).get("properties", {}))) + \
        ("" if known or not text else ": " + text.strip().split("\n")[0].split(". ")[0][:DESCRIPTION_CHARS])
