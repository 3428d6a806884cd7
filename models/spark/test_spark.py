# Self-check of the generator, the tokenizer, the template and the GGUF writer: `python3 -m unittest` in this folder.
import ast
import collections
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy

import generate
import gguf
import heldout_idle
import heldout_judge
import heldout_overlap
import heldout_phrases
import heldout_states
import heldout_today
import heldout_tools
import home
import phrases
import recorded
import talk
import template
import tokenizer
import words

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED = os.path.join(HERE, "..", "..", "..", "shared", "golden", "home")


def held_out_lines(name):
    with open(os.path.join(HERE, "heldout", name + ".jsonl")) as file:
        return [json.loads(line) for line in file]


class Generator(unittest.TestCase):
    def test_a_dialogue_is_a_function_of_seed_and_index(self):
        for index in range(40):
            self.assertEqual(generate.dialogue(3, index), generate.dialogue(3, index))
        self.assertNotEqual(generate.dialogue(3, 1), generate.dialogue(4, 1))

    def test_a_dialogue_is_the_same_in_every_process(self):
        code = "import generate; print([generate.dialogue(3, i) for i in range(40)])"
        first, second = (subprocess.run([sys.executable, "-c", code], cwd=HERE, env=dict(os.environ, PYTHONHASHSEED=seed), capture_output=True, check=True).stdout
                         for seed in "12")
        self.assertEqual(first, second)

    def test_words_and_phrasings_are_either_for_training_or_held_out(self):
        for known in (words.AREAS, words.ADJECTIVES, words.PEOPLE, words.SCRIPTS, words.ITEMS):
            train, test = set(words.pick_split(known, "train")), set(words.pick_split(known, "test"))
            self.assertTrue(train and test and not train & test)
        for name in dir(phrases):
            if isinstance(getattr(phrases, name), dict) and "train" in getattr(phrases, name):
                both = getattr(phrases, name)
                self.assertFalse((set(both["train"]) & set(both["test"])) - {""}, name)
        for fact in talk.FACTS:
            self.assertFalse(set(fact.train) & set(fact.test), fact.key)

    def test_no_held_out_target_is_seen_in_training(self):
        seen = set()
        for index in range(1500):
            for message in generate.dialogue(1, index)["messages"]:
                if message["role"] == "system":
                    seen.update(line.split(": ", 1)[1].lower() for line in message["content"].split("\n") if line.startswith(("- names: ", "  areas: ")))
        for row in held_out_lines("commands"):
            for call in row["expect"]["calls"]:
                for key in ("name", "area"):
                    self.assertNotIn(call["arguments"].get(key, "none").lower(), seen)

    def test_a_call_of_a_home_of_today_is_offered_and_names_what_it_acts_on(self):
        for index in range(300):
            dialogue = generate.dialogue(5, index)
            offered = {t["function"]["name"] if isinstance(t, dict) else t: t for t in dialogue["tools"]}
            for message in dialogue["messages"]:
                for call in message.get("tool_calls", ()):
                    name, arguments = call["function"]["name"], call["function"]["arguments"]
                    self.assertIn(name, offered)
                    if name in home.TODAY and {"name", "area", "floor"} <= set(home.TODAY[name]):
                        self.assertTrue({"name", "area", "floor"} & set(arguments), (name, arguments))

    def test_held_out_sets_are_as_large_as_promised(self):
        rows = held_out_lines("commands")
        self.assertGreaterEqual(len(rows), 500)
        self.assertGreaterEqual(sum(r["made_up"] for r in rows), 150)
        self.assertEqual(len(held_out_lines("questions")), 60)
        self.assertEqual(len(held_out_lines("stories")), 100)
        self.assertEqual([len(held_out_lines(name)) for name in ("states", "tools", "idle")], [100, 200, 200])
        self.assertEqual({row["category"] for row in held_out_lines("today")}, set(heldout_today.CATEGORIES))
        self.assertGreaterEqual(min(collections.Counter(row["category"] for row in held_out_lines("today")).values()), 20)
        self.assertGreaterEqual(len({row["category"] for row in held_out_lines("tools")}), 40)
        for name in os.listdir(os.path.join(HERE, "heldout")):
            if name != "commands.jsonl":
                self.assertLess(os.path.getsize(os.path.join(HERE, "heldout", name)), 600_000, name)

    def test_every_answer_of_today_is_offered_and_has_known_arguments(self):
        for name in ("today", "tools"):
            for row in heldout_judge.read(os.path.join(HERE, "heldout"), name):
                offered = {t["function"]["name"]: t["function"]["parameters"] for t in row["tools"]}
                self.assertTrue(row["expect"]["answers"], row["id"])
                for call in [c for calls in row["expect"]["answers"] for c in calls]:
                    known = offered[call["name"]]
                    units = set(heldout_judge.UNITS) if "seconds" in call else set()
                    self.assertLessEqual(set(call["arguments"]) | set(call["may"]) | units, set(known["properties"]), row["id"])
                    self.assertLessEqual(set(known.get("required", ())), set(call["arguments"]), row["id"])

    def test_what_is_right_of_today_is_told_from_what_is_wrong(self):
        wanted = {"name": "intent__HassTurnOn", "arguments": {"name": ["Lamp", "Moon"]}, "may": {"domain": [["light"]]}}
        row = {"tools": [{"function": {"name": "intent__HassTurnOn"}}], "expect": {"answers": [[wanted]]}}
        for arguments, right in (({"name": "lamp"}, True), ({"name": "Moon", "domain": ["light"]}, True), ({"name": "Lamp", "domain": ["fan"]}, False), ({}, False), ({"name": "Lamp", "area": "Hall"}, False)):
            call = f'<tool_call>\n{json.dumps({"name": "HassTurnOn", "arguments": arguments})}\n</tool_call>'
            self.assertEqual(heldout_judge.passes(row, call), right, arguments)
            self.assertFalse(heldout_judge.passes(row, call + call))
        timed = {"name": "HassStartTimer", "arguments": {}, "may": {"name": ["egg"]}, "seconds": 5400}
        item = {"name": "HassListAddItem", "arguments": {"item": ["a bag of rice"], "name": ["The List"]}, "may": {}}
        row = {"tools": [{"function": {"name": wanted["name"]}} for wanted in (timed, item)], "expect": {"answers": [[timed], [item]]}}
        for name, arguments, right in (("HassStartTimer", {"hours": 1, "minutes": 30}, True), ("HassStartTimer", {"minutes": 90, "hours": 0}, True), ("HassStartTimer", {"seconds": 5400, "name": "Egg"}, True),
                                       ("HassStartTimer", {"minutes": 30}, False), ("HassStartTimer", {}, False), ("HassStartTimer", {"minutes": "90"}, False), ("HassStartTimer", {"minutes": 90, "area": "Hall"}, False),
                                       ("HassListAddItem", {"item": "Bag of rice", "name": "the list"}, True), ("HassListAddItem", {"item": "a bag of rice", "name": "list"}, False)):
            call = f'<tool_call>\n{json.dumps({"name": name, "arguments": arguments})}\n</tool_call>'
            self.assertEqual(heldout_judge.passes(row, call), right, arguments)
        states = {"expect": {"reads": "GetLiveContext", "filters": {"name": ["On Lamp"]}, "says": [["off", "no"]], "never": ["on", "yes"]}}
        for answer, right in (("No, the On Lamp is off.", True), ("On Lamp is off.", True), ("It is not on.", False), ("On Lamp is on.", False), ("", False)):
            self.assertEqual(heldout_judge.passes(states, answer), right, answer)
        self.assertTrue(heldout_judge.has_word("it is 21 degrees.", "21") and heldout_judge.has_word("at 21.", "21"))
        self.assertFalse(heldout_judge.has_word("it is 21.5", "21") or heldout_judge.has_word("121", "21") or heldout_judge.has_word("1.21", "21"))

    def test_no_phrasing_of_today_is_one_of_the_trainings(self):
        def form(text):
            return re.sub(r"[^a-z{}% ]", "", re.sub(r"\{\w+\}", "{}", text.lower())).strip()
        trained = set()
        for name in ("commands", "frames", "guests", "idle", "phrases", "talk", "today"):
            with open(os.path.join(HERE, name + ".py")) as file:
                trained |= {form(node.value) for node in ast.walk(ast.parse(file.read())) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        lists = [v for module in (heldout_phrases, heldout_states) for v in vars(module).values() if isinstance(v, list)] + list(heldout_idle.SAYINGS.values()) + [forms for _, _, forms in heldout_tools.TOOLS.values()]
        for text in [text for texts in lists for text in texts if isinstance(text, str) and len(text.replace("{", " {").split()) > 2]:
            self.assertFalse(form(text) in trained and form(text).replace("{}", "").count(" ") > 1, text)

    def test_no_request_of_today_is_said_in_training(self):
        self.assertEqual(heldout_overlap.overlap({"turn it off", "its 5%"}, ["Turn it off!", "turn IT off", "It's 5%.", "turn it off now"]), {"turn it off": 2, "its 5%": 1})
        held_out = {heldout_overlap.spoken(row["messages"][-1]["content"]) for name in heldout_judge.SETS for row in held_out_lines(name)}
        self.assertEqual(heldout_overlap.overlap(held_out, heldout_overlap.training_requests(5, 10_000)), {})

    def test_every_expected_call_is_offered(self):
        for row in held_out_lines("commands"):
            for call in row["expect"]["calls"]:
                self.assertIn(call["name"], row["tools"])

    def test_the_keywords_of_a_fact_are_in_no_other_answer(self):
        for fact in talk.FACTS:
            for other in talk.FACTS:
                for answer in other.answers:
                    self.assertEqual(all(k in answer.lower() for k in fact.keywords), fact is other, (fact.key, other.key))
            for answer in talk.BEYOND_ANSWERS + talk.NO_TOOLS + [a for answers, _ in talk.CHAT for a in answers]:
                self.assertFalse(all(k in answer.lower() for k in fact.keywords), (fact.key, answer))


class Recorded(unittest.TestCase):
    def test_a_request_has_the_shapes_of_its_parts(self):
        tools = [{"type": "function", "function": {"name": "vacuum__HassVacuumCleanArea", "parameters": {"properties": {"area": {}, "name": {}}}}}, {"name": "script__nap"}]
        system = "You help.\nBriefly.\n\nDevices:\n- names: Lamp, Moon\n  domain: light\n  areas: Hall\n- names: Milk\n  domain: todo\n\nNo timers."
        live = "Live Context:\n- names: Lamp\n  domain: light\n  state: 'on'\n  areas: Hall\n  attributes:\n    brightness: '7'\n    brightness_pct: '3'\n"
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "on"}, {"role": "tool", "content": json.dumps({"data": {"result": live}, "error": False})},
                    {"type": "function_call_output", "output": '{"data":{"success":[{"name":"Lamp"}],"failed":[]},"error":false}'}, {"role": "tool", "content": "done"}]
        self.assertEqual(set(recorded.shapes(messages, tools)), {
            ("tool", "HassVacuumCleanArea", "area", "name"), ("tool of the home", False), ("line before the list", "Devices:"), ("words before the list", True), ("words after the list", True),
            ("entry", "domain", "areas"), ("entry", "domain"), ("entry", "domain", "state", "areas", "attributes", "brightness_pct"), ("result", "{data: {result: str}, error: bool}"),
            ("result", "{data: {success: [{name: str}], failed: []}, error: bool}"), ("result", "words")})

    @unittest.skipUnless(os.path.isdir(RECORDED), f"{RECORDED} is not there")
    def test_training_has_all_shapes_of_recorded_requests(self):
        paths = [os.path.join(RECORDED, name) for name in sorted(os.listdir(RECORDED)) if name.endswith(".json")]
        sent = {shape for path in paths for messages, tools in recorded.requests(path) for shape in recorded.shapes(messages, tools)}
        self.assertGreater(len(sent), 40)
        self.assertEqual(sent - recorded.trained_shapes(), set())

    def test_requests_are_read_from_a_body_and_from_lines(self):
        body = {"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "a"}]}
        line = json.dumps({"body": json.dumps(body)})
        with tempfile.TemporaryDirectory() as folder:
            for text, count in ((json.dumps(body), 1), (line, 1), (f"{line}\n{line}\n" + json.dumps({"body": "{}"}), 2)):
                path = os.path.join(folder, "requests")
                with open(path, "w") as file:
                    file.write(text)
                self.assertEqual(list(recorded.requests(path)), [(body["messages"], body["tools"])] * count)


class Tokens(unittest.TestCase):
    def setUp(self):
        self.tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))

    def test_round_trip(self):
        for text in ("Turn on the Kitchen Light!", " \t\n\n  x", "Grüße, 你好 🙂", "it's 21.5 °C", "<|im_start|>user\nhi<|im_end|>\n"):
            self.assertEqual(self.tok.decode(self.tok.encode(text)), text)

    def test_a_made_up_name_has_the_same_tokens_in_list_and_call(self):
        ids = self.tok.encode("Zorvaq")
        light = self.tok.encode("Light")
        self.assertEqual(self.tok.encode(template.listed("- names: Light"))[-len(light):], light)
        for text in (template.listed("- names: Zorvaq\n  domain: light"), '{"name": "Zorvaq"}', "Turn on Zorvaq."):
            whole = self.tok.encode(text)
            self.assertTrue(any(whole[i:i + len(ids)] == ids for i in range(len(whole))), text)

    def test_a_capital_does_not_move_the_cuts(self):
        for word in ("kitchen", "bathroom", "velvet", "whiarsnum"):
            self.assertEqual([len(self.tok.decode([i])) for i in self.tok.encode(word)],
                             [len(self.tok.decode([i])) for i in self.tok.encode(word.capitalize())], word)

    def test_digits_stand_alone(self):
        self.assertEqual([self.tok.decode([i]) for i in self.tok.encode("215")], ["2", "1", "5"])


class Prompt(unittest.TestCase):
    def test_home_assistants_prompt_with_20_devices_and_15_tools_is_short(self):
        rng = words.seeded(0, 0)
        while True:
            place = home.Home(rng, "train", size=20)
            if len(place.tools) >= 15:
                break
        tools = [home.tool_schema(t) for t in place.tools[:15]]
        # Some 1,500 characters of instructions, as Home Assistant sends before its static context.
        system = " ".join(generate.INTROS + generate.MANNERS + generate.USAGE + generate.NO_LOCATION + generate.NO_TIMERS + generate.STATIC)
        messages = [{"role": "system", "content": f"{system}\n{generate.ANNOUNCE[0]}\n{place.context()}"}, {"role": "user", "content": "Turn on the light"}]
        text = "".join(t for t, _ in template.segments(messages, tools, True))
        tok = tokenizer.Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        self.assertLess(len(tok.encode(text)), 1500)

    def test_names_lose_their_namespace_unless_two_would_be_alike(self):
        names = template.Names([{"function": {"name": n}} for n in ("intent__HassTurnOn", "assist__todo__get_items", "a__Set", "b__Set", "plain", "x__")])
        self.assertEqual([names.short(n) for n in names.full], ["HassTurnOn", "get_items", "a__Set", "b__Set", "plain", "x__"])
        self.assertEqual(names.shortened("Use intent__HassTurnOn to lock."), "Use HassTurnOn to lock.")

    def test_results_are_shortened_in_an_envelope_and_without(self):
        done = {"speech": {}, "response_type": "action_done", "data": {"success": [{"name": "Lamp", "type": "entity", "id": "light.lamp"}], "failed": []}}
        for result in (done, {"data": done, "error": False}):
            for separators in ((",", ":"), (", ", ": ")):
                self.assertEqual(template.result(json.dumps(result, separators=separators), ""), "done: Lamp")
        self.assertEqual(template.result('{"data":{"error":"MatchFailedError","error_text":"No such light"},"error":true}', ""), "error: No such light")
        self.assertEqual(template.result('{"data":{"result":[{"summary":"milk"},{"summary":"tea"},{"summary":"milk"}]},"error":false}', ""), "items: milk, tea")
        self.assertEqual(template.result("anything else", ""), "anything else")

    def test_of_a_live_context_what_was_asked_is_shown_and_all_where_nothing_is_named(self):
        states = "Live Context:\\n- names: Lamp\\n  domain: light\\n  state: 'on'\\n  areas: Hall\\n  attributes:\\n    brightness_pct: '7'\\n- names: Door\\n  domain: lock\\n  state: locked\\n"
        content = '{"data":{"result":"' + states + '"},"error":false}'
        self.assertEqual(template.result(content, template.question_words("Is the lamp on?")), "States:\nLamp (Hall): on, brightness_pct 7")
        self.assertEqual(template.result(content, template.question_words("Which lights are on?")), "States:\nLamp (Hall): on, brightness_pct 7")
        self.assertEqual(template.result(content, template.question_words("Is all well?")), "States:\nLamp (Hall): on, brightness_pct 7\nDoor: locked")

    def test_calls_are_marked_as_the_models_own(self):
        call = {"function": {"name": "HassTurnOn", "arguments": {"name": "Lamp"}}}
        parts = template.segments([{"role": "user", "content": "on"}, {"role": "assistant", "content": "", "tool_calls": [call]}])
        self.assertEqual([t for t, own in parts if own], ['<tool_call>\n{"name": "HassTurnOn", "arguments": {"name": "Lamp"}}\n</tool_call><|im_end|>'])


class File(unittest.TestCase):
    def test_q8_0_is_within_half_a_step(self):
        matrix = numpy.random.default_rng(0).normal(size=(8, 256)).astype(numpy.float32)
        matrix[3, :32] = 0
        step = numpy.abs(matrix.reshape(-1, 32)).max(axis=1, keepdims=True) / 127
        error = numpy.abs(gguf.q8_0_values(matrix) - matrix).reshape(-1, 32)
        self.assertTrue((error <= step * 0.57).all())  # half a step, and the scale's own rounding to float16
        self.assertEqual(gguf.q8_0(matrix).tobytes().__len__(), matrix.size // 32 * 34)

    def test_header_and_alignment(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.gguf")
            gguf.write(path, {"general.architecture": "llama", "a.list": ["x", "y"], "a.number": 7},
                       {"m.weight": (gguf.Q8_0, numpy.ones((2, 256), numpy.float32)), "n.weight": (gguf.F32, numpy.ones(5, numpy.float32))})
            with open(path, "rb") as file:
                data = file.read()
        self.assertEqual(struct.unpack("<4sIQQ", data[:24]), (b"GGUF", 3, 2, 3))
        self.assertEqual(len(data) % gguf.ALIGNMENT, 0)

    def test_reading_gives_back_what_was_written(self):
        matrix = numpy.random.default_rng(0).normal(size=(4, 256)).astype(numpy.float32)
        metadata = {"a.text": "x", "a.list": ["x", "y"], "a.numbers": [1, -2], "a.flag": True, "a.number": 7, "a.real": 0.5}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.gguf")
            gguf.write(path, metadata, {"m.weight": (gguf.Q8_0, matrix), "n.weight": (gguf.F32, matrix[0, :5])})
            read, tensors = gguf.read(path)
        self.assertEqual(read, metadata)
        self.assertTrue((tensors["m.weight"] == gguf.q8_0_values(matrix)).all())
        self.assertTrue((tensors["n.weight"] == matrix[0, :5]).all())

    def test_other_metadata_leaves_the_tensors_as_they_are(self):
        matrix = numpy.random.default_rng(0).normal(size=(4, 256)).astype(numpy.float32)
        tensors = {"m.weight": (gguf.Q8_0, matrix), "n.weight": (gguf.F32, matrix[0, :5])}
        with tempfile.TemporaryDirectory() as folder:
            path, fresh = os.path.join(folder, "x.gguf"), os.path.join(folder, "y.gguf")
            gguf.write(path, {"a.text": "x"}, tensors)
            gguf.rewrite(path, {"a.text": "longer than before", "a.real": 0.0})
            gguf.write(fresh, {"a.text": "longer than before", "a.real": 0.0}, tensors)
            with open(path, "rb") as one, open(fresh, "rb") as other:
                self.assertEqual(one.read(), other.read())

    def test_the_shipped_file_asks_for_greedy_answers(self):
        metadata, _ = gguf.read(os.path.join(HERE, "spark-q8_0.gguf"))
        self.assertEqual(metadata["general.sampling.temp"], 0.0)


if __name__ == "__main__":
    unittest.main()
