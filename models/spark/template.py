# Spark's chat template: the Jinja text that the GGUF carries, and the same rendering in Python as parts with a mark on
# the model's own words. Tools are rendered as names and parameters only: descriptions would be three quarters of the prompt.
import json

import home

IM_START, IM_END, CALL, CALL_END = "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>"

JINJA = """\
{%- macro text(content) -%}
{%- if content is string -%}{{ content | trim }}
{%- elif content -%}{%- for part in content -%}{%- if part.text is defined -%}{{ part.text | trim }}{%- endif -%}{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- macro listed(content) -%}
{{ text(content) | replace('names: ', 'names:') | replace('areas: ', 'areas:') }}
{%- endmacro -%}
{%- set system = namespace(text='') -%}
{%- if messages and messages[0].role == 'system' -%}{%- set system.text = listed(messages[0].content) -%}{%- endif -%}
{%- if tools or system.text -%}
{{- '<|im_start|>system\\n' -}}
{%- if tools -%}
{{- 'Tools:\\n' -}}
{%- for tool in tools -%}
{%- set f = tool.function if tool.function is defined else tool -%}
{{- f.name -}}
{%- if f.parameters is defined and f.parameters and f.parameters.properties is defined -%}
{%- for parameter in f.parameters.properties -%}{{- ' ' + parameter -}}{%- endfor -%}
{%- endif -%}
{{- '\\n' -}}
{%- endfor -%}
{{- '\\n' -}}
{%- endif -%}
{{- system.text + '<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{%- if not loop.first -%}{{- '<|im_start|>system\\n' + listed(message.content) + '<|im_end|>\\n' -}}{%- endif -%}
{%- elif message.role == 'assistant' -%}
{{- '<|im_start|>assistant\\n' + text(message.content) -}}
{%- if message.tool_calls is defined and message.tool_calls -%}
{%- for call in message.tool_calls -%}
{%- set f = call.function if call.function is defined else call -%}
{{- '<tool_call>\\n{"name": "' + f.name + '", "arguments": ' -}}
{%- if f.arguments is string -%}{{- f.arguments -}}{%- else -%}{{- f.arguments | tojson -}}{%- endif -%}
{{- '}\\n</tool_call>' -}}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- elif message.role == 'tool' -%}
{{- '<|im_start|>tool\\n' + listed(message.content) + '<|im_end|>\\n' -}}
{%- else -%}
{{- '<|im_start|>' + message.role + '\\n' + text(message.content) + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""


def listed(content):
    """A device list without the space before a name: then its first token is the same in the list and in a call's JSON."""
    return content.strip().replace("names: ", "names:").replace("areas: ", "areas:")


def call_text(function):
    arguments = function["arguments"]
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return f'{CALL}\n{{"name": "{function["name"]}", "arguments": {arguments}}}\n{CALL_END}'


def segments(messages, tools=(), add_generation_prompt=False):
    """[(text, is the model's)] of a dialogue. Tools by name, as homes hold them, or in OpenAI's form."""
    out = []
    system = listed(messages[0]["content"]) if messages and messages[0]["role"] == "system" else ""
    head = ""
    if tools:
        head = "Tools:\n" + "".join(tool_line(t) + "\n" for t in tools) + "\n"
    if head or system:
        out.append((f"{IM_START}system\n{head}{system}{IM_END}\n", False))
    for i, message in enumerate(messages):
        role = message["role"]
        if role == "system":
            if i:
                out.append((f"{IM_START}system\n{listed(message['content'])}{IM_END}\n", False))
        elif role == "assistant":
            calls = "".join(call_text(c["function"]) for c in message.get("tool_calls", ()))
            out.append((f"{IM_START}assistant\n", False))
            out.append((message["content"].strip() + calls + IM_END, True))
            out.append(("\n", False))
        else:
            content = listed(message["content"]) if role == "tool" else message["content"].strip()
            out.append((f"{IM_START}{role}\n{content}{IM_END}\n", False))
    if add_generation_prompt:
        out.append((f"{IM_START}assistant\n", False))
    return out


def tool_line(tool):
    if isinstance(tool, str):
        return " ".join([tool] + home.TOOLS.get(tool, []))
    function = tool["function"]
    return " ".join([function["name"]] + list(function.get("parameters", {}).get("properties", {})))
