"""How well the bot understands the sentences of tests/data: counted by its own functions, for tests and bench."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.emergency import danger_in
from bot.intents import NOTHING, Before, Intent, read

if TYPE_CHECKING:
    from bot.understanding import Understanding

DATA = Path(__file__).parent / "data"
# What went before, as the dialogue would have it.
CONTEXTS = {
    None: NOTHING,
    "gathering": Before(telling=True, open=True),
    "open": Before(open=True),
    "asked_verify": Before("verify", open=True),
    "asked_rate": Before("rate", open=True),
    "asked_place": Before(telling=True, open=True),
    "asked_join": Before("join", telling=True, open=True),
}
# What the product calls the labels; what it does for each of several intents is the same.
MEANT = {
    "correct_category": {Intent.CORRECT_KIND},
    "verify_yes": {Intent.SOLVED},
    "verify_no": {Intent.UNSOLVED},
    "rate_good": {Intent.SATISFIED},
    "rate_fair": {Intent.FAIR},
    "rate_bad": {Intent.UNSATISFIED},
    "chat": {Intent.CHAT, Intent.GREETING, Intent.NOD, Intent.EMPTY, Intent.DIGIT},
}
# Told in the middle of a matter, a report is added to it; who is satisfied says that it is solved.
MEANT_THERE: dict[tuple[str, str | None], set[Intent]] = {
    ("add", "gathering"): {Intent.ADD, Intent.REPORT},
    ("verify_yes", "asked_verify"): {Intent.SOLVED, Intent.SATISFIED, Intent.FAIR},
    ("verify_no", "asked_verify"): {Intent.UNSOLVED, Intent.UNSATISFIED},
}


def lines(name: str, part: str) -> list[dict[str, Any]]:
    """Return the lines of one part of a file."""
    read_in = map(json.loads, (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
    return [line for line in read_in if line["part"] == part]


@dataclass
class Heard:
    """Counts of one part: `recall` and `false_alarms` of dangers, and how often the kind was right."""

    recall: float
    false_alarms: float
    kinds: float


def dangers(part: str, models: Understanding | None = None) -> Heard:
    """Return how many dangers of a part are heard, by the patterns alone without `models`."""
    seen = [
        (line["danger"], danger_in(line["text"], models.danger(line["text"]) if models is not None else None))
        for line in lines("emergencies", part)
    ]
    true = [heard for danger, heard in seen if danger is not None]
    false = [heard for danger, heard in seen if danger is None]
    return Heard(
        recall=sum(heard is not None for heard in true) / len(true),
        false_alarms=sum(heard is not None for heard in false) / len(false),
        kinds=sum(danger == heard for danger, heard in seen if danger is not None) / len(true),
    )


@dataclass
class Understood:
    """Counts of one part: of each label how many lines there are and how many are understood."""

    asked: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    @property
    def accuracy(self) -> float:
        """Return the share of all lines that are understood."""
        return self.right.total() / self.asked.total()

    def of(self, label: str) -> float:
        """Return the share of a label's lines that are understood."""
        return self.right[label] / self.asked[label]


def wishes(part: str, models: Understanding) -> Understood:
    """Return how many lines of a part are understood as what their labels say."""
    counts = Understood()
    for line in lines("phrasings", part):
        label, context = str(line["intent"]), line.get("context")
        wish = read(line["text"], models.intents(line["text"]), CONTEXTS[context])
        meant = MEANT_THERE.get((label, context)) or MEANT.get(label) or {Intent(label)}
        counts.asked[label] += 1
        counts.right[label] += wish.intent in meant
    return counts
