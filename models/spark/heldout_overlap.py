# Counts the requests of the held-out sets of today that training says word for word, but for capitals and punctuation, and prints each.
# `python3 heldout_overlap.py [--requests 200000] [--seed 5]`: of so many requests that training generates. Exits with 1 where there is one.
import argparse
import collections
import re
import sys

import generate
import heldout_judge


def spoken(text):
    """A request as a speech recognizer writes it: small letters, no punctuation."""
    return " ".join(re.sub(r"[^\w%°]+", " ", text.lower().replace("'", "")).split())


def training_requests(seed, count):
    """The first `count` requests that training with a seed generates."""
    index = 0
    while count > 0:
        said = [m["content"] for m in generate.dialogue(seed, index)["messages"] if m["role"] == "user"][:count]
        yield from said
        index, count = index + 1, count - len(said)


def overlap(held_out, requests):
    """{a held-out request: how often training says it}, of `held_out` as they are spoken."""
    return collections.Counter(text for text in map(spoken, requests) if text in held_out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--requests", type=int, default=200_000)
    p.add_argument("--seed", type=int, default=5)
    a = p.parse_args()
    rows = {row["id"]: spoken(row["messages"][-1]["content"]) for name in heldout_judge.SETS for row in heldout_judge.rows(heldout_judge.FOLDER, name)}
    found = overlap(set(rows.values()), training_requests(a.seed, a.requests))
    for row, text in rows.items():
        if text in found:
            print(f"{row}: \"{text}\", {found[text]} times")
    seen = sum(text in found for text in rows.values())
    print(f"{seen} of {len(rows)} held-out requests are among {a.requests} of training")
    sys.exit(1 if seen else 0)


if __name__ == "__main__":
    main()
