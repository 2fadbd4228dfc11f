"""Messages that cannot go as they are: in brief, later, whole when the resident is back, or visibly not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.assembly import House, build, utc_now
from bot.sandbox.residents import ACCOUNT, TEMPLATES
from cases.ledger import Photo, attach
from cases.messages import Message, owe
from cases.storage.outbox import BURST
from cases.storage.tables import OutboxRow, ResidentRow
from tests.integration.people import Resident, Staff, Visitor
from tests.integration.phone import MANHOLE, WANG, Phone, due, fates, hurry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

ACCEPTED, PROGRESS, RESULT = TEMPLATES
REFUSAL = (
    f"<SubscribeMsgChangeEvent><List><TemplateId>{PROGRESS}</TemplateId>"
    "<SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgChangeEvent>"
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Deliver from SQLite: the claims are tested on both databases elsewhere."""
    return f"sqlite:///{tmp_path}/outbound.sqlite3"


def row_of(wang: Resident, row_id: int = 0) -> OutboxRow:
    """Return a message owed to her as it is now; the last one unless named."""
    return next((row for row in fates(wang) if row.id == row_id), fates(wang)[-1])


def silent_for(house: House, hours: float) -> None:
    """Let the case book know that she last wrote so long ago."""
    with house.store.write() as book:
        [resident] = book.resident(WANG)
        resident.wrote_at = resident.last_seen_at = utc_now() - timedelta(hours=hours)


def resolve(staff: Callable[[str], Staff], wang: Resident, words: str = "已换上新井盖") -> None:
    """Let the department report a result, and let it be due whatever the hour."""
    staff("urban").act(wang.case(), "report_result", text=words)


def deliver_now(house: House, row: OutboxRow) -> None:
    """Deliver a message whatever the hour: at night it would wait for the morning."""
    due(house, row.id)
    house.courier.deliver(row.id)


# -- in brief --------------------------------------------------------------------------------------------------


def test_after_two_days_a_notice_says_it_in_brief(
    house: House, phone: Phone, wang: Resident, staff: Callable[[str], Staff]
) -> None:
    """Outside the window no call is wasted: a template message names case, state and time, and opens the page."""
    silent_for(house, 49)
    resolve(staff, wang)
    hurry(house)
    [notice] = phone.notices()
    items = dict(notice["items"])
    assert notice["title"] == "办理结果通知"
    assert (items["phrase3"], items["character_string1"].isdigit()) == ("有结果了", True)
    assert items["thing2"] == "翠湖小区3栋楼下井盖坏了，老人差点摔…"
    assert "已换上新井盖" not in str(notice["items"])
    page = Visitor(wang.app, notice["url"].removeprefix(house.settings.public_url))
    assert page.answer is not None
    assert page.answer.status_code == 302
    row = row_of(wang)
    assert (row.state, row.channel, row.attempts, bool(row.msgid)) == ("delivered", "template", 1, True)
    assert "已送达 · 模板消息" in staff("urban").open(wang.case()).text


@pytest.mark.parametrize("code", [45015, 45047])
def test_what_wechat_knows_better_goes_another_way(
    house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow], code: int
) -> None:
    """When WeChat refuses a message whose window looked open, the same sending goes on as a notice."""
    row = reply("师傅下午两点到")
    phone.fault(path="message/custom/send", times=1, errcode=code)
    house.courier.deliver(row.id)
    assert [dict(each["items"])["phrase3"] for each in phone.notices()] == ["有了回复"]
    assert (row_of(wang).state, row_of(wang).channel) == ("delivered", "template")


def test_what_was_agreed_to_comes_first(
    house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow]
) -> None:
    """A subscription notice goes as often as the resident agreed, then template messages; refusing ends it."""
    phone.send("grant", template_id=PROGRESS)
    silent_for(house, 49)
    for words in ("第一句", "第二句"):
        house.courier.deliver(reply(words).id)
        hurry(house)
    assert [row.channel for row in fates(wang)] == ["subscription", "template"]
    assert [row.state for row in fates(wang)] == ["delivered", "delivered"]
    phone.send("grant", template_id=PROGRESS)
    rest = f"<CreateTime>1</CreateTime><MsgType>event</MsgType><Event>subscribe_msg_change_event</Event>{REFUSAL}"
    head = f"<ToUserName>{ACCOUNT}</ToUserName><FromUserName>{WANG}</FromUserName>"
    assert wang.deliver(f"<xml>{head}{rest}</xml>").text == "success"
    with house.store.read() as book:
        assert book.grants(book.resident(WANG)[0].id, PROGRESS) == 0


def test_a_grant_that_wechat_forgot_costs_nothing(
    house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow]
) -> None:
    """When WeChat knows of no agreement (43101), the template message goes, and the agreement is struck out here."""
    with house.store.write() as book:
        [resident] = book.resident(WANG)
        book.grant(resident.id, PROGRESS, by=3)
    silent_for(house, 49)
    deliver_now(house, reply("在路上"))
    assert row_of(wang).channel == "template"
    assert len(phone.notices()) == 1
    with house.store.read() as book:
        assert book.grants(book.resident(WANG)[0].id, PROGRESS) == 0


def test_a_bad_receipt_is_seen(
    house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow], staff: Callable[[str], Staff]
) -> None:
    """WeChat's receipt decides: a notice that the resident blocks is undeliverable, in words, and listed."""
    silent_for(house, 49)
    phone.fault(path="receipts", times=1, errcode=43101)
    deliver_now(house, reply("在路上"))
    row = row_of(wang)
    assert (row.state, row.error) == ("undeliverable", "居民拒收这个公众号的模板消息")
    with house.store.read() as book:
        [resident] = book.resident(WANG)
    assert utc_now() - resident.last_seen_at > timedelta(hours=40)  # a receipt is nobody's sign of life
    assert "没送到" in staff("urban").open(wang.case()).text
    listed = staff("dispatcher").client.get("/console/?list=unheard").text
    assert listed.count('data-number="') == 1


def test_followers_read_nothing_of_the_reporter(
    house: House, phone: Phone, wang: Resident, neighbour: Resident
) -> None:
    """A follower's notice names the kind of matter, not the reporter's words, and opens their own list."""
    assert phone
    assert neighbour.say(MANHOLE)
    case, follower = wang.case(), neighbour.case().resident_id
    with house.store.write() as book:
        fresh = book.lock_case(case.id)
        assert fresh is not None
        owe(book, fresh, Message("accepted", "……"), utc_now(), resident_id=follower)
        row = book.owed(case.id)[-1]
        resident = book.get(ResidentRow, row.resident_id)
        assert resident is not None
        resident.wrote_at = None
        ways = house.courier._ways  # noqa: SLF001 - what is written out, without a phone that shows it
        letter = ways.letter(book, row, resident, ways.choose(book, row, resident, utc_now()), utc_now())
    assert "老人" not in str(letter.data)
    assert house.links.read(letter.link.rpartition("/")[2]).page == ""


# -- not at all ------------------------------------------------------------------------------------------------


def test_without_a_template_staff_know_what_to_do(house: House, phone: Phone, wang: Resident, app: Flask) -> None:
    """With nothing else to send, the message is undeliverable with the reason, and staff read whom to call."""
    phone.send("text", text="补充一下，井盖在单元门口，联系电话13912345678")
    bare = build(replace(house.settings, wechat_templates={}, wechat_subscriptions={}))
    silent_for(house, 49)
    Staff(app, "urban").act(wang.case(), "reply", text="师傅下午两点到")
    row = row_of(wang)
    due(house, row.id)
    bare.courier.deliver(row.id)
    row = row_of(wang)
    assert (row.state, row.attempts, "48小时" in row.error) == ("undeliverable", 0, True)
    page = Staff(app, "urban").open(wang.case()).text
    assert "点“查看电话”打 139****5678；居民再来消息时会自动补发。" in page
    assert "13912345678" not in page


def test_who_left_costs_no_call(house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow]) -> None:
    """To somebody who no longer follows nothing is sent, and the reason says so."""
    phone.send("unsubscribe")
    row = reply("在路上")
    house.courier.deliver(row.id)
    assert (row_of(wang).state, row_of(wang).attempts) == ("undeliverable", 0)
    assert "取消关注" in row_of(wang).error


# -- the last one is kept --------------------------------------------------------------------------------------


def test_the_last_message_is_kept_for_what_matters(
    house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow]
) -> None:
    """With one left of five, a note on a burst is dropped, quietly and with the reason; the staff's word takes it."""
    for at in range(4):
        house.courier.deliver(reply(f"第{at}句").id)
    with house.store.write() as book:
        case = book.lock_case(wang.case().id)
        assert case is not None
        note = owe(book, case, Message(BURST, "2张照片已加上"), utc_now())
        assert note is not None
    house.courier.deliver(note.id)
    assert (row_of(wang, note.id).state, row_of(wang, note.id).attempts) == ("dropped", 0)
    house.courier.deliver(reply("要紧的").id)
    assert sum("要紧的" in text for text in phone.texts()) == 1
    house.courier.deliver(reply("第六句").id)
    assert [row.channel for row in fates(wang)].count("customer_service") == 5
    assert row_of(wang).channel == "template"


def test_a_second_photo_leaves_the_last_message(
    house: House, phone: Phone, wang: Resident, reply: Callable[[str], OutboxRow]
) -> None:
    """With one left, the first photo of a result may take it, the second may not."""
    assert phone
    for at in range(4):
        house.courier.deliver(reply(f"第{at}句").id)
    ways = house.courier._ways  # noqa: SLF001 - what would go, with nothing sent
    with house.store.write() as book:
        case, now = book.lock_case(wang.case().id), utc_now()
        assert case is not None
        said = book.history(case.id)[-1]
        pictures = [attach(book, said, Photo(f"{name}.jpg", "image/jpeg"), now) for name in "ab"]
        owed = [owe(book, case, Message("photo", "", each.id), now, history_id=said.id) for each in pictures]
        [resident] = book.resident(WANG)
        choices = [ways.choose(book, row, resident, now) for row in owed if row is not None]
    assert [(choice.way, choice.dropped) for choice in choices] == [("customer_service", False), (None, True)]


# -- again -----------------------------------------------------------------------------------------------------


def test_who_writes_again_gets_it_whole_once(
    house: House, phone: Phone, wang: Resident, staff: Callable[[str], Staff]
) -> None:
    """A result that went only in brief arrives whole when the resident writes; a second message brings it no more."""
    silent_for(house, 49)
    resolve(staff, wang)
    hurry(house)
    assert not any("已换上新井盖" in text for text in phone.texts())
    for words in ("在吗", "你好"):
        phone.send("text", text=words)
        hurry(house)
    assert sum("已换上新井盖" in text for text in phone.texts()) == 1
    assert (row_of(wang).state, row_of(wang).channel) == ("sent", "customer_service")


def test_what_is_settled_is_not_sent_again(
    house: House, phone: Phone, wang: Resident, staff: Callable[[str], Staff]
) -> None:
    """Who verifies by the notice alone, or reads the result in the reply to their question, gets it no second time."""
    silent_for(house, 49)
    resolve(staff, wang)
    hurry(house)
    phone.send("text", text="进度")
    hurry(house)
    assert sum("已换上新井盖" in text for text in phone.texts()) == 1


def test_old_news_stays_old(house: House, phone: Phone, wang: Resident, staff: Callable[[str], Staff]) -> None:
    """After a week nothing is sent again."""
    silent_for(house, 49)
    resolve(staff, wang)
    hurry(house)
    due(house, row_of(wang).id, created_at=utc_now() - timedelta(days=8))
    phone.send("text", text="在吗")
    hurry(house)
    assert not any("已换上新井盖" in text for text in phone.texts())


def test_order_is_kept_across_ways(house: House, phone: Phone, wang: Resident, staff: Callable[[str], Staff]) -> None:
    """While a notice waits for another try, what comes after it waits too, whatever its way."""
    silent_for(house, 49)
    staff("urban").act(wang.case(), "accept")
    resolve(staff, wang)
    first, second = fates(wang)[-2:]
    phone.fault(path="message/template/send", times=1, errcode=-1)
    for row in (first, second):
        due(house, row.id)
        house.courier.deliver(row.id)
    assert not phone.notices()
    hurry(house)
    hurry(house)
    assert [each["title"] for each in phone.notices()] == ["受理通知", "办理结果通知"]


# -- the account -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [40125, 40164, 48001, 45009])
def test_a_refused_account_is_an_alarm(
    house: House,
    phone: Phone,
    wang: Resident,
    reply: Callable[[str], OutboxRow],
    staff: Callable[[str], Staff],
    code: int,
) -> None:
    """What is wrong with the account shows to those who can mend it; messages wait, however long, and then all go."""
    first, second = reply("第一句"), reply("第二句")
    phone.fault(path="message/custom/send", times=2, errcode=code)
    due(house, first.id, created_at=utc_now() - timedelta(hours=60))
    for _ in range(2):
        due(house, first.id)
        house.courier.deliver(first.id)
    assert (row_of(wang, first.id).state, row_of(wang, first.id).attempts) == ("waiting", 2)
    for login, sees in (("dispatcher", True), ("admin", True), ("urban", False)):
        page = staff(login).client.get("/console/", follow_redirects=True).text
        assert ("公众号接口出错" in page) is sees, login
        assert house.settings.wechat_secret not in page
    checks = wang.client.get("/readyz").json
    assert checks
    assert str(code) in checks["checks"]["wechat"]
    due(house, first.id)
    house.courier.deliver(first.id)
    house.courier.deliver(second.id)
    assert [row_of(wang, row.id).state for row in (first, second)] == ["sent", "sent"]
    assert "公众号接口出错" not in staff("dispatcher").client.get("/console/").text
    ready = wang.client.get("/readyz").json
    assert ready
    assert ready["checks"]["wechat"] == "ok"
