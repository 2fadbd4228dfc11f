import pytest

from cases.contacts import hidden, masked, numbers
from cases.storage.tables import CaseRow, HistoryRow


def test_only_the_ends_can_be_read() -> None:
    """A masked number shows its first three and last four digits, however it was written."""
    assert masked("13812345678") == "138****5678"
    assert masked("+86 138-1234-5678") == "138****5678"
    assert masked("0531-88881234") == "053*****1234"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("井盖坏了，打13812345678", "井盖坏了，打138****5678"),
        ("电话１３８１２３４５６７８找我", "电话138****5678找我"),
        ("138 1234 5678或0531-88881234", "138****5678或053*****1234"),
        ("身份证37010219800101123X，电话13812345678", "身份证〔证件号〕，电话138****5678"),
        ("370102198001011234", "〔证件号〕"),
        ("工单 100 018，3栋2单元1501", "工单 100 018，3栋2单元1501"),
        ("", ""),
    ],
)
def test_numbers_are_masked_in_texts(text: str, shown: str) -> None:
    """Phones are masked and papers' numbers gone, whatever digits they are written in; other numbers stay."""
    assert hidden(text) == shown
    assert hidden(shown) == shown


def test_numbers_of_a_case() -> None:
    """The numbers are those of the resident's own words, each once; of an anonymous case there are none."""
    history = [
        HistoryRow(who="resident", text="打 138-1234-5678"),
        HistoryRow(who="resident", text="不在就打0531-88881234"),
        HistoryRow(who="staff", text="我的号 13900000000"),
    ]
    case = CaseRow(text="井盖坏了 13812345678，证号370102198001011234", anonymous=False)
    assert numbers(case, history) == ["13812345678", "053188881234"]
    case.anonymous = True
    assert numbers(case, history) == []
