"""Bursts, choices, neighbours, alarms, questions from staff, and what residents may want of the account itself."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot import catalogue, phrases, sweeping
from bot.assembly import House, utc_now
from cases import limits
from cases.exchange import exported
from cases.storage.outbox import BURST
from cases.storage.tables import AttachmentRow, CaseRow, FollowerRow, InboxRow, OutboxRow, ResidentRow
from cases.storage.working import DutyRow
from tests.integration.people import Resident, Staff, number_in
from web import create_app, house_of

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


def owed(house: House, resident: Resident) -> list[OutboxRow]:
    """Return everything owed to a resident, in its order."""
    with house.store.read() as book:
        [row] = book.resident(resident.openid)
        query = select(OutboxRow).where(OutboxRow.resident_id == row.id).order_by(OutboxRow.id)
        return list(book._session.scalars(query))  # noqa: SLF001 - no use case lists this


def later(house: House, case: CaseRow, pause: timedelta) -> None:
    """Let the last part of this case have come so long ago."""
    with house.store.write() as book:
        row = book.lock_case(case.id)
        assert row is not None
        assert row.gathering_until is not None
        row.gathering_until -= pause


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Talk to SQLite: what both databases must promise alike is tested with the messages."""
    return f"sqlite:///{tmp_path}/talk.sqlite3"


# -- bursts ------------------------------------------------------------------------------------------------------


def test_a_burst_gets_one_receipt_and_one_line_at_its_end(house: House, resident: Resident) -> None:
    """Nine photos, a voice and a place after a text are taken in silence; then one line says what came."""
    number = number_in(resident.say(MANHOLE))
    silent = [resident.send("image", MediaId=f"m{at}") for at in range(9)]
    silent.append(resident.send("voice", MediaId="v"))
    silent.append(resident.send("location", Location_X="36.6587", Location_Y="117.0095", Label="翠湖小区"))
    assert set(silent) == {""}
    [line] = [row for row in owed(house, resident) if row.notice == BURST]
    assert "9张照片、1段语音、位置" in line.text
    assert number[:3] in line.text
    assert line.next_try_at > line.created_at


def test_an_answer_to_a_question_is_never_silent(resident: Resident) -> None:
    """A place that the bot asked for is confirmed, however quickly it comes."""
    assert phrases.PLACE_MISSING in resident.say("路灯不亮")
    assert "翠湖小区3栋" in resident.say("翠湖小区3栋")


def test_after_a_pause_an_addition_is_confirmed(house: House, resident: Resident) -> None:
    """Who adds a photo some minutes later hears at once that it has arrived."""
    resident.say(MANHOLE)
    later(house, resident.case(), timedelta(minutes=3))
    assert "照片已加到" in resident.send("image", MediaId="late")


@pytest.mark.parametrize("word", ["完成", "就这些", "说完了"])
def test_done_ends_the_burst(house: House, resident: Resident, word: str) -> None:
    """Done is answered with what came and who has it; the line that waited is not sent as well."""
    resident.say(MANHOLE)
    resident.send("image", MediaId="a")
    reply = resident.say(word)
    assert "1张照片" in reply
    assert "城市管理局" in reply
    assert owed(house, resident) == []


def test_a_burst_survives_a_restart(resident: Resident) -> None:
    """What comes after the process has been started anew still belongs to the case."""
    resident.say(MANHOLE)
    again = Resident(create_app(resident.app.extensions["house"].settings), resident.openid)
    assert again.send("image", MediaId="a") == ""
    assert len(again.cases()) == 1


@pytest.mark.parametrize("words", ["还有一件事，北关菜市场垃圾没人清", "新的：北关菜市场垃圾没人清"])
def test_another_matter_is_another_case(resident: Resident, words: str) -> None:
    """A second matter that is announced becomes a second case."""
    resident.say(MANHOLE)
    resident.say(words)
    assert [case.category_code is not None for case in resident.cases()] == [True, True]


# -- choices -----------------------------------------------------------------------------------------------------


@pytest.fixture
def unsure(house: House, resident: Resident) -> str:
    """Give the reply to a report whose kind the classifier hesitates about."""
    with house.store.write() as book:
        book.set_meta("confident", "0.999")
        book.set_meta("city_version", "hesitating")
    return resident.say("翠湖小区3栋那边晚上一直有怪味还有声音")


def test_in_doubt_two_kinds_are_offered(resident: Resident, unsure: str) -> None:
    """In doubt the two likeliest kinds can be tapped or answered with a digit; the case is there already."""
    links = re.findall(
        r'回复 (\d) <a href="weixin://bizmsgmenu\?msgmenucontent=([^&]+)&msgmenuid=(\d)">([^<]+)</a>', unsure
    )
    assert [link[0] for link in links] == ["1", "2"]
    assert all(link[1] == link[3] for link in links)
    assert resident.case().state == "new"
    reply = resident.say("2")
    case = resident.case()
    assert case.category_by == "resident"
    assert case.category_code == case.guesses[1]["code"]
    assert links[1][1] in reply
    assert case.state == "assigned"


def test_a_choice_can_be_tapped(resident: Resident, unsure: str) -> None:
    """Tapping sends the kind's own name, which chooses it."""
    name = re.findall(r"msgmenucontent=([^&]+)&", unsure)[0]
    assert name in resident.say(name)
    assert resident.case().category_by == "resident"


def test_an_offer_is_not_imposed(resident: Resident, unsure: str) -> None:
    """Who ignores the offer and goes on telling is understood as telling; the offer lapses."""
    assert "回复 1" in unsure
    resident.say("就是从垃圾站那边飘过来的味道，好几天了")
    assert "味道" in resident.case().text


# -- neighbours --------------------------------------------------------------------------------------------------


@pytest.fixture
def both(house: House, resident: Resident, neighbour: Resident) -> str:
    """Give what the second of two neighbours hears who report the same thing."""
    assert house
    resident.say("翠湖小区3栋楼下井盖坏了")
    return neighbour.say("翠湖小区3栋这边的井盖破了个洞")


def test_the_same_thing_nearby_can_be_joined(
    house: House, resident: Resident, neighbour: Resident, both: str, staff: Callable[[str], Staff]
) -> None:
    """Who joins a neighbour's case counts in its heat, hears of its progress, and finds it under their number."""
    assert "附近已有 1 位居民反映" in both
    assert number_in(resident.say("进度")) in neighbour.say("1").replace(" ", "")
    assert neighbour.case().state == "merged"
    page = staff("urban").open(resident.case())
    assert "2 位居民" in page.text
    staff("urban").act(resident.case(), "accept")
    assert any("您关注的" in row.text and "接手" in row.text for row in owed(house, neighbour))
    assert "正在办" in neighbour.say(f"工单 {number_in(both)}")


def test_who_follows_learns_nothing_of_the_reporter(
    house: House, resident: Resident, neighbour: Resident, both: str, staff: Callable[[str], Staff]
) -> None:
    """Followers do not get what staff write to the reporter, nor the question whether it is solved."""
    assert both
    neighbour.say("一起关注")
    staff("urban").act(resident.case(), "accept")
    staff("urban").act(resident.case(), "reply", text="王阿姨，师傅两点到您家")
    staff("urban").act(resident.case(), "report_result", text="井盖已换")
    texts = [row.text for row in owed(house, neighbour)]
    assert not any("王阿姨" in text or "回复 1" in text for text in texts)
    assert any("井盖已换" in text for text in texts)
    resident.say("1")
    assert any("已经解决" in row.text for row in owed(house, neighbour))


@pytest.mark.parametrize("no", ["2", "不是"])
def test_joining_is_declined(neighbour: Resident, both: str, no: str) -> None:
    """Who says that it is another thing keeps a case of their own."""
    assert both
    assert neighbour.say(no) == phrases.NOT_JOINED
    assert neighbour.case().state != "merged"


def test_far_away_is_not_near(resident: Resident, neighbour: Resident) -> None:
    """The same kind of thing elsewhere is nobody's neighbour."""
    resident.say("翠湖小区3栋楼下井盖坏了")
    assert "附近已有" not in neighbour.say("临江佳苑2栋门口井盖坏了")


# -- danger ------------------------------------------------------------------------------------------------------


def test_danger_rings_until_it_is_signed_for(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Danger shows on every page of the duty desk until somebody signs; who signed is on the case."""
    resident.say("翠湖小区3栋着火了快来人")
    desk = staff("dispatcher")
    assert 'data-alarms="1"' in desk.client.get("/console/").text
    assert 'data-alarms="1"' in desk.client.get("/console/alarms").text
    assert "签收" in desk.act(resident.case(), "acknowledge").text
    assert 'data-alarms="0"' in desk.client.get("/console/alarms").text
    assert "签收" in desk.open(resident.case()).text
    with house.store.read() as book:
        assert [row.action for row in book.history(resident.case().id)].count("acknowledge") == 1


def test_ignored_danger_widens_the_circle(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """With nobody on duty, an alarm that nobody signs for is shown to the street too, and stands on the list."""
    with house.store.write() as book:
        for turn in book.rows_of(DutyRow):
            book.drop(turn)
    resident.say("翠湖小区3栋着火了快来人")
    case = resident.case()
    street = staff("cuihujd")
    assert 'data-alarms="0"' in street.client.get("/console/alarms").text
    with house.store.write() as book:
        row = book.lock_case(case.id)
        assert row is not None
        row.alarmed_at = utc_now() - timedelta(minutes=limits.ALARM_MINUTES + 1)
    sweeping.sweep(house)
    sweeping.sweep(house)
    assert 'data-alarms="1"' in street.client.get("/console/alarms").text
    with house.store.read() as book:
        assert [row.action for row in book.history(case.id)].count("alarm_widened") == 1
    assert "警情没人签收" in staff("dispatcher").client.get("/console/?list=attention").text


def test_danger_after_a_photo_is_the_same_case(resident: Resident) -> None:
    """A photo followed by words of danger is one urgent case."""
    resident.send("image", MediaId="smoke")
    resident.say("翠湖小区3栋着火了")
    assert resident.case().urgent
    assert resident.case().alarmed_at is not None


def test_all_clear_reaches_those_on_their_way(resident: Resident) -> None:
    """What follows danger is added to its case and confirmed, even "it is over"."""
    resident.say("翠湖小区5栋着火了")
    assert resident.say("没事了，是饭糊了") != ""
    assert "饭糊" in resident.case().text


# -- staff ask, residents answer ---------------------------------------------------------------------------------


def test_what_staff_ask_is_answered_in_the_chat(
    house: House, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """A question from staff reaches the resident, and whatever comes next, hours later, belongs to that case."""
    resident.say(MANHOLE)
    staff("urban").act(resident.case(), "accept")
    staff("urban").act(resident.case(), "ask", text="井盖是铁的还是水泥的？")
    assert any("铁的还是水泥的" in row.text for row in owed(house, resident))
    later(house, resident.case(), timedelta(hours=5))
    assert resident.say("是铁的，裂了一半") != ""
    later(house, resident.case(), timedelta(hours=5))
    assert len(resident.cases()) == 1
    assert "裂了一半" in resident.case().text


def test_on_the_way_is_told(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Setting out tells the resident."""
    resident.say(MANHOLE)
    staff("urban").act(resident.case(), "accept")
    assert "告诉居民" in staff("urban").act(resident.case(), "set_out").text
    assert "在路上" in owed(house, resident)[-1].text


def test_a_voice_is_written_down_by_a_person(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Words that a dispatcher hears in a voice join the case and send it on; others may not touch it."""
    resident.send("voice", MediaId="v")
    with house.store.read() as book:
        [voice] = book.attachments(resident.case().id)
    words = {"words": "翠湖小区3栋楼下井盖坏了"}
    address = f"/console/files/{voice.id}/transcript"
    stranger, desk = staff("water"), staff("dispatcher")
    page = stranger.client.get("/console/").text
    assert stranger.post(address, page, **words).status_code == 404
    desk.post(address, desk.open(resident.case()).text, **words)
    case = resident.case()
    assert case.text == words["words"]
    assert case.state == "assigned"
    assert "人工听写" in desk.open(case).text


# -- wishes of the resident --------------------------------------------------------------------------------------


def test_an_urge_counts_once_a_period(resident: Resident) -> None:
    """A second urge within hours is answered kindly and not counted; later it counts."""
    resident.say(MANHOLE)
    assert "已替您催了" in resident.say("催办")
    assert "刚替您催过" in resident.say("催一下")
    assert resident.case().urges == 1


def test_the_kind_can_be_corrected(resident: Resident) -> None:
    """Who says that it is not this but that sends the case where that kind goes."""
    resident.say("翠湖小区3栋楼下井盖坏了")
    before = resident.case().category_code
    reply = resident.say("不是井盖，是路灯坏了")
    assert resident.case().category_code != before
    assert resident.case().category_by == "resident"
    assert "路灯" in reply


def test_anonymity_holds_on_every_screen(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Who wants to stay unknown is nobody to those who handle, and is not heard by them; so are all later cases."""
    resident.say(MANHOLE)
    resident.send("voice", MediaId="v", Recognition="就在门口")
    assert resident.say("别说是我说的") == phrases.ANONYMOUS
    with house.store.write() as book:
        [voice] = book.attachments(resident.case().id)
        row = book.lock_row(AttachmentRow, voice.id)
        assert row is not None
        row.state, row.file, row.mime = "stored", house.media.keep("photo", photo()).file, "audio/mpeg"
    page = staff("urban").open(resident.case()).text
    assert "匿名居民" in page
    assert f"/console/files/{voice.id}" not in page
    assert staff("urban").client.get(f"/console/files/{voice.id}").status_code == 403
    assert staff("dispatcher").client.get(f"/console/files/{voice.id}").status_code == 200
    with house.store.read() as book:
        assert resident.openid not in str(list(exported(book, house.cities.current(book))))
    resident.say("还有一件事，北关菜市场垃圾没人清")
    assert all(case.anonymous for case in resident.cases())


def photo() -> bytes:
    """Return a small JPEG."""
    import io  # noqa: PLC0415 - only here

    from PIL import Image  # noqa: PLC0415 - as above

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_complaint_reaches_the_dispatchers(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A complaint about the handling stands on the dispatchers' own list until one of them acts."""
    resident.say(MANHOLE)
    desk = staff("dispatcher")
    number = number_in(resident.say("进度"))
    assert number not in desk.client.get("/console/?list=attention").text
    resident.say("转人工")
    assert number in desk.client.get("/console/?list=attention").text
    desk.act(resident.case(), "reply", text="我是派单员小赵，您说")
    assert number not in desk.client.get("/console/?list=attention").text


def test_a_person_is_asked_for(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Who wants a person and has no case yet is given one, where a dispatcher answers in the chat."""
    reply = resident.say("转人工")
    assert number_in(reply) in staff("dispatcher").client.get("/console/?list=attention").text
    assert "12345" in reply


def test_what_is_kept_is_told_once(resident: Resident) -> None:
    """The first words that are kept are answered with two sentences about privacy, later ones are not."""
    assert phrases.PRIVACY_FIRST in resident.say(MANHOLE)
    assert phrases.PRIVACY_FIRST not in resident.say("还有一件事，北关菜市场垃圾没人清")
    assert resident.say("隐私") == phrases.PRIVACY


def test_who_follows_is_told_in_the_welcome(resident: Resident) -> None:
    """The welcome says it; then the first report need not."""
    assert phrases.PRIVACY_FIRST in resident.send("event", Event="subscribe", EventKey="")
    assert phrases.PRIVACY_FIRST not in resident.say(MANHOLE)


def everything(house: House) -> str:
    """Return all that the database holds, as one text."""
    from cases.storage.tables import Base  # noqa: PLC0415 - only here

    with house.store.engine.connect() as connection:
        return "\n".join(str(row) for table in Base.metadata.sorted_tables for row in connection.execute(select(table)))


def test_a_resident_is_forgotten_at_their_word(
    house: House, resident: Resident, neighbour: Resident, staff: Callable[[str], Staff]
) -> None:
    """After asking and confirming nothing of the resident is left, not in what they joined either; the case stays."""
    neighbour.say("翠湖小区3栋楼下井盖坏了")
    resident.say("翠湖小区3栋这里井盖碎成蝴蝶形了")
    resident.say("1")
    staff("urban").act(neighbour.case(), "accept")
    assert "回复 1 " in resident.say("删除我的信息")
    assert resident.say("删除") == phrases.ERASE_DONE
    with house.store.write() as book:
        [row] = book.resident(resident.openid)
        row.erase_at = utc_now()
    sweeping.sweep(house)
    left = everything(house)
    assert resident.openid not in left
    assert "蝴蝶形" not in left
    with house.store.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(CaseRow)) == 2
        assert connection.scalar(select(func.count()).select_from(FollowerRow)) == 0


def test_erasure_is_not_hasty(house: House, resident: Resident) -> None:
    """Without a yes nothing is erased."""
    resident.say(MANHOLE)
    resident.say("删除我的信息")
    assert resident.say("2") == phrases.ERASE_KEPT
    sweeping.sweep(house)
    assert len(resident.cases()) == 1


@pytest.mark.parametrize("event", ["user_authorization_revoke", "user_authorization_cancellation"])
def test_who_takes_back_what_they_allowed_is_forgotten(house: House, resident: Resident, event: str) -> None:
    """WeChat's word that a resident left for good erases them."""
    resident.say(MANHOLE)
    resident.send("event", Event=event, RevokeInfo="301")
    sweeping.sweep(house)
    with house.store.engine.connect() as connection:
        for kind in (ResidentRow, InboxRow):
            assert connection.scalar(select(func.count()).select_from(kind)) == 0


# -- the office guide --------------------------------------------------------------------------------------------


def test_the_guide_answers_what_the_administrator_wrote(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A new entry is told to whoever asks for it; deleted, the question goes to a person again."""
    question = "请问风筝节在哪报名？"
    admin = staff("admin")
    page = admin.client.get("/console/guide").text
    entry = {
        "title": "风筝节报名",
        "names": "风筝节\n风筝节在哪报名",
        "what": "三月在望江公园报名。",
        "phone": "0000-1",
    }
    admin.post("/console/guide", page, **entry)
    assert "风筝节报名" in admin.client.get("/console/guide", query_string={"question": question}).text
    with house_of(resident.app).store.read() as book:
        city = house_of(resident.app).cities.current(book)
        [row] = [row for row in book.guide() if row.title == "风筝节报名"]
    assert [found.title for found in city.guide.find(question)] == ["风筝节报名"]
    assert "已经有一条" in admin.post("/console/guide", page, **entry).text
    admin.post("/console/guide/delete", page, id=str(row.id))
    assert "风筝节报名" not in admin.client.get("/console/guide").text


def test_only_the_administrator_writes_the_guide(staff: Callable[[str], Staff]) -> None:
    """Others may not open the guide's page, let alone change it."""
    desk = staff("dispatcher")
    assert desk.client.get("/console/guide").status_code == 403
    page = desk.client.get("/console/").text
    assert desk.post("/console/guide", page, title="x", what="y").status_code == 403


# -- the catalogue of texts --------------------------------------------------------------------------------------


@pytest.fixture
def admin(staff: Callable[[str], Staff]) -> Iterator[Staff]:
    """Give the administrator; afterwards the shipped texts are back."""
    yield staff("admin")
    catalogue.use({})


def test_the_administrator_changes_what_the_bot_says(resident: Resident, admin: Staff) -> None:
    """A changed text is what the next resident hears, and the shipped one can be had back."""
    page = admin.client.get("/console/texts").text
    saved = admin.post("/console/texts", page, key="OPENED", text="好嘞，记下了，号是 {number}。")
    assert "已保存" in saved.text
    assert "好嘞，记下了" in resident.say(MANHOLE)
    admin.post("/console/texts", page, key="OPENED", text="", back="1")
    assert "好嘞" not in resident.say("还有一件事，北关菜市场垃圾没人清")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("OPENED", "收到了"),
        ("OPENED", "收到了 {number} {name}"),
        ("OPENED", "收到了 {number"),
        ("OPENED", "收到了 {number.__class__}"),
        ("OPENED", "   "),
        ("DANGERS.fire", "别慌，先跑出去"),
        ("ERASE_ASK", "要删吗？说删就删"),
        ("OPENED", "{number}" + "长" * 600),
    ],
)
def test_a_faulty_text_is_not_taken(resident: Resident, admin: Staff, key: str, text: str) -> None:
    """A text that lost a variable, a choice or an emergency number is refused with the reason; the field keeps it."""
    page = admin.client.get("/console/texts").text
    answer = admin.post("/console/texts", page, key=key, text=text)
    assert answer.status_code == 400
    assert 'id="fault"' in answer.text
    assert resident.say(MANHOLE).startswith("收到了，工单号")


def test_every_text_can_be_put_back_as_it_is() -> None:
    """No shipped text has a fault of its own, and each is in the catalogue once."""
    assert {key: catalogue.fault(key, text.shipped) for key, text in catalogue.TEXTS.items()} == dict.fromkeys(
        catalogue.TEXTS, ""
    )


# -- notices -----------------------------------------------------------------------------------------------------


def test_nobody_is_woken_by_a_notice(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """At night a notice to somebody who sleeps waits for the morning; who writes is awake, and danger never waits."""
    resident.say(MANHOLE)
    with house.store.write() as book:
        [row] = book.resident(resident.openid)
        row.last_seen_at = utc_now() - timedelta(hours=3)
    staff("urban").act(resident.case(), "accept")
    [notice] = owed(house, resident)
    assert notice.next_try_at == max(notice.created_at, limits.daytime(notice.created_at))
