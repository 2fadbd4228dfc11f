from collections.abc import Iterator

import pytest

from bot.idle import is_order, is_talk, matters
from bot.understanding import Understanding
from tests import gate
from tests.gate import Gate

# So many lines of each kind, evenly from the whole files.
LINES = 800
# A little over, and under, what was measured when these lines were last counted.
CHAT_OPENS = {"seen": 0.04, "counted": 0.065}
TICKETS_LOST, LETTERS_LOST = 0.01, 0.015


@pytest.fixture(scope="module")
def found(models: Understanding) -> Iterator[Gate]:
    """Give the gate with the starter classifiers."""
    if gate.missing():
        pytest.skip(gate.missing())
    with gate.gate(models) as opened:
        yield opened


@pytest.mark.parametrize("half", gate.HALVES)
def test_chat_opens_no_case(half: str, found: Gate) -> None:
    """Hardly a line of chat or of an order to an assistant opens a case, not even of those that nobody looked at."""
    assert gate.chat_opens(found, half, LINES) <= CHAT_OPENS[half]


def test_real_matters_are_taken(found: Gate) -> None:
    """Nearly every real matter opens a case, or is a question that the office guide answers."""
    assert found.lost(gate.tickets(LINES)) <= TICKETS_LOST
    assert found.lost(gate.letters(LINES)) <= LETTERS_LOST


@pytest.mark.parametrize(
    "order",
    [
        "打电话给小李",
        "给妈妈发短信说我到了",
        "播放一首老歌",
        "红烧肉怎么做",
        "谢谢用日语怎么说",
        "明天北京天气怎么样",
        "上海到成都的机票",
        "七乘八等于几",
        "湖南卫视",
        "明早六点叫我起床",
    ],
)
def test_orders_to_an_assistant_are_known(order: str) -> None:
    """What people say to a phone's assistant is known by its words alone, without a model."""
    assert is_order(order)


@pytest.mark.parametrize(
    "report",
    [
        "打电话给物业没人接",
        "楼上天天半夜放歌吵得睡不着",
        "打开井盖没有盖回去",
        "红烧店油烟排到我家窗户",
        "北京路到上海路的公交乱收费",
        "二十减价促销骗老人",
    ],
)
def test_trouble_is_no_order(report: str) -> None:
    """A matter that begins or sounds like an order is none."""
    assert not is_order(report)


def test_words_and_models_decide_together() -> None:
    """Who names a matter is not chatting, however sure the model is; without a word of one the model is asked."""
    sure = {"chat": 0.9, "report": 0.1}
    assert is_talk("那边又来了一群人", sure)
    assert not is_talk("那边又来了一群人", {"chat": 0.4, "report": 0.6}, kind=0.9)
    assert matters("楼道里堆满了东西") > 1
    assert not is_talk("楼道里堆满了东西", sure)
