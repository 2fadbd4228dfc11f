import re
import time

import pytest

from bot import phrases
from bot.emergency import Danger, danger_in
from bot.understanding import Understanding
from tests import language

# A little under what was measured when these sentences were last counted: recall, false alarms, the right kind.
WITH_MODEL = {"dev": (0.98, 0.03, 0.92), "held_out": (0.93, 0.13, 0.80)}
PATTERNS_ALONE = {"dev": (0.98, 0.03, 0.92), "held_out": (0.70, 0.11, 0.60)}
NUMBERS = {
    Danger.FIRE: "119",
    Danger.GAS: "119",
    Danger.ELECTRICITY: "119",
    Danger.COLLAPSE: "119",
    Danger.TRAPPED: "119",
    Danger.DROWNING: "119 和 120",
    Danger.MEDICAL: "120",
    Danger.VIOLENCE: "110",
    Danger.MISSING: "110",
    Danger.MASS: "110",
    Danger.SELF_HARM: "120 和 110",
}


@pytest.mark.parametrize("part", ["dev", "held_out"])
def test_dangers_are_heard(part: str, models: Understanding) -> None:
    """Of sentences written without sight of the rules nearly all dangers are heard, and few harmless ones alarm."""
    recall, false_alarms, kinds = WITH_MODEL[part]
    heard = language.dangers(part, models)
    assert heard.recall >= recall
    assert heard.false_alarms <= false_alarms
    assert heard.kinds >= kinds


@pytest.mark.parametrize("part", ["dev", "held_out"])
def test_patterns_hear_without_a_model(part: str) -> None:
    """Without any model the patterns still hear the plainly spoken dangers."""
    recall, false_alarms, kinds = PATTERNS_ALONE[part]
    heard = language.dangers(part)
    assert heard.recall >= recall
    assert heard.false_alarms <= false_alarms
    assert heard.kinds >= kinds


@pytest.mark.parametrize("danger", Danger)
def test_each_danger_leads_with_whom_to_call(danger: Danger) -> None:
    """Every kind has one short line whose first number is the one to call."""
    line = phrases.DANGERS[danger]
    assert len(line) <= 50
    assert "\n" not in line
    found = re.search(r"\b\d{3}(?: 和 \d{3})?\b", line)
    assert found
    assert found[0] == NUMBERS[danger]


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("着伙了", Danger.FIRE),
        ("没气泄露", Danger.GAS),
        ("电提困人", Danger.TRAPPED),
        ("救明啊", Danger.VIOLENCE),
        ("去年着火那家的赔偿怎么还没下来", None),
        ("怕孩子触电，请来检查电箱", None),
        ("热死了，公交没空调", None),
        ("刚才消防走了，又烧起来了", Danger.FIRE),
    ],
)
def test_slips_figures_and_time(text: str, danger: Danger | None) -> None:
    """Typing slips do not hide a danger; figures of speech, fears and the past are none, unless it happens now."""
    assert danger_in(text) is danger


def test_a_sure_model_is_believed_where_no_pattern_fits() -> None:
    """The model adds what nobody foresaw; where the words sound calm it has to be surer."""
    unforeseen = "他脸色不好了在那儿歪着"
    assert danger_in(unforeseen) is None
    assert danger_in(unforeseen, ("medical", 0.9)) is Danger.MEDICAL
    assert danger_in(unforeseen, ("medical", 0.1)) is None
    assert danger_in("去年他脸色不好", ("medical", 0.9)) is None


def test_listening_takes_no_time() -> None:
    """The patterns need less than 0.3 ms for a message."""
    texts = [line["text"] for line in language.lines("emergencies", "dev")]
    started = time.perf_counter()
    for text in texts:
        danger_in(text)
    assert (time.perf_counter() - started) / len(texts) < 0.0003
