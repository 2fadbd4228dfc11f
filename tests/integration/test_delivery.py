import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from PIL import Image

from bot import sweeping
from bot.assembly import House, utc_now
from bot.sandbox import amr
from cases.numbers import number_of
from cases.storage import Book
from cases.storage.tables import OutboxRow
from tests.integration.people import Resident, Staff, Visitor, link_in
from tests.integration.phone import MANHOLE, WANG, Phone, due, fates, hurry
from tests.services import Redis


def picture(size: tuple[int, int] = (800, 600)) -> bytes:
    """Return a JPEG with EXIF in it, lying on its side."""
    image = Image.new("RGB", size, "teal")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretCamera"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.fixture
def database_url(tmp_path: Any) -> str:
    """Deliver from SQLite: the claims are tested on both databases elsewhere."""
    return f"sqlite:///{tmp_path}/delivery.sqlite3"


def test_a_reply_reaches_the_chat(house: House, phone: Phone, reply: Callable[[str], OutboxRow]) -> None:
    """What staff write arrives in the resident's chat once, and is marked as sent."""
    row = reply("师傅下午两点到]]>🙂")
    house.courier.deliver(row.id)
    house.courier.deliver(row.id)
    assert [text for text in phone.texts() if "师傅下午两点到]]>🙂" in text] == [row.text]
    assert sweeping.sweep(house) == 0
    with house.store.read() as book:
        sent = book.get(OutboxRow, row.id)
    assert sent is not None
    assert (sent.state, sent.attempts, sent.channel) == ("sent", 1, "customer_service")


def test_a_result_shows_the_way_to_its_page(
    house: House, phone: Phone, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """Who is asked for a judgement gets a link with it, made at the sending: no row keeps it."""
    wang = Resident(resident.app, WANG)
    staff("urban").act(wang.case(), "accept")
    staff("urban").act(wang.case(), "report_result", text="已换上新井盖")
    sweeping.sweep(house)
    hurry(house)
    accepted, result = phone.texts()[-2:]
    assert "/h5/s/" not in accepted
    page = Visitor(resident.app, link_in(result))
    assert "已换上新井盖" in page.open(f"/cases/{number_of(wang.case().id)}").text
    assert all("/h5/" not in row.text for row in fates(wang))


@pytest.mark.parametrize("fault", [{"errcode": -1}, {"http": 502}, {"errcode": 45009}])
def test_passing_faults_are_tried_again(
    house: House, phone: Phone, reply: Callable[[str], OutboxRow], fault: dict[str, int]
) -> None:
    """A busy, broken or exhausted WeChat costs a later try, not the message."""
    row = reply("已经派人")
    phone.fault(path="message/custom/send", times=2, **fault)
    house.courier.deliver(row.id)
    with house.store.read() as book:
        waiting = book.get(OutboxRow, row.id)
    assert waiting is not None
    assert waiting.state == "waiting"
    assert waiting.error
    assert waiting.next_try_at > utc_now()
    hurry(house)
    hurry(house)
    assert sum("已经派人" in text for text in phone.texts()) == 1


def test_messages_keep_their_order(house: House, phone: Phone, reply: Callable[[str], OutboxRow]) -> None:
    """While a message waits for another try, the resident's later ones wait with it; then all come in their order."""
    first, second, third = (reply(words) for words in ("第一句", "第二句", "第三句"))
    phone.fault(path="message/custom/send", times=1, errcode=-1)
    for row in (first, second, third):
        house.courier.deliver(row.id)
    with house.store.read() as book:
        rows = [book.get(OutboxRow, row.id) for row in (first, second, third)]
    assert [row and (row.state, row.attempts) for row in rows] == [("waiting", 1), ("waiting", 0), ("waiting", 0)]
    assert len({row and row.next_try_at for row in rows}) == 1
    due(house, first.id)
    sweeping.sweep(house)
    sweeping.sweep(house)
    sweeping.sweep(house)
    said = [text for text in phone.texts() if "句" in text]
    assert [next(words for words in ("第一句", "第二句", "第三句") if words in text) for text in said] == [
        "第一句", "第二句", "第三句",
    ]  # fmt: skip


def test_what_cannot_be_delivered_holds_up_nothing(
    house: House, phone: Phone, reply: Callable[[str], OutboxRow]
) -> None:
    """When a message is given up, the next one goes out at once."""
    first, second = reply("第一句"), reply("第二句")
    phone.fault(path="message/custom/send", times=1, errcode=-1)
    house.courier.deliver(first.id)
    house.courier.deliver(second.id)
    phone.fault(path="message/custom/send", times=1, errcode=45002)
    due(house, first.id)
    house.courier.deliver(first.id)
    house.courier.deliver(second.id)
    assert [words for words in ("第一句", "第二句") if any(words in text for text in phone.texts())] == ["第二句"]


def test_one_bad_row_does_not_stop_the_sweep(
    house: House, phone: Phone, reply: Callable[[str], OutboxRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong with one row is logged; the rows after it are done all the same."""
    row = reply("照样送到")
    assert phone

    def broken(*_: object) -> None:
        raise LookupError("a bug")

    with house.store.read() as book:
        known = book.waiting(OutboxRow, utc_now(), 10)
    assert known == [row.id]
    monkeypatch.setattr(sweeping, "_close_unverified", broken)
    monkeypatch.setattr(Book, "waiting", lambda _book, kind, *_: [-1, row.id] if kind is OutboxRow else [])
    monkeypatch.setattr(Book, "unverified", lambda *_: [1])
    deliver = house.courier.deliver
    monkeypatch.setattr(house.courier, "deliver", lambda row_id: broken() if row_id < 0 else deliver(row_id))
    assert sweeping.sweep(house) == 1
    assert any("照样送到" in text for text in phone.texts())


def test_a_refused_token_is_renewed_once(house: House, phone: Phone, reply: Callable[[str], OutboxRow]) -> None:
    """A token that WeChat no longer accepts is replaced, and the message goes out at once."""
    house.courier.deliver(reply("第一句").id)
    requests.post(f"{house.settings.own_address}/sandbox/tokens/expire", timeout=5).raise_for_status()
    house.courier.deliver(reply("第二句").id)
    assert [any(words in text for text in phone.texts()) for words in ("第一句", "第二句")] == [True, True]


def test_a_photo_is_fetched_and_cleaned(house: House, phone: Phone, staff: Callable[[str], Staff]) -> None:
    """A resident's photo is fetched, turned upright, freed of EXIF, and shown only to those whose case it is."""
    upload = {"media": ("x.jpg", picture(), "image/jpeg")}
    address = f"{house.settings.own_address}/sandbox/api/cgi-bin/media/upload"
    token = house.wechat._token.get()  # noqa: SLF001 - as the resident's phone would upload
    media_id = requests.post(address, params={"access_token": token, "type": "image"}, files=upload, timeout=5).json()[
        "media_id"
    ]
    wang = Resident(staff("urban").client.application, WANG)
    wang.send("image", MediaId=media_id)
    sweeping.sweep(house)
    with house.store.read() as book:
        [part] = book.attachments(wang.case().id)
    assert (part.state, part.mime) == ("stored", "image/jpeg")
    kept = house.media.read(part.file)
    assert b"SecretCamera" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (600, 800)
    assert staff("urban").client.get(f"/console/files/{part.id}").data == kept
    assert staff("urban").client.get(f"/console/files/{part.id}?thumb=1").status_code == 200
    assert staff("water").client.get(f"/console/files/{part.id}").status_code == 404
    assert phone


def test_a_voice_becomes_playable(house: House, phone: Phone) -> None:
    """A resident's AMR voice is kept as MP3, with its length."""
    stored = house.media.keep("voice", amr.silence(3))
    assert stored.mime == "audio/mpeg"
    assert stored.seconds == pytest.approx(3, abs=0.2)
    assert phone


def test_what_is_no_photo_is_said(house: House, resident: Resident, serving: str) -> None:
    """A file that WeChat no longer has ends as failed with the reason, and is not tried for ever."""
    assert serving
    resident.say(MANHOLE)
    resident.send("image", MediaId="gone")
    sweeping.sweep(house)
    with house.store.read() as book:
        [part] = book.attachments(resident.case().id)
    assert part.state == "failed"
    assert "过期" in part.error


def test_pushes_go_out_when_redis_is_back(
    house: House, phone: Phone, reply: Callable[[str], OutboxRow], redis_server: Redis
) -> None:
    """With Redis dead nothing is rung, nothing is lost: the sweeper needs only the database."""
    redis_server.stop()
    row = reply("还是会收到")
    assert house.bell.fault()
    sweeping.sweep(house)
    redis_server.start()
    assert sum("还是会收到" in text for text in phone.texts()) == 1
    with house.store.read() as book:
        sent = book.get(OutboxRow, row.id)
    assert sent is not None
    assert sent.state == "sent"


def test_the_sweeper_takes_what_is_due_and_nothing_else(
    house: House, phone: Phone, reply: Callable[[str], OutboxRow]
) -> None:
    """Sent, undeliverable and leased rows are left alone; a lease that has run out is picked up again."""
    row = reply("一句话")
    assert phone
    now = utc_now()
    states = {"sent": False, "undeliverable": False, "waiting": True, "sending": True}
    for state, picked in states.items():
        for is_due, at in ((True, now - timedelta(seconds=1)), (False, now + timedelta(seconds=60))):
            with house.store.write() as book:
                fresh = book.lock_row(OutboxRow, row.id)
                assert fresh is not None
                fresh.state, fresh.next_try_at = state, at
            with house.store.read() as book:
                assert (row.id in book.waiting(OutboxRow, now, 10)) == (picked and is_due), (state, is_due)
