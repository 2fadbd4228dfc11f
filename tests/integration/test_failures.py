"""Poison: what breaks our code is tried three times, then shown with its reason; nothing else waits for it."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot import dialogue, inbound, phrases, reception, sweeping
from bot.assembly import utc_now
from cases import cards, failures
from cases.storage.tables import AttachmentRow, OutboxRow
from tests.integration.people import Resident, Staff, message_xml, number_in, picture
from tests.integration.phone import MANHOLE, Phone, fates

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from bot.assembly import House
    from cases.storage.failing import FailureRow
    from cases.storage.tables import CaseRow

POISON = "翠湖小区5栋的路灯杆歪了，13812345678"


class Bug:
    """A fault in our code that shows only with some words, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mended = False
        self.met = 0
        hear = dialogue.hear

        def broken(understanding: object, words: str) -> object:
            if words == POISON and not self.mended:
                self.met += 1
                raise LookupError(words)
            return hear(understanding, words)  # type: ignore[arg-type]

        monkeypatch.setattr(reception, "hear", broken)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Bug:
    """Give a bug that one message meets."""
    return Bug(monkeypatch)


def hasten(house: House) -> None:
    """Let everything that rests after a failure be due now, and sweep."""
    with house.store.write() as book:
        for kind in failures.KINDS:
            for row in book.failures_of(kind):
                row.next_try_at = utc_now() - timedelta(seconds=1)
                owed = OutboxRow if kind == "outbox" else AttachmentRow
                if kind in {"outbox", "attachment"} and (found := book.get(owed, int(row.key))) is not None:
                    found.next_try_at = row.next_try_at  # type: ignore[attr-defined]
    sweeping.sweep(house)


def given_up(house: House) -> list[FailureRow]:
    """Return what was given up."""
    with house.store.read() as book:
        return list(book.given_up())


def test_a_message_that_breaks_us_is_not_lost(
    house: House, resident: Resident, neighbour: Resident, staff: Callable[[str], Staff], bug: Bug
) -> None:
    """It is answered, kept, tried three times, shown to the dispatcher, and becomes a case once the bug is mended."""
    assert resident.say(POISON) == phrases.STUMBLED
    assert "工单" in neighbour.say(MANHOLE)  # nobody else waits
    hasten(house)
    hasten(house)
    hasten(house)
    assert bug.met == failures.TRIES
    [row] = given_up(house)
    assert row.reason.startswith("LookupError · tests/integration/test_failures.py:")
    assert "翠湖" not in row.reason
    desk = staff("dispatcher")
    page = desk.client.get("/console/broken").text
    assert "5栋的路灯杆歪了" in page
    assert "13812345678" not in page
    assert "件程序没处理成" in desk.client.get("/console/home").text
    bug.mended = True
    assert "再试一次，几秒后" in desk.post(f"/console/broken/{row.id}/retry", page).text
    sweeping.sweep(house)
    assert resident.case().text == POISON
    assert given_up(house) == []
    with house.store.read() as book:
        assert book.failures_of(failures.MESSAGE) == []
        [owed] = book.owed(resident.case().id)
    assert number_in(owed.text)


def test_wechat_s_repeats_are_one_failure(house: House, resident: Resident, bug: Bug) -> None:
    """Three deliveries of one poisoned message are its three tries; a fourth after the mending is taken once."""
    xml = message_xml(resident.openid, "text", Content=POISON)
    for _ in range(failures.TRIES):
        assert phrases.STUMBLED.split("。", maxsplit=1)[0] in resident.deliver(xml).text
    assert len(given_up(house)) == 1
    bug.mended = True
    assert "工单" in resident.deliver(xml).text
    with house.store.write() as book:
        [row] = book.given_up()
        row.given_up_at = None
    hasten(house)
    assert len(resident.cases()) == 1
    assert given_up(house) == []
    with house.store.read() as book:
        assert [row.notice for row in book.owed(resident.case().id)] == []


def test_administrators_read_no_words(
    house: House, resident: Resident, staff: Callable[[str], Staff], bug: Bug
) -> None:
    """Administrators see what broke and where, not what the resident said; they may put it aside."""
    resident.say(POISON)
    hasten(house)
    hasten(house)
    assert bug.met == failures.TRIES
    admin = staff("admin")
    page = admin.client.get("/console/broken").text
    assert "路灯" not in page
    assert "LookupError" in page
    [row] = given_up(house)
    assert "没有出错的" in admin.post(f"/console/broken/{row.id}/dismiss", page).text
    assert "出错的不再试" in admin.client.get("/console/audit").text


def test_an_event_that_breaks_us_is_silent(house: House, resident: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an event that nobody wrote the resident hears nothing of our trouble."""
    monkeypatch.setitem(inbound.EVENTS, "click", lambda *_: 1 // 0)
    assert resident.send("event", Event="CLICK", EventKey="HELP") == ""
    with house.store.read() as book:
        assert len(book.failures_of(failures.MESSAGE)) == 1


def test_what_is_forgotten_is_not_held(house: House, app: Flask, resident: Resident, bug: Bug) -> None:
    """Erasing a resident takes what they sent and could not be taken."""
    resident.say("你好")
    resident.say(POISON)
    assert bug.met
    answer = app.test_cli_runner().invoke(args=["erase-resident", resident.openid])
    assert answer.exit_code == 0, answer.output
    with house.store.read() as book:
        assert book.failures_of(failures.MESSAGE) == []


@pytest.mark.parametrize("kind", ["outbox", "attachment"])
def test_a_row_that_breaks_us_ends_and_can_be_tried_again(
    house: House,
    phone: Phone,
    wang: Resident,
    reply: Callable[[str], OutboxRow],
    staff: Callable[[str], Staff],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """Three tries; then the message after it goes out, the list shows it, and the button sends it."""
    phone.send("image", data=base64.b64encode(picture().getvalue()).decode())
    row = reply("会出错的")
    call = {"outbox": "send_text", "attachment": "media"}[kind]
    real = getattr(house.wechat, call)

    def broken(*_: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(house.wechat, call, broken)
    for _ in range(failures.TRIES):
        hasten(house)
    [failed] = given_up(house)
    assert (failed.kind, failed.tries) == (kind, failures.TRIES)
    with house.store.read() as book:
        [part] = book.attachments(wang.case().id)
        sent = book.get(OutboxRow, row.id)
    assert sent is not None
    ends = {"outbox": sent.state, "attachment": part.state}
    assert ends == (
        {"outbox": "undeliverable", "attachment": "stored"}
        if kind == "outbox"
        else {"outbox": "sent", "attachment": "failed"}
    )
    monkeypatch.setattr(house.wechat, call, real)
    desk = staff("dispatcher")
    page = desk.client.get("/console/broken").text
    desk.post(f"/console/broken/{failed.id}/retry", page)
    sweeping.sweep(house)
    with house.store.read() as book:
        [part] = book.attachments(wang.case().id)
    states = {each.id: each.state for each in fates(wang)}
    assert (states[row.id], part.state) == ("sent", "stored")
    assert given_up(house) == []


def test_a_crowd_of_broken_cases_delays_no_other(
    house: House, neighbour: Resident, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More broken cards than a sweep does at once: the healthy one behind them is shown all the same."""
    monkeypatch.setattr(sweeping, "BATCH", 3)
    ids = []
    for at in range(4):
        somebody = Resident(app, f"oPoison{at:021d}")
        somebody.say(MANHOLE)
        ids.append(somebody.case().id)
    neighbour.say(MANHOLE)
    healthy = neighbour.case().id
    with house.store.write() as book:
        for at, case_id in enumerate([*ids, healthy]):
            case = book.lock_case(case_id)
            assert case is not None
            case.alert_at = utc_now() - timedelta(minutes=60 - at)
    shown: list[int] = []
    tries: list[int] = []

    def show(_book: object, _city: object, case: CaseRow, _now: object) -> None:
        if case.id in ids:
            tries.append(case.id)
            raise LookupError("a bug")
        shown.append(case.id)
        case.alert_at = None

    monkeypatch.setattr(cards, "show", show)
    for _ in range(2 * failures.TRIES + 1):
        hasten(house)
    assert shown == [healthy]
    assert sorted(tries) == sorted(ids * failures.TRIES)
    assert {row.kind for row in given_up(house)} == {"card"}


def test_a_database_that_is_away_is_no_poison(house: House, phone: Phone, reply: Callable[[str], OutboxRow]) -> None:
    """What the outside refuses has its own ways, and stands in no list of faults."""
    reply("照常")
    phone.fault(path="message/custom/send", times=1, errcode=45002)
    sweeping.sweep(house)
    assert given_up(house) == []
    with house.store.read() as book:
        assert all(book.failures_of(kind) == [] for kind in failures.KINDS)


def test_what_a_sweep_had_no_time_for_is_not_done(
    house: House, phone: Phone, reply: Callable[[str], OutboxRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that broke once, and that the next sweep has no time for, is still known to have broken."""
    assert phone
    row = reply("会出错的")

    def broken(*_: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(house.wechat, "send_text", broken)
    sweeping.sweep(house)
    monkeypatch.setattr(sweeping, "NETWORK_SECONDS", 0.0)
    hasten(house)
    with house.store.read() as book:
        [known] = book.failures_of("outbox")
    assert (known.key, known.tries) == (str(row.id), 1)
