import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

import settings as configuration
from bot.assembly import House
from bot.protocol import MAX_BODY_BYTES, Cipher, signature
from cases.numbers import number_of
from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow, InboxRow, ResidentRow
from tests.integration.people import Resident, message_xml, mixed_burst, number_in, signed
from tests.services import Redis

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


def counts(house: House) -> tuple[int, int, int]:
    """Return how many deliveries, residents and cases are stored."""
    with house.store.engine.connect() as connection:
        tables = (InboxRow, ResidentRow, CaseRow)
        got = [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    return got[0], got[1], got[2]


def ready(resident: Resident) -> dict[str, Any]:
    """Return what `/readyz` says; it answers 200 as long as cases can be opened."""
    answer = resident.client.get("/readyz")
    assert answer.status_code == 200
    said: dict[str, Any] = answer.get_json()
    return said


def test_a_report_is_answered_at_once(house: House, resident: Resident) -> None:
    """The same response says that it is received, its number, what it is, who has it and by when they will call."""
    reply = resident.say(MANHOLE)
    case = resident.case()
    assert number_in(reply) == number_of(case.id)
    for part in ("收到", "井盖缺损", "翠湖小区3栋", "城市管理局", "前联系您"):
        assert part in reply
    assert case.state == "assigned"
    assert case.model_version
    assert any("井盖缺损" in reason for reason in case.reasons)
    assert counts(house) == (1, 1, 1)


def test_three_deliveries_at_once_are_one_message(house: House, resident: Resident) -> None:
    """Three simultaneous deliveries of one message make one case and give one reply three times."""
    xml = message_xml(resident.openid, "text", Content=MANHOLE)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(resident.deliver, [xml] * 3))
    assert [answer.status_code for answer in answers] == [200] * 3
    bodies = {answer.text.replace(answer.text.split("<CreateTime>")[1].split("<")[0], "") for answer in answers}
    assert len(bodies) == 1
    assert counts(house) == (1, 1, 1)


def test_a_burst_delivered_concurrently_is_one_case(house: House, resident: Resident) -> None:
    """A text, nine photos, a voice and a place sent at once, each delivered twice, are one case with all parts."""
    burst = [message_xml(resident.openid, "text", Content=MANHOLE)]
    burst += [message_xml(resident.openid, "image", MediaId=f"photo-{at}", PicUrl="http://x") for at in range(9)]
    burst.append(message_xml(resident.openid, "voice", MediaId="voice-1", Format="amr"))
    burst.append(message_xml(resident.openid, "location", Location_X="36.6587", Location_Y="117.0095", Label="翠湖"))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(resident.deliver, burst * 2))
    assert {answer.status_code for answer in answers} == {200}
    assert counts(house) == (12, 1, 1)
    with house.store.read() as book:
        parts = book.attachments(resident.case().id)
    assert sorted(part.kind for part in parts) == ["photo"] * 9 + ["voice"]


def test_a_mixed_burst_in_any_order_is_one_case(house: House, resident: Resident) -> None:
    """Ten residents' bursts of twenty mixed messages, at once and repeated, are ten cases with all their parts."""
    crowd = [Resident(resident.app, f"oCrowd{at:022d}") for at in range(10)]
    bursts = [mixed_burst(one.openid, at) for at, one in enumerate(crowd)]
    mixed = [(one, xml) for one, burst in zip(crowd, bursts, strict=True) for xml in (*burst, burst[0])]
    random.Random(1).shuffle(mixed)  # noqa: S311 - as above
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda each: each[0].deliver(each[1]).status_code, mixed))
    assert set(answers) == {200}
    assert [len(one.cases()) for one in crowd] == [1] * len(crowd)
    with house.store.read() as book:
        counts = {len(book.attachments(one.case().id)) for one in crowd}
    assert counts == {14}


def test_many_residents_at_once(app_residents: list[Resident], house: House) -> None:
    """Twenty residents writing at the same moment get twenty cases, none lost, none doubled."""
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda one: one.say(MANHOLE), app_residents))
    assert len({number_in(reply) for reply in replies}) == len(app_residents)
    assert counts(house) == (20, 20, 20)


@pytest.fixture
def app_residents(resident: Resident) -> list[Resident]:
    """Give twenty residents."""
    return [Resident(resident.app, f"oMany{at:023d}") for at in range(20)]


def bad_requests() -> list[tuple[str, dict[str, str], bytes, int]]:
    """Return requests that must be refused: name, query, body, status."""
    token = configuration.SANDBOX_WECHAT["WECHAT_TOKEN"]
    good = message_xml("oForger", "text", Content="x").encode()
    old, nonce = str(int(time.time()) - 3600), "n"
    stale = {"timestamp": old, "nonce": nonce, "signature": signature(token, old, nonce)}
    return [
        ("unsigned", {}, good, 403),
        ("forged", {**signed("other-token")}, good, 403),
        ("stale", stale, good, 403),
        ("oversized", signed(token), b"<xml>" + b"a" * MAX_BODY_BYTES, 413),
        ("malformed", signed(token), b"<xml><a></xml>", 400),
        ("empty", signed(token), b"", 400),
        ("entities", signed(token), b'<!DOCTYPE a [<!ENTITY b "c">]><xml>&b;</xml>', 400),
        ("not utf-8", signed(token), b"<xml>\xff</xml>", 400),
    ]


def test_bad_requests_store_nothing(house: House, resident: Resident) -> None:
    """Forged, stale, oversized and malformed posts are refused with a 4xx, and nothing of them is stored."""
    for name, query, body, status in bad_requests():
        answer = resident.client.post("/wechat", query_string=query, data=body)
        assert answer.status_code == status, name
    assert counts(house) == (0, 0, 0)


def test_an_encrypted_message_gets_an_encrypted_reply(house: House, resident: Resident) -> None:
    """A message in WeChat's envelope is answered in an envelope that opens with the same key."""
    settings = house.settings
    cipher = Cipher(settings.wechat_appid, settings.wechat_aes_key)
    encrypted = cipher.encrypt(message_xml(resident.openid, "text", Content=MANHOLE))
    timestamp, nonce = str(int(time.time())), "nonce"
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": signature(settings.wechat_token, timestamp, nonce, encrypted),
    }
    answer = resident.client.post("/wechat", query_string=query, data=f"<xml><Encrypt>{encrypted}</Encrypt></xml>")
    sealed = answer.text.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    assert number_of(resident.case().id)[:3] in cipher.decrypt(sealed)


ODD_TEXTS = (
    "",
    "   ",
    "\x01\x02",
    "😀😀😀",
    "啊" * 2000,
    "井盖坏了" * 500,
    "]]>",
    "<b>&amp;</b>",
    "𠮷野家漏水 🏚️",
    "？",
    "\u200b",
)


def test_odd_texts_get_a_helpful_answer(resident: Resident) -> None:
    """Empty, endless, emoji-only and control-character texts are answered, not crashed on."""
    for text in ODD_TEXTS:
        resident.say("说完了")
        assert len(resident.say(text)) > 5, repr(text[:10])


def test_words_are_kept_whole(house: House, resident: Resident) -> None:
    """A long report with CDATA ends, tags and four-byte signs is in the case as it was written."""
    words = "翠湖小区3栋的下水道堵了]]><b>𠮷🏚️ " + "水漫到一楼了，" * 200
    resident.say(words)
    case = resident.case()
    assert case.text == words.strip()
    with house.store.read() as book:
        assert book.history(case.id)[0].text == words.strip()


def test_a_dead_redis_costs_nothing(house: House, resident: Resident, redis_server: Redis) -> None:
    """With Redis gone the answer comes at normal speed, and the message is stored for the sweeper."""
    resident.say("你好")
    redis_server.stop()
    times = []
    for at in range(8):
        started = time.perf_counter()
        resident.send("image", MediaId=f"photo-{at}")
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < 0.2
    with house.store.read() as book:
        waiting = book.attachments(resident.case().id)
    assert [part.state for part in waiting] == ["waiting"] * 8
    assert ready(resident)["checks"]["redis"] != "ok"


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_without_a_classifier_cases_still_open(house: House, resident: Resident, damage: str) -> None:
    """A missing or damaged classifier sends cases to the dispatchers, with a number, and `/readyz` says so."""
    folder = house.settings.models_dir / "matters"
    if damage == "missing":
        folder.rename(folder.with_name("gone"))
    else:
        version = (folder / "current").read_text().strip()
        (folder / version / "weights.npz").write_bytes(b"nonsense")
    reply = resident.say(MANHOLE)
    case = resident.case()
    assert number_in(reply) == number_of(case.id)
    with house.store.read() as book:
        assert case.holder_id == house.cities.current(book).dispatch.id
    assert any("分类器" in reason for reason in case.reasons)
    assert ready(resident)["status"] == "degraded"
    assert "matters" in ready(resident)["checks"]["classifier"]


def rename(house: House, table: str, name: str) -> None:
    """Put a table out of reach, or back."""
    with house.store.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def test_when_the_database_is_away_wechat_comes_again(house: House, resident: Resident) -> None:
    """A transaction that fails is not answered with success, and the next delivery makes the case."""
    rename(house, "history", "history_away")
    xml = message_xml(resident.openid, "text", Content=MANHOLE)
    answer = resident.deliver(xml)
    assert answer.status_code == 503
    assert "success" not in answer.text
    assert counts(house) == (0, 0, 0)
    rename(house, "history_away", "history")
    assert resident.deliver(xml).status_code == 200
    assert counts(house) == (1, 1, 1)


def test_media_is_stored_with_its_case(house: House, resident: Resident) -> None:
    """A photo waits for the worker with WeChat's id for it, tied to the words that it came with."""
    resident.say(MANHOLE)
    resident.send("image", MediaId="photo-1")
    with house.store.read() as book:
        [part] = book.attachments(resident.case().id)
        row = book.get(HistoryRow, part.history_id or 0)
    assert isinstance(part, AttachmentRow)
    assert (part.media_id, part.state) == ("photo-1", "waiting")
    assert row is not None
    assert row.who == "resident"
