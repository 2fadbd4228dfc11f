from datetime import UTC, datetime, timedelta

import pytest

import settings as configuration
from bot.ways import fit
from cases import windows
from settings import SettingsError, Template

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("wrote", "tapped", "sent", "left"),
    [
        (NOON, None, [], 5),
        (NOON - 47 * HOUR, None, [NOON - HOUR] * 3, 2),
        (NOON - 47 * HOUR, None, [NOON - HOUR] * 5, 0),
        (NOON - 48 * HOUR, None, [], 0),
        (NOON - HOUR, None, [NOON - 2 * HOUR] * 5, 5),  # before the message: another window's
        (None, NOON, [], 3),
        (None, NOON - 60 * SECOND, [], 0),
        (None, None, [], 0),
        (NOON - HOUR, NOON - 9 * SECOND, [NOON - 2 * HOUR, NOON - 8 * SECOND], 7),
        (NOON - HOUR, NOON - 9 * SECOND, [NOON - k * SECOND for k in (1, 2, 3, 4)], 4),
    ],
)
def test_what_wechat_still_takes(
    wrote: datetime | None, tapped: datetime | None, sent: list[datetime], left: int
) -> None:
    """Five within 48 hours of the last message, three within a minute of a tap, and the tap's are used first."""
    assert windows.left(wrote, tapped, sent, NOON) == left


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("thing2", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        ("thing2", "一二三四五六七八九十一二三四五六七八九十多", "一二三四五六七八九十一二三四五六七八九…"),
        ("thing12", "两\n行\u200b字", "两 行字"),
        ("phrase3", "一二三四五六", "一二三四…"),
        ("character_string1", "100 018号", "100 018"),
        ("time4", "2026年11月20日 12:00", "2026年11月20日 12:00"),
    ],
)
def test_fields_fit_their_kind(field: str, value: str, shown: str) -> None:
    """Each field of a notice gets what WeChat takes in it: its length, one line, Latin where it must be."""
    assert fit(field, value) == shown


def test_templates_are_settings() -> None:
    """Each kind of notice has an id and may say which field shows what; faults name the setting."""
    given = {"WECHAT_TEMPLATES": "progress=ABC?thing1=title&time2=time, result=DEF"}
    found = configuration.load(given).wechat_templates
    assert found["progress"] == Template("ABC", (("thing1", "title"), ("time2", "time")))
    assert found["result"].id == "DEF"
    assert "accepted" not in found
    for wrong in ("news=ABC", "progress=", "progress", "progress=ABC?thing1=words"):
        with pytest.raises(SettingsError) as error:
            configuration.load({"WECHAT_SUBSCRIPTIONS": wrong})
        assert "WECHAT_SUBSCRIPTIONS" in error.value.faults[0]
