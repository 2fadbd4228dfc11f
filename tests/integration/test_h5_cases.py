"""What residents see of their cases on their pages, and do to them."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from PIL import Image

from bot.assembly import House, utc_now
from cases import intake, own
from cases.ledger import NotAllowed
from cases.numbers import number_of
from cases.own import Given
from cases.storage.tables import CaseRow
from cases.workflow import RULES, Action, Condition, Relation, State
from tests.integration.people import Resident, Staff, Visitor, link_in, picture
from web.residents import words

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


@pytest.fixture
def visitor(app: Flask, resident: Resident) -> Visitor:
    """Give a resident's browser, let in by a link, with one case reported."""
    resident.say(MANHOLE)
    return Visitor(app, link_in(resident.say("进度")))


def kept_files(house: House) -> list[str]:
    """Return what lies in the media store."""
    folder = house.media.path("xx").parent.parent
    return [path.name for path in folder.rglob("*") if path.is_file()]


def page(visitor: Visitor, case: CaseRow) -> str:
    """Return a case's page."""
    return visitor.open(f"/cases/{number_of(case.id)}").text


def offered(text: str) -> set[str]:
    """Return the acts that a page offers."""
    return set(re.findall(r'/cases/\d+/([a-z_]+)"', text))


def test_the_page_shows_how_it_stands(visitor: Visitor, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A case's page says in plain words where it stands, who has it, by when, and what happened, staff unnamed."""
    first = page(visitor, resident.case())
    for part in (MANHOLE, "已转交", "已交给城市管理局", "前联系您", "翠湖小区3栋", "您反映了这件事"):
        assert part in first
    urban = staff("urban")
    urban.act(resident.case(), "accept")
    urban.act(resident.case(), "reply", text="师傅下午两点到")
    later = page(visitor, resident.case())
    for part in ("城市管理局正在办", "城市管理局接手了", "城市管理局回复您", "师傅下午两点到"):
        assert part in later
    name = re.search(r"<h1>([^<]+)</h1>", urban.client.get("/console/me").text)
    assert name
    assert name[1] not in later


def test_what_staff_write_for_themselves_stays_theirs(
    house: House, visitor: Visitor, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """Internal notes, their photos, and why a case was returned are not shown, not even by their address."""
    urban = staff("urban")
    urban.act(resident.case(), "note", text="这家老投诉", photos=(picture(), "note.jpg"))
    urban.act(resident.case(), "return", reason="not_ours", text="不归我们管，给水务")
    shown = page(visitor, resident.case())
    assert "老投诉" not in shown
    assert "不归我们管" not in shown
    with house.store.read() as book:
        [part] = book.attachments(resident.case().id)
    assert visitor.open(f"/files/{part.id}").status_code == 404
    assert "老投诉" not in visitor.open("/privacy/export").text


def test_buttons_follow_the_table(visitor: Visitor, resident: Resident, house: House) -> None:
    """In every state a page offers exactly what the table lets a resident do; complaining and joining need the chat."""
    now, in_chat = utc_now(), {"complain", "merge", "remark"}
    for state in State:
        with house.store.write() as book:
            case = book.lock_case(resident.case().id)
            assert case is not None
            case.state, case.ended_at, case.result = state, now, "好了"
        rules = [rule for rule in RULES if Relation.REPORTER in rule.by and state in rule.states]
        allowed = {str(rule.action) for rule in rules if Condition.HOLDS not in rule.when}
        assert offered(page(visitor, resident.case())) == allowed - in_chat, state


def test_words_and_photos_are_added(
    house: House, visitor: Visitor, resident: Resident, neighbour: Resident, staff: Callable[[str], Staff]
) -> None:
    """What is added reaches the case and its staff; photos are upright, without EXIF, and shown to nobody else."""
    answer = visitor.act(resident.case(), "supplement", text="踩上去会响\r\n晚上危险", photos=(picture(), "a.jpg"))
    assert words.DONE[Action.SUPPLEMENT] in answer.text
    assert resident.case().text == f"{MANHOLE}\n踩上去会响\n晚上危险"
    with house.store.read() as book:
        [part] = book.attachments(resident.case().id)
    content = visitor.open(f"/files/{part.id}")
    with Image.open(io.BytesIO(content.data)) as image:
        assert image.size == (40, 60)
        assert not image.getexif()
    assert content.headers["Cache-Control"] == "no-store"
    assert "sandbox" in content.headers["Content-Security-Policy"]
    assert visitor.open(f"/files/{part.id}?thumb=1").status_code == 200
    assert f"/console/files/{part.id}" in staff("urban").open(resident.case()).text
    neighbour.say(MANHOLE)
    other = Visitor(visitor.client.application, link_in(neighbour.say("进度")))
    assert other.open(f"/files/{part.id}").status_code == 404


@pytest.mark.parametrize(
    ("text", "photos", "told"),
    [
        ("", 0, "请写几句话"),
        ("长" * 1001, 1, "写得太长了"),
        ("看照片", 10, "最多 9 张"),
        ("看照片", -1, "不是能看的照片"),
    ],
)
def test_what_cannot_be_added(
    house: House, visitor: Visitor, resident: Resident, text: str, photos: int, told: str
) -> None:
    """A refusal says why and keeps the words in the form; nothing of it is kept in the case or among the files."""
    files = [(picture(), "a.jpg") for _ in range(photos)] if photos >= 0 else [(io.BytesIO(b"<svg/>"), "a.svg")]
    answer = visitor.act(resident.case(), "supplement", text=text, photos=files)
    assert answer.status_code == 422
    assert told in answer.text
    assert text in answer.text
    assert resident.case().text == MANHOLE
    assert kept_files(house) == []


def test_an_urge_a_day(house: House, visitor: Visitor, resident: Resident) -> None:
    """By a page one urges once a day: the button rests and says until when, and a second one is refused in words."""
    assert words.DONE[Action.URGE] in visitor.act(resident.case(), "urge").text
    shown = page(visitor, resident.case())
    assert "urge" not in offered(shown)
    assert "已经催过了" in shown
    assert "已经催过了" in visitor.act(resident.case(), "urge").text
    assert resident.case().urges == 1
    with house.store.write() as book:
        city, [row] = house.cities.current(book), book.resident(resident.openid)
        tomorrow = utc_now() + intake.URGE_AGAIN
        own.act(book, city, row, resident.case().id, Action.URGE, Given(), tomorrow)
    assert resident.case().urges == 2


def test_verify_and_rate(visitor: Visitor, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Solved closes the case and asks for a rating, which is kept with its reason; the bot asks no more."""
    staff("urban").act(resident.case(), "report_result", text="已换上新井盖")
    assert "已换上新井盖" in page(visitor, resident.case())
    assert "您满意吗" in visitor.act(resident.case(), "verify_pass", text="踩上去稳当").text
    assert resident.case().state == "closed"
    assert "请先选一个" in visitor.act(resident.case(), "rate", rating="splendid").text
    assert "您的评价：满意" in visitor.act(resident.case(), "rate", rating="satisfied", text="师傅很快").text
    assert (resident.case().rating, resident.case().rating_words) == ("satisfied", "师傅很快")
    assert resident.case().state == "closed"
    resident.say("2")  # no answer to a question that is open no more
    assert resident.case().state == "closed"


def test_not_solved_goes_back(visitor: Visitor, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Not solved, before or after closing, sends the case back with the resident's words; after a month it does not."""
    urban = staff("urban")
    urban.act(resident.case(), "report_result", text="已换上新井盖")
    visitor.act(resident.case(), "verify_fail", text="还是晃")
    assert resident.case().state == "assigned"
    assert "还是晃" in urban.open(resident.case()).text
    urban.act(resident.case(), "report_result", text="加固了")
    visitor.act(resident.case(), "verify_pass")
    visitor.act(resident.case(), "reopen", text="又松了")
    assert (resident.case().state, resident.case().failed_checks) == ("assigned", 2)


def test_an_old_case_is_not_taken_up(house: House, visitor: Visitor, resident: Resident) -> None:
    """A month after closing, "not solved" is a new matter: neither button nor act."""
    with house.store.write() as book:
        case = book.lock_case(resident.case().id)
        assert case is not None
        case.state, case.ended_at = State.CLOSED, utc_now() - intake.REOPEN_OPEN - timedelta(minutes=1)
    assert "reopen" not in offered(page(visitor, resident.case()))
    assert own.CHANGED in visitor.act(resident.case(), "reopen").text
    assert resident.case().state == "closed"


def test_withdraw(visitor: Visitor, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A withdrawn case is over; what its page offered a moment ago is refused with a word, and nothing happens."""
    form = visitor.open(f"/cases/{number_of(resident.case().id)}/withdraw").text
    assert "不再办了" in form
    assert "已撤回" in visitor.act(resident.case(), "withdraw", text="物业修好了").text
    assert resident.case().state == "withdrawn"
    assert own.CHANGED in visitor.act(resident.case(), "urge").text
    assert "物业修好了" in staff("dispatcher").open(resident.case()).text
    answer = visitor.open(f"/cases/{number_of(resident.case().id)}/withdraw")
    assert answer.status_code == 302


def test_residents_do_only_what_is_theirs(house: House, visitor: Visitor, resident: Resident) -> None:
    """What staff do to cases has no address here, and no way through the use case."""
    for action in set(Action) - set(own.HANDLERS):
        assert visitor.post(f"/cases/{number_of(resident.case().id)}/{action}").status_code == 404
        with house.store.write() as book:
            city, [row] = house.cities.current(book), book.resident(resident.openid)
            with pytest.raises(NotAllowed):
                own.act(book, city, row, resident.case().id, action, Given(), utc_now())
    assert resident.case().state == "assigned"


def test_the_list_counts_right(house: House, visitor: Visitor, resident: Resident, neighbour: Resident) -> None:
    """All of a resident's cases are in the list once, open ones first, and the count is not that of a page."""
    neighbour.say(MANHOLE)
    with house.store.write() as book:
        city, [row] = house.cities.current(book), book.resident(resident.openid)
        now = utc_now()
        made = [intake.open_case(book, city, row, intake.Report(text=f"第{n}件"), now).case for n in range(22)]
        for case in made[::2]:
            intake.withdraw(book, city, case, now, words="")
    pages = [visitor.open(f"/?page={number}").text for number in (1, 2, 3)]
    assert all("共 23 件" in text and f"第 {at} 页，共 3 页" in text for at, text in enumerate(pages, 1))
    lines = [each for text in pages for each in re.findall(r'data-number="(\d+)" data-state="(\w+)"', text)]
    assert sorted(number for number, _ in lines) == sorted(number_of(case.id) for case in resident.cases())
    states = [state == "withdrawn" for _, state in lines]
    assert states == sorted(states)
    for odd in ("99", "0", "-1", "x", "9" * 40):
        assert visitor.open(f"/?page={odd}").status_code == 200


def test_forms_need_their_token(app: Flask, visitor: Visitor, resident: Resident) -> None:
    """A form posted without the page's token changes nothing; with it, it counts also over TLS, without a referrer."""
    address = f"/h5/cases/{number_of(resident.case().id)}/urge"
    answer = visitor.client.post(address)
    assert answer.status_code == 400
    assert "没有发出去" in answer.text
    token = re.search(r'csrf_token" value="([^"]+)"', visitor.open().text)
    assert token
    assert visitor.client.post(address, data={"csrf_token": token[1]}, base_url="https://localhost").status_code == 302
    assert resident.case().urges == 1
    assert app


def test_words_stay_words(visitor: Visitor, resident: Resident) -> None:
    """Markup in what somebody writes is shown, not run."""
    visitor.act(resident.case(), "supplement", text="<script>alert(1)</script>")
    shown = page(visitor, resident.case())
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_big_type_is_remembered(app: Flask, visitor: Visitor) -> None:
    """Big type is a button on every page, also for strangers; it leads back to the page, and never to another host."""
    assert 'class="big"' not in visitor.open().text
    answer = visitor.post("/type", big="1", back="/h5/privacy")
    assert answer.headers["Location"] == "/h5/privacy"
    assert 'class="big"' in visitor.open().text
    assert 'class="big"' in visitor.open("/nowhere").text
    visitor.post("/type", big="0")
    assert 'class="big"' not in visitor.open().text
    for back in ("//evil.example", "https://evil.example/h5/", "/h5/\\evil.example", "/console/", "/h5/\r\nx"):
        assert visitor.post("/type", big="1", back=back).headers["Location"] == "/h5/"
    assert 'id="type"' in app.test_client().get("/h5/s/forged").text
