"""The sentences that measure the bot; tests/data/README.md says what they are."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

DATA = Path(__file__).parents[1] / "data"
CONTEXTS = {None, "gathering", "open", "asked_verify", "asked_rate", "asked_place", "asked_join"}

DANGERS = ["fire", "gas", "electricity", "violence", "collapse", "trapped"]
DANGERS += ["drowning", "missing", "self_harm", "mass", "medical"]
INTENTS = ["progress", "urge", "who", "add", "correct_place", "correct_category", "withdraw", "anonymous", "complain"]
INTENTS += ["thanks", "human", "consult", "elsewhere", "privacy", "erase", "new", "done", "verify_yes", "verify_no"]
INTENTS += ["rate_good", "rate_fair", "rate_bad", "help", "join", "chat"]


class Shape(NamedTuple):
    """What a file promises: its keys, and the fewest lines of each label."""

    label: str
    further: set[str]
    least: dict[Any, int]


SHAPES = {
    "emergencies": Shape("danger", set(), {None: 450} | dict.fromkeys(DANGERS, 37)),
    "phrasings": Shape("intent", {"context"}, {"report": 150} | dict.fromkeys(INTENTS, 40)),
}
each_file = pytest.mark.parametrize("name", SHAPES)


def lines(name: str) -> list[dict[str, Any]]:
    """Return the lines of a file."""
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@each_file
def test_lines_are_well_formed(name: str) -> None:
    """Each line has a text, a known label, a part, and nothing else but perhaps a known context."""
    label, further, least = SHAPES[name]
    needed = {"text", label, "part"}
    for line in lines(name):
        assert needed <= line.keys() <= needed | further, line
        assert line["text"] == line["text"].strip() != "", line
        assert line[label] in least, line
        assert line["part"] in {"dev", "held_out"}, line
        assert line.get("context") in CONTEXTS, line


@each_file
def test_no_text_stands_twice(name: str) -> None:
    """A text is in a file once, so no line to measure with is also one to learn from."""
    assert [text for text, count in Counter(line["text"] for line in lines(name)).items() if count > 1] == []


@each_file
def test_labels_are_well_filled(name: str) -> None:
    """No label is thin, and each is spread evenly over the lines to learn from and the lines to measure with."""
    label, _, least = SHAPES[name]
    found = Counter(line[label] for line in lines(name))
    held_out = Counter(line[label] for line in lines(name) if line["part"] == "held_out")
    assert {each: found[each] for each in least if found[each] < least[each]} == {}
    assert {each: held_out[each] for each in found if not 0.4 <= held_out[each] / found[each] <= 0.6} == {}
