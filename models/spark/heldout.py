# Writes the held-out sets into heldout/, as JSON lines, and dialogues for perplexity.
# `python3 heldout.py [--out FOLDER] [--seed TEXT] [--only first|today]`; another folder with another seed is a set whose failures may be read.
# One line: {"id", "kind", "made_up", "messages", "tools", "expect"}; `tools` are names of heldout/tools.json, which has their OpenAI form.
# expect: {"calls": [...]} exactly; {"contains": [...]} and no call; {"keywords": [...]} in the answer; {"subject": ...} in the story.
# The sets of today ("today", "states", "tools", "idle") have a category, and the id of a home in heldout/homes.json instead of system prompt and tools; that file has the tools' OpenAI form for these sets too.
# expect there: {"answers": [[call]]}, any of these; {"reads": the tool, "filters", "says", "never"}; {"idle": true}. README.md says how they are judged.
import argparse
import json
import os

import commands
import generate
import heldout_homes
import heldout_idle
import heldout_states
import heldout_today
import heldout_tools
import home as homes
import stories
import talk
import template
import words

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = "heldout-2"
ORDINARY, MADE_UP, REFUSALS, QUESTIONS, STORIES, DIALOGUES = 380, 220, 100, 60, 100, 60
HOMES, TODAY_EACH, TOOL_CALLS, IDLE, IDLE_AT_HOME = 90, 26, 200, 200, 130


def command_line(seed, number, made_up, refusal):
    """The first turn of the wanted kind in a dialogue of its own; some have turns before it."""
    rng = words.seeded(seed, f"{'refusal' if refusal else 'command'}:{made_up}:{number}")
    while True:
        home = homes.Home(rng, "test", made_up=made_up, size=rng.choice((2, 3, 4, 5, 6, 8, 10, 12, 15, 20)))
        messages = [{"role": "system", "content": generate.system_prompt(rng, home)}]
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            before = commands.any_turn(rng, home)
            messages.append({"role": "user", "content": before.text})
            if before.calls:
                generate.answer_calls(rng, home, before, messages)
            else:
                messages.append({"role": "assistant", "content": before.reply})
        turn = commands.missing_turn(rng, home) if refusal and rng.random() < 0.7 else commands.any_turn(rng, home)
        messages.append({"role": "user", "content": turn.text})
        if refusal and turn.kind in ("missing", "not_offered"):
            key = turn.reply.split("cannot find ")[-1].split(" among")[0] if "cannot find" in turn.reply else ""
            return messages, home.tools, {"contains": [key] if key else []}, made_up
        if not refusal and turn.kind in ("command", "location") and turn.made_up == made_up:
            # GetLiveContext and GetDateTime are easy; few of them shall stand in for device commands.
            if turn.calls[0]["arguments"] or rng.random() < 0.3:
                return messages, home.tools, {"calls": turn.calls}, made_up


def questions(seed):
    """Two or so of every fact, half of them amid a home, half in plain chat."""
    rng = words.seeded(seed, "questions")
    asked = {fact.key: rng.sample(fact.test, 2) for fact in talk.FACTS}
    pairs = [(fact, asked[fact.key][k]) for k in range(2) for fact in talk.FACTS][:QUESTIONS]
    for fact, question in pairs:
        messages, tools = [], []
        if rng.random() < 0.4:
            home = homes.Home(rng, "test", size=rng.randint(2, 8))
            messages, tools = [{"role": "system", "content": generate.system_prompt(rng, home)}], home.tools
        messages.append({"role": "user", "content": talk.ask(rng, "test", question)})
        yield messages, tools, {"keywords": fact.keywords, "fact": fact.key}, False


def story_lines(seed):
    rng, seen = words.seeded(seed, "stories"), set()
    while len(seen) < STORIES:
        text, _, name = stories.story_turn(rng, "test")
        if text not in seen:
            seen.add(text)
            yield [{"role": "user", "content": text}], [], {"subject": name}, False


def write(path, kind, rows):
    count = 0
    with open(path, "w") as file:
        for i, (messages, tools, expect, made_up) in enumerate(rows):
            row = {"id": f"{kind}-{i + 1}", "kind": kind, "made_up": made_up, "messages": messages, "tools": tools, "expect": expect}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    print(f"{count} lines in {path}")


def write_today(out, seed):
    """The sets of today's homes and of other clients; the homes and the tools that their rows name."""
    pool = heldout_homes.pool(seed, HOMES)
    described = {key: {"system": home.system, "tools": list(home.schemas()), "live": home.live_context()} for key, home in pool.items()}
    tools = {name: schema for home in pool.values() for name, schema in home.schemas().items()} | {name: heldout_tools.schema(name) for name in heldout_tools.TOOLS}
    with open(os.path.join(out, "homes.json"), "w") as file:
        lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in described.items()]
        file.write('{"tools": ' + json.dumps(tools) + ',\n"homes": {\n' + ",\n".join(lines) + "\n}}\n")
    write_rows(out, "states", heldout_states.rows(seed, pool))
    write_rows(out, "today", heldout_today.rows(seed, pool, TODAY_EACH))
    write_rows(out, "tools", heldout_tools.rows(seed, TOOL_CALLS))
    write_rows(out, "idle", heldout_idle.rows(seed, pool, IDLE, IDLE_AT_HOME))


def write_rows(out, kind, rows):
    rows = [{"id": f"{kind}-{i + 1}", **row} for i, row in enumerate(rows)]
    path = os.path.join(out, f"{kind}.jsonl")
    with open(path, "w") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(f"{len(rows)} lines in {path}")


def write_first(out, seed):
    """The sets of homes before 2026.9, of questions and of stories."""
    write(os.path.join(out, "commands.jsonl"), "command", [command_line(seed, i, m, False) for m, n in ((False, ORDINARY), (True, MADE_UP)) for i in range(n)])
    write(os.path.join(out, "refusals.jsonl"), "refusal", [command_line(seed, i, i % 3 == 0, True) for i in range(REFUSALS)])
    write(os.path.join(out, "questions.jsonl"), "question", questions(seed))
    write(os.path.join(out, "stories.jsonl"), "story", story_lines(seed))
    names = list(homes.TOOLS) + words.SCRIPTS
    with open(os.path.join(out, "tools.json"), "w") as file:
        json.dump({n: homes.tool_schema(n) for n in names}, file, indent=1)
        file.write("\n")
    with open(os.path.join(out, "dialogues.txt"), "w") as file:
        for i in range(DIALOGUES):
            d = generate.dialogue(seed, i, "test")
            file.write("".join(t for t, _ in template.segments(d["messages"], d["tools"])))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", default=os.path.join(HERE, "heldout"))
    p.add_argument("--seed", default=SEED)
    p.add_argument("--only", choices=("first", "today"), help="commands, refusals, questions, stories and dialogues; or the sets of today")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    if a.only != "today":
        write_first(a.out, a.seed)
    if a.only != "first":
        write_today(a.out, a.seed)


if __name__ == "__main__":
    main()
