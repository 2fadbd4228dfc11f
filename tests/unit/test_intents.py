import pytest

import classifier
from bot.intents import NOTHING, Before, Intent, kind_in, read
from bot.understanding import Understanding
from cases.city_files import CORPUS
from cases.numbers import number_of
from tests import language

# A classifier that is missing knows no chances.
NO_MODEL: dict[str, float] = {}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("你好", Intent.GREETING),
        ("您好！", Intent.GREETING),
        ("在吗", Intent.GREETING),
        ("谢谢", Intent.THANKS),
        ("好的，谢谢你们", Intent.THANKS),
        ("收到", Intent.NOD),
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
    assert read(text, NO_MODEL).intent == intent


def test_a_number_asks_for_its_case() -> None:
    """A case number alone asks for progress; with an answer behind it, it answers."""
    number = number_of(5)
    assert (read(number, NO_MODEL).intent, read(number, NO_MODEL).case_id) == (Intent.PROGRESS, 5)
    answered = read(f"{number} 解决了", NO_MODEL)
    assert (answered.intent, answered.case_id) == (Intent.SOLVED, 5)


def test_no_rule_swallows_a_report() -> None:
    """Not one report of the starter corpus is taken for something else by the closed lists."""
    lost = [
        example.text
        for example in classifier.read_examples(CORPUS / "reports.jsonl")
        if read(example.text, NO_MODEL).intent not in {Intent.REPORT, Intent.NEW, Intent.ADD}
    ]
    assert not lost


def test_doubt_counts_as_a_report() -> None:
    """The model's word against a report counts only when it is sure and no place is named."""
    assert read("那边又来了一群人", {"chat": 0.4, "report": 0.6}).intent == Intent.REPORT
    assert read("那边又来了一群人", {"chat": 0.9, "report": 0.1}).intent == Intent.CHAT
    assert read("翠湖小区那边", {"chat": 0.9, "report": 0.1}, has_place=True).intent == Intent.REPORT


# A little under what was measured when these sentences were last counted: all labels, and reports.
UNDERSTOOD = {"dev": (0.95, 0.93), "held_out": (0.83, 0.94)}


@pytest.mark.parametrize("part", ["dev", "held_out"])
def test_sentences_nobody_foresaw_are_understood(part: str, models: Understanding) -> None:
    """Of sentences written without sight of rules and corpus most are understood, and nearly every report as one."""
    everything, reports = UNDERSTOOD[part]
    counts = language.wishes(part, models)
    assert counts.accuracy >= everything
    assert counts.of("report") >= reports


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("不是路灯是井盖", "井盖"),
        ("不是路灯，是井盖", "井盖"),
        ("类型不对 应该是供水", "供水"),
        ("你理解错了，我说的是社保", "社保"),
        ("跟城管没关系 是电力的事", "电力的事"),
        ("我说的是树 不是书", "树"),
        ("类别改成道路破损", "道路破损"),
        ("分错类了", ""),
        ("路灯不亮", "路灯不亮"),
    ],
)
def test_a_correction_names_the_kind(text: str, kind: str) -> None:
    """Of a correction only the words that name the right kind go to the classifier; none of one that names none."""
    assert kind_in(text) == kind


@pytest.mark.parametrize(
    ("text", "before", "intent"),
    [
        ("1", Before("verify"), Intent.SOLVED),
        ("2", Before("verify"), Intent.UNSOLVED),
        ("2", Before("rate"), Intent.FAIR),
        ("1", Before("join"), Intent.JOIN),
        ("好的", Before("join"), Intent.JOIN),
        ("好了", Before("verify"), Intent.SOLVED),
        ("好了", Before(telling=True), Intent.DONE),
        ("1", NOTHING, Intent.DIGIT),
    ],
)
def test_what_went_before_decides_short_words(text: str, before: Before, intent: Intent) -> None:
    """The same short word answers a question, ends a telling, or says nothing, by what went before."""
    assert read(text, NO_MODEL, before).intent is intent


def test_numbers_are_read_as_they_are_spoken_and_torn() -> None:
    """A case number counts though it is spoken, or its check digit stands apart; one with a slip names no case."""
    number = number_of(5)
    spoken = number.translate(str.maketrans("0123456789", "零一二三四五六七八九"))
    assert read(f"{spoken} 帮我看看", NO_MODEL).case_id == 5
    assert read(f"{number[:-1]} {number[-1]}", NO_MODEL).case_id == 5
    slip = f"{number[:-1]}{(int(number[-1]) + 1) % 10}"
    assert read(f"把{slip}撤回", {"withdraw": 1.0}).case_id == 0
