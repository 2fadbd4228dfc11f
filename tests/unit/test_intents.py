import pytest

import classifier
from bot.intents import Intent, read
from cases.city_files import CORPUS
from cases.numbers import number_of


def no_model(_text: str) -> None:
    """Stand for a classifier that is missing."""


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("你好", Intent.GREETING),
        ("您好！", Intent.GREETING),
        ("在吗", Intent.GREETING),
        ("谢谢", Intent.THANKS),
        ("好的，谢谢你们", Intent.THANKS),
        ("收到", Intent.THANKS),
        ("怎么用", Intent.HELP),
        ("怎么上报啊", Intent.HELP),
        ("？", Intent.HELP),
        ("我报的井盖修了吗", Intent.PROGRESS),
        ("我上次说的那个路灯呢", Intent.PROGRESS),
        ("进度", Intent.PROGRESS),
        ("处理得怎么样了", Intent.PROGRESS),
        ("催一下", Intent.URGE),
        ("撤回", Intent.WITHDRAW),
        ("解决了", Intent.SOLVED),
        ("还没解决", Intent.UNSOLVED),
        ("没修好", Intent.UNSOLVED),
        ("很满意", Intent.SATISFIED),
        ("基本满意", Intent.FAIR),
        ("不满意", Intent.UNSATISFIED),
        ("2", Intent.DIGIT),
        ("😀😀", Intent.EMPTY),
        ("……", Intent.EMPTY),
        ("翠湖小区3栋楼下井盖坏了，老人差点摔倒", Intent.REPORT),
        ("垃圾没人清", Intent.REPORT),
        ("还有一件事，楼道里堆满了纸箱", Intent.NEW),
        ("补充一下，是单元门左边", Intent.ADD),
    ],
)
def test_the_closed_lists_need_no_model(text: str, intent: Intent) -> None:
    """The commonest short lines are understood though no classifier is there."""
    assert read(text, no_model).intent == intent


def test_a_number_asks_for_its_case() -> None:
    """A case number alone asks for progress; with an answer behind it, it answers."""
    number = number_of(5)
    assert (read(number, no_model).intent, read(number, no_model).case_id) == (Intent.PROGRESS, 5)
    answered = read(f"{number} 解决了", no_model)
    assert (answered.intent, answered.case_id) == (Intent.SOLVED, 5)


def test_no_rule_swallows_a_report() -> None:
    """Not one report of the starter corpus is taken for something else by the closed lists."""
    lost = [
        example.text
        for example in classifier.read_examples(CORPUS / "reports.jsonl")
        if read(example.text, no_model).intent not in {Intent.REPORT, Intent.NEW, Intent.ADD}
    ]
    assert not lost


def test_doubt_counts_as_a_report() -> None:
    """The model's word against a report counts only when it is sure and no place is named."""
    assert read("那边又来了一群人", lambda _text: ("chat/nonsense", 0.4)).intent == Intent.REPORT
    assert read("那边又来了一群人", lambda _text: ("chat/nonsense", 0.9)).intent == Intent.CHAT
    assert read("翠湖小区那边", lambda _text: ("chat/nonsense", 0.9), has_place=True).intent == Intent.REPORT
