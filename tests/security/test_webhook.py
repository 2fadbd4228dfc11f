"""Nobody but WeChat gets anything into `/wechat`, however they ask; whatever WeChat is made to say breaks nothing."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.protocol import Cipher, signature
from cases.storage.tables import CaseRow, InboxRow, ResidentRow
from tests.figures import FULL
from tests.integration.people import Resident, message_xml
from tests.security.samples import MANHOLE, payloads
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from settings import Settings

REPLAYS = 1_000 if FULL else 100
BODIES = 100_000 if FULL else 250
SLOW_MILLISECONDS = 100.0
Pairs = list[tuple[str, str]]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: who is let in does not hang on the database."""
    return f"sqlite:///{tmp_path}/doors.sqlite3"


class Asked(NamedTuple):
    """One request: its query as pairs, and its body."""

    query: Pairs
    body: bytes


class Forger:
    """Knows what a valid request looks like, and changes it."""

    def __init__(self, app: Flask) -> None:
        self.app, self.house = app, house_of(app)
        self.token = self.house.settings.wechat_token
        self.cipher = Cipher(self.house.settings.wechat_appid, self.house.settings.wechat_aes_key)

    def plain(self, body: str, *, token: str = "", age: int = 0) -> Asked:
        """Return a body, signed as in plain mode."""
        stamp, nonce = str(int(time.time()) - age), "n0nce"
        signed = signature(token or self.token, stamp, nonce)
        return Asked([("signature", signed), ("timestamp", stamp), ("nonce", nonce)], body.encode())

    def sealed(self, body: str, *, token: str = "", age: int = 0) -> Asked:
        """Return a body in its envelope, signed as in safe mode."""
        stamp, nonce, envelope = str(int(time.time()) - age), "n0nce", self.cipher.encrypt(body)
        signed = signature(token or self.token, stamp, nonce, envelope)
        query = [("msg_signature", signed), ("timestamp", stamp), ("nonce", nonce), ("encrypt_type", "aes")]
        return Asked(query, f"<xml><Encrypt>{envelope}</Encrypt></xml>".encode())

    def send(self, asked: Asked) -> TestResponse:
        """Send a request."""
        return self.app.test_client().post("/wechat", query_string=asked.query, data=asked.body)

    def stored(self) -> int:
        """Return how many rows of residents, deliveries and cases there are."""
        with self.house.store.engine.connect() as connection:
            tables = (InboxRow, ResidentRow, CaseRow)
            return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


@pytest.fixture
def forger(app: Flask) -> Forger:
    """Give a forger before the application in plain mode."""
    return Forger(app)


@pytest.fixture
def safe_forger(app: Flask, settings: Settings) -> Iterator[Forger]:
    """Give a forger before an application in safe mode."""
    assert app
    other = create_app(replace(settings, wechat_mode="safe"))
    yield Forger(other)
    house_of(other).store.engine.dispose()


def changed(asked: Asked, name: str, value: str) -> Asked:
    """Return a request with another value of a parameter."""
    return Asked([(key, value if key == name else old) for key, old in asked.query], asked.body)


def mutations(good: Asked) -> Iterator[tuple[str, Asked]]:
    """Yield a valid request, changed in one way each."""
    query, body = good
    held = dict(query)
    signed = "msg_signature" if "msg_signature" in held else "signature"
    for name in (signed, "timestamp", "nonce"):
        without = [pair for pair in query if pair[0] != name]
        yield f"{name} missing", Asked(without, body)
        yield f"{name} empty", changed(good, name, "")
        yield f"{name} doubled", Asked([*query, (name, held[name])], body)
        yield f"{name} doubled with another", Asked([(name, "x"), *query], body)
        yield f"{name} as an array", Asked([(f"{each}[]" if each == name else each, old) for each, old in query], body)
        yield (
            f"{name} named in capitals",
            Asked([(each.upper() if each == name else each, v) for each, v in query], body),
        )
        yield f"{name} with a space", changed(good, name, held[name] + " ")
        yield f"{name} with a line end", changed(good, name, held[name] + "\n")
        yield f"{name} with a NUL", changed(good, name, held[name] + "\0")
        yield f"{name} cut", changed(good, name, held[name][:-1])
        yield f"{name} very long", changed(good, name, held[name] * 500)
        yield f"{name} like SQL", changed(good, name, "' OR '1'='1' -- ")
        yield f"{name} like a template", changed(good, name, "{{7*7}}${7*7}%s%n")
        yield f"{name} in other letters", changed(good, name, "签名﷽\u202e１２３")
    yield "signature in capitals", changed(good, signed, held[signed].upper())
    yield "signature of another length", changed(good, signed, "0" * 64)
    yield (
        "timestamp and nonce swapped",
        Asked([*query[:1], ("timestamp", held["nonce"]), ("nonce", held["timestamp"]), *query[3:]], body),
    )
    yield "timestamp signed", changed(good, "timestamp", f"+{held['timestamp']}")
    yield "timestamp in full width", changed(good, "timestamp", "１７００００００００")
    yield "another mode", Asked([*[p for p in query if p[0] != "encrypt_type"], ("encrypt_type", "AES")], body)
    yield "both modes named", Asked([*query, ("encrypt_type", "raw"), ("encrypt_type", "aes")], body)
    yield "nothing", Asked([], b"")


def test_forged_requests_are_refused_alike(forger: Forger, safe_forger: Forger) -> None:
    """Whatever is changed in a valid request, in either mode, the answer is the same, and nothing is stored."""
    words = message_xml("oForger000000000000000000001", "text", Content=MANHOLE)
    both = [("signature", signature(forger.token, "1", "n"))]
    tries: list[tuple[str, Forger, Asked]] = []
    for who, good in (
        (forger, forger.plain(words)),
        (forger, forger.sealed(words)),
        (safe_forger, safe_forger.sealed(words)),
    ):
        tries += [(name, who, asked) for name, asked in mutations(good)]
    for make in (forger.plain, forger.sealed):
        tries += [
            ("another secret", forger, make(words, token="another-token-of-some-length")),
            ("stale", forger, make(words, age=301)),
            ("of the future", forger, make(words, age=-301)),
        ]
    sealed = forger.sealed(words)
    other = forger.sealed(words.replace("井盖", "路灯"))
    tries += [
        ("another envelope", forger, Asked(sealed.query, other.body)),
        ("a plain body under a sealed signature", forger, Asked(sealed.query, words.encode())),
        ("a plain signature", forger, Asked([*forger.plain(words).query, ("encrypt_type", "aes")], sealed.body)),
        ("a body that is none", forger, Asked(sealed.query, b"\xff\xfe")),
        ("an empty body", forger, Asked(sealed.query, b"")),
        ("two envelopes", forger, Asked(sealed.query, sealed.body.replace(b"<xml>", b"<xml><Encrypt>x</Encrypt>"))),
        ("entities", forger, Asked(sealed.query, b'<!DOCTYPE a [<!ENTITY b "c">]><xml><Encrypt>&b;</Encrypt></xml>')),
        ("plain in safe mode", safe_forger, safe_forger.plain(words)),
        ("plain and sealed in safe mode", safe_forger, Asked([*both, *safe_forger.plain(words).query], sealed.body)),
        ("raw in safe mode", safe_forger, Asked([*forger.plain(words).query, ("encrypt_type", "raw")], words.encode())),
    ]  # fmt: skip
    answers = {}
    for name, who, asked in tries:
        answer = who.send(asked)
        answers[name] = (answer.status_code, answer.text, answer.headers["Content-Type"])
    assert len(tries) >= 14
    assert {name: said for name, said in answers.items() if said != (403, "refused", "text/plain; charset=utf-8")} == {}
    assert forger.stored() == 0
    assert forger.send(forger.plain(words)).status_code == 200
    assert safe_forger.send(safe_forger.sealed(words)).status_code == 200


def test_the_check_of_the_address_is_refused_alike(forger: Forger, safe_forger: Forger) -> None:
    """WeChat's check of the address is echoed for its own signature only; nothing that was not signed comes back."""
    for who in (forger, safe_forger):
        asked = who.plain("")
        echo = [*asked.query, ("echostr", "<script>1</script>")]
        good = who.app.test_client().get("/wechat", query_string=echo)
        assert (good.status_code, good.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert good.headers["X-Content-Type-Options"] == "nosniff"
        for _, wrong in mutations(Asked(asked.query, b"")):
            answer = who.app.test_client().get("/wechat", query_string=[*wrong.query, ("echostr", "hello")])
            assert (answer.status_code, answer.text) == (403, "refused"), wrong.query


def test_a_valid_request_again_and_again(
    forger: Forger, resident: Resident, figure: Callable[[str, str, str], None]
) -> None:
    """A valid request that somebody has caught and repeats gets the same reply; it is one row and one case."""
    asked = forger.plain(message_xml(resident.openid, "text", Content=MANHOLE))
    replies = {forger.send(asked).text.split("<Content>")[1].split("</Content>")[0] for _ in range(REPLAYS)}
    assert len(replies) == 1
    assert forger.stored() == 3
    figure("1. A caught request is replayed", f"{REPLAYS} times over HTTP's own path", "one reply, one row, one case")


# -- bodies that somebody made up ---------------------------------------------------------------------------------

ELEMENT_NAMES = (
    "ToUserName FromUserName CreateTime MsgType MsgId Content Event EventKey MediaId Encrypt Recognition Location_X "
    "Location_Y Label ScanCodeInfo SendPicsInfo SubscribeMsgSentEvent List ErrorCode Status x 名 a:b xml"
)
NAMES = st.sampled_from(ELEMENT_NAMES.split())
ODD = (
    *(
        "text",
        "event",
        "voice",
        "image",
        "location",
        "subscribe",
        "SCAN",
        "CLICK",
        "²",
        "9" * 5000,
        "-1",
        "nan",
        "1e309",
    ),
    *("oFuzz00000000000000000000001", "o" * 129, "\ud7ff", "\ufffe", "]]>", "&#0;", "&#xD800;", "&#1114112;", "&lol;"),
    *(
        "<![CDATA[井盖坏了]]>",
        "<!-- -->",
        "<?php?>",
        MANHOLE,
        "着火了，快来人",
        "=cmd|' /C calc'!A0",
        "\r\n",
        "a" * 9000,
    ),
)
WORDS = st.one_of(st.text(max_size=60), st.sampled_from(ODD))


def element(name: str, inner: str) -> str:
    """Return an element."""
    return f"<{name}>{inner}</{name}>"


ELEMENTS = st.recursive(
    st.builds(element, NAMES, WORDS),
    lambda deeper: st.builds(lambda name, parts: element(name, "".join(parts)), NAMES, st.lists(deeper, max_size=6)),
    max_leaves=12,
)
TREES = st.builds(lambda parts: f"<xml>{''.join(parts)}</xml>", st.lists(ELEMENTS, max_size=14))
HEADED = st.builds(
    lambda kind, who, more: (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>oFuzz{who:023d}</FromUserName>"
        f"<MsgType>{kind}</MsgType>{more}</xml>"
    ),
    st.sampled_from(["text", "event", "voice", "image", "location", "video", "link", "shortvideo", "news", ""]),
    st.integers(0, 9_999),
    st.builds("".join, st.lists(ELEMENTS, max_size=10)),
)
ENCODED = st.builds(
    lambda text, name: text.encode(name, "surrogatepass" if name.startswith("utf") else "ignore"),
    st.one_of(TREES, HEADED),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030", "latin-1"]),
)
HEAVY = st.sampled_from(
    [
        b"<xml>" + b"<a/>" * 16_000 + b"</xml>",
        b"<xml>" + b"<a>" * 9_000 + b"</a>" * 9_000 + b"</xml>",
        b"<xml " + b"".join(b"a%d='' " % at for at in range(6_000)) + b"/>",
        b"<xml>" + b"&#00000000;" * 5_000 + b"</xml>",
        b"<xml>" + b"&#0" * 20_000 + b"</xml>",
        b"<" * 65_000,
        b"]]>" * 20_000,
    ]
)


def mutated(body: bytes, seed: int) -> bytes:
    """Return a payload with a few bytes changed, cut out, doubled or put in."""
    chance, content = random.Random(seed), bytearray(body)  # noqa: S311 - repeatable
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content) + 1)
        until = min(len(content), at + chance.randint(1, 40))
        part = bytes(content[at:until])
        content[at:until] = chance.choice(
            [b"", part * 2, part[::-1], bytes([chance.randrange(256)]), b"<", b"]]>", b"&"]
        )
    return bytes(content)


REAL = st.builds(mutated, st.sampled_from(payloads()), st.integers(0, 2**32))


@given(body=st.one_of(ENCODED, REAL, REAL, st.binary(max_size=400), HEAVY), sealed=st.booleans())
@hypothesis_settings(
    max_examples=BODIES, deadline=None, database=None, derandomize=not FULL,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
def bombard(forger: Forger, took: list[tuple[float, int]], body: bytes, *, sealed: bool) -> None:
    """Send a made-up body, well signed, plain or in an envelope, and note how long it took and what came of it."""
    asked = forger.sealed(body.decode("utf-8", "replace")) if sealed else Asked(forger.plain("").query, body)
    begun = time.thread_time()  # what it costs: how long others keep the processor is none of its doing
    answer = forger.send(asked)
    took.append(((time.thread_time() - begun) * 1000, answer.status_code))
    assert answer.status_code in {200, 400, 403, 413}, answer.text


def test_made_up_bodies_break_nothing(forger: Forger, figure: Callable[[str, str, str], None]) -> None:
    """Signed bodies of every shape, encoding and envelope, made up or mutated real ones, get 200 or 4xx and quickly."""
    took: list[tuple[float, int]] = []
    bombard(forger, took)
    times = [each for each, _ in took]
    p99, worst = statistics.quantiles(times, n=100)[-1], max(times)
    result = f"no 5xx; p99 {p99:.1f} ms, longest {worst:.1f} ms"
    figure("1. Made-up bodies", f"{len(took)} bodies by Hypothesis and mutated real payloads", result)
    assert not FULL or worst < SLOW_MILLISECONDS, result
