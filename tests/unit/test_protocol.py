import base64
import secrets
import time
from dataclasses import replace

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

import settings as configuration
from bot.protocol import (
    MAX_BODY_BYTES,
    Cipher,
    Gate,
    Inbound,
    Refused,
    decode,
    inbound,
    parse_fields,
    render_text,
    signature,
)

SETTINGS = configuration.load({})
KEY, OLD_KEY = SETTINGS.wechat_aes_key, "b" * 43
TEXT = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>"
    "<MsgType>text</MsgType><Content>井盖坏了</Content><MsgId>7</MsgId></xml>"
)


def query(*more: str, token: str = SETTINGS.wechat_token, age: int = 0, aes: bool = False) -> dict[str, str]:
    """Return a callback's query, signed."""
    timestamp, nonce = str(int(time.time()) - age), secrets.token_hex(4)
    signed = signature(token, timestamp, nonce, *more)
    if aes:
        return {"timestamp": timestamp, "nonce": nonce, "msg_signature": signed, "encrypt_type": "aes"}
    return {"timestamp": timestamp, "nonce": nonce, "signature": signed}


def gate(mode: str = "plain", previous: str = "") -> Gate:
    """Return a gate in this mode."""
    return Gate(replace(SETTINGS, wechat_mode=mode, wechat_aes_key_previous=previous))


def test_a_signed_message_comes_in() -> None:
    """A correctly signed body gives the message that it holds."""
    message = gate().admit(query(), TEXT.encode())
    assert message is not None
    assert (message.account, message.openid, message.kind, message.key) == ("gh_1", "o1", "text", "o1|7")
    assert message.text("Content") == "井盖坏了"


def wrong_queries() -> list[dict[str, str]]:
    """Return queries that are each wrong in one way."""
    good = query()
    return [
        {},
        {**good, "signature": ""},
        {**good, "signature": good["signature"][:-1]},
        {**good, "signature": good["signature"].upper()},
        {**good, "nonce": good["nonce"] + "x"},
        {**good, "timestamp": str(int(good["timestamp"]) - 1)},
        {**good, "timestamp": "abc"},
        {**good, "timestamp": "١٢٣"},
        {key: value for key, value in good.items() if key != "signature"},
        query(token="another"),
        query(token=""),
        query(age=600),
        query(age=-7200),
    ]


@pytest.mark.parametrize("wrong", wrong_queries())
def test_forged_and_stale_requests_are_refused(wrong: dict[str, str]) -> None:
    """A missing, changed, foreign, stale or future signature is refused with 403."""
    with pytest.raises(Refused) as refusal:
        gate().admit(wrong, TEXT.encode())
    assert refusal.value.status == 403


def test_an_empty_token_lets_nobody_in() -> None:
    """With no token configured, a signature over the empty token is not accepted."""
    with pytest.raises(Refused):
        Gate(replace(SETTINGS, wechat_token="")).admit(query(token=""), TEXT.encode())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (MAX_BODY_BYTES + 1), 413),
        (b"", 400),
        (b"not xml", 400),
        (b"<xml><a></xml>", 400),
        (b"\xff\xfe<xml/>", 400),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><xml><FromUserName>&a;</FromUserName></xml>', 400),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><xml/>', 400),
        (("<xml>" + "<a>" * 50 + "</a>" * 50 + "</xml>").encode(), 400),
        (TEXT.replace("<Content>", "<Content>a</Content><Content>").encode(), 400),
        (TEXT.replace("o1", "o" * 200).encode(), 400),
        (TEXT.replace("<Content>", "<a/>" * 5000 + "<Content>").encode(), 400),
    ],
)
def test_malformed_and_hostile_bodies_are_refused(body: bytes, status: int) -> None:
    """Oversized, malformed, nested, doubled and entity-laden bodies are refused with a 4xx."""
    with pytest.raises(Refused) as refusal:
        gate().admit(query(), body)
    assert refusal.value.status == status


def test_safe_mode_takes_no_plain_bodies() -> None:
    """In safe mode a plain body is refused, however well it is signed."""
    with pytest.raises(Refused):
        gate("safe").admit(query(), TEXT.encode())


@pytest.mark.parametrize(("mode", "key"), [("safe", KEY), ("compat", KEY), ("safe", OLD_KEY)])
def test_envelopes_open_with_the_current_and_the_previous_key(mode: str, key: str) -> None:
    """An envelope under the current or the previous key is read; the reply is sealed under the current one."""
    cipher = Cipher(SETTINGS.wechat_appid, key)
    encrypted = cipher.encrypt(TEXT)
    asked = query(encrypted, aes=True)
    door = gate(mode, previous=OLD_KEY)
    message = door.admit(asked, f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode())
    assert message is not None
    sealed = parse_fields(door.seal(asked, "<xml>好</xml>"))
    assert Cipher(SETTINGS.wechat_appid, KEY).decrypt(sealed["Encrypt"]) == "<xml>好</xml>"
    parts = (SETTINGS.wechat_token, sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
    assert sealed["MsgSignature"] == signature(*parts)


@pytest.mark.parametrize(
    "encrypted",
    [
        Cipher("wxother", KEY).encrypt(TEXT),
        Cipher(SETTINGS.wechat_appid, "c" * 43).encrypt(TEXT),
        base64.b64encode(b"short").decode(),
        "not base64!",
        "",
    ],
)
def test_foreign_envelopes_are_refused(encrypted: str) -> None:
    """Another appid's, another key's and broken envelopes are refused though their signature is right."""
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
    with pytest.raises(Refused):
        gate("safe").admit(query(encrypted, aes=True), body)


def test_the_address_check_echoes() -> None:
    """WeChat's check of the address gets its echo string back; a forger gets nothing."""
    assert gate().echo({**query(), "echostr": "hello"}) == "hello"
    with pytest.raises(Refused):
        gate().echo({**query(token="another"), "echostr": "hello"})


@given(st.text())
def test_a_reply_survives_any_text(text: str) -> None:
    """Whatever a reply says, it comes out of an XML parser as it went in, less the characters XML forbids."""
    root = fromstring(render_text(Inbound("gh_1", "o1", "text", 1, "7"), text))
    allowed = "".join(sign for sign in text if sign in "\t\n\r" or (sign >= " " and sign not in "\ufffe\uffff"))
    assert root.findtext("Content") == allowed.replace("\r\n", "\n").replace("\r", "\n")
    assert (root.findtext("ToUserName"), len(root)) == ("o1", 5)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Random bytes never raise anything but Refused."""
    status = 200
    try:
        inbound(parse_fields(decode(body)))
    except Refused as refusal:
        status = refusal.status
    assert status in {200, 400}


def test_events_have_keys_of_their_own() -> None:
    """Events carry no MsgId: resident, second, event and key make two deliveries one."""
    event = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": "5", "MsgType": "event", "Event": "CLICK"}
    first, again = inbound({**event, "EventKey": "HELP"}), inbound({**event, "EventKey": "HELP"})
    other = inbound({**event, "EventKey": "REPORT"})
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.key == again.key != other.key


def test_the_end_of_cdata_is_safe_both_ways() -> None:
    """`]]>` in a resident's words comes in whole and goes out whole."""
    message = gate().admit(query(), TEXT.replace("井盖坏了", "<![CDATA[a]]]]><![CDATA[>b]]>").encode())
    assert message is not None
    assert message.text("Content") == "a]]>b"
    assert fromstring(render_text(message, "a]]>b")).findtext("Content") == "a]]>b"
