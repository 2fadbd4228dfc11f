import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import settings as configuration
from bot.assembly import House
from bot.protocol import Cipher, Gate, Refused, decode, parse_fields, signature
from cases.storage.tables import CaseRow, InboxRow
from tests.integration.people import Resident, signed
from web import create_app

OTHER_KEY = "b" * 43
COLLECTION = Path(__file__).resolve().parents[3] / "shared" / "wechat"

pytestmark = pytest.mark.skipif(
    not (COLLECTION / "index.json").exists(), reason="the collection of real payloads is not beside the project"
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Replay into SQLite."""
    return f"sqlite:///{tmp_path}/payloads.sqlite3"


def payloads() -> list[dict[str, Any]]:
    """Return the entries of the collection that are XML bodies in clear."""
    entries: list[dict[str, Any]] = json.loads((COLLECTION / "index.json").read_text(encoding="utf-8"))
    return [entry for entry in entries if entry["file"].endswith(".xml") and entry["category"] != "encrypted"]


def test_real_payloads_are_answered(house: House, resident: Resident) -> None:
    """Each well-formed payload, signed, gets 200 and is stored once however often it comes; the others get a 4xx."""
    token = configuration.SANDBOX_WECHAT["WECHAT_TOKEN"]
    replayed = 0
    for entry in payloads():
        body = (COLLECTION / entry["file"]).read_bytes()
        answers = [resident.client.post("/wechat", query_string=signed(token), data=body) for _ in range(2)]
        good = entry["expect"].get("well_formed", False)
        allowed = {200} if good else {400, 413}
        assert {answer.status_code for answer in answers} <= allowed, entry["file"]
        replayed += 1
    assert replayed > 100
    with house.store.engine.connect() as connection:
        stored = connection.scalar(select(func.count()).select_from(InboxRow)) or 0
        opened = connection.scalar(select(func.count()).select_from(CaseRow)) or 0
    senders = {entry["expect"].get("dedupe") for entry in payloads() if entry["expect"].get("FromUserName")}
    assert 0 < stored <= len(payloads())
    assert len(senders) * 0.8 < stored
    assert opened < stored


def encrypted(suffix: str) -> list[dict[str, Any]]:
    """Return the entries of the collection with AES envelopes."""
    entries: list[dict[str, Any]] = json.loads((COLLECTION / "index.json").read_text(encoding="utf-8"))
    return [entry for entry in entries if entry["category"] == "encrypted" and entry["file"].endswith(suffix)]


def account(settings: configuration.Settings, expect: dict[str, Any], **other: str) -> configuration.Settings:
    """Return the settings of the account that an envelope is for."""
    fields: dict[str, Any] = {
        "wechat_token": expect.get("token") or "token",
        "wechat_appid": expect.get("appid_declared") or "wx0000000000000000",
        "wechat_aes_key": expect.get("encoding_aes_key") or OTHER_KEY,
        "wechat_mode": "safe",
    }
    return replace(settings, **(fields | other))


def query_of(token: str, envelope: str) -> dict[str, str]:
    """Return the query of an envelope, signed now."""
    query = {"timestamp": str(int(time.time())), "nonce": "n", "encrypt_type": "aes"}
    return {**query, "msg_signature": signature(token, query["timestamp"], query["nonce"], envelope)}


def refused(settings: configuration.Settings, query: dict[str, str], xml: bytes) -> bool:
    """Say whether the gate of these settings keeps a request out."""
    try:
        Gate(settings).admit(query, xml)
    except Refused as refusal:
        return refusal.status == 403
    return False


def test_encrypted_payloads_are_answered(settings: configuration.Settings, house: House) -> None:
    """Envelopes open under the current and the previous key; wrong keys, appids and old timestamps are refused."""
    assert house
    outcomes = Counter[str]()
    for entry in encrypted(".xml"):
        expect, xml = entry["expect"], (COLLECTION / entry["file"]).read_bytes()
        envelope = parse_fields(decode(xml))["Encrypt"]
        ours = expect["decryptable"] and expect["appid_declared"] == expect["appid_in_ciphertext"]
        theirs, key = account(settings, expect), expect.get("encoding_aes_key", "")
        query = query_of(theirs.wechat_token, envelope)
        answer = create_app(theirs).test_client().post("/wechat", query_string=query, data=xml)
        assert answer.status_code == (200 if ours else 403), entry["file"]
        rotated = account(settings, expect, wechat_aes_key=OTHER_KEY, wechat_aes_key_previous=key)
        assert refused(rotated, query, xml) is not ours, entry["file"]
        assert refused(account(settings, expect, wechat_appid="wx1111111111111111"), query, xml)
        assert refused(theirs, {**query, "msg_signature": "0" * 40}, xml)
        if expect.get("msg_signature_verified"):
            published = {name: expect[name] for name in ("timestamp", "nonce", "msg_signature")}
            assert signature(expect["token"], expect["timestamp"], expect["nonce"], envelope) == expect["msg_signature"]
            assert refused(theirs, {**query, **published}, xml), "stale"
        outcomes["ours" if ours else "foreign"] += 1
    assert outcomes["ours"] >= 5
    assert outcomes["foreign"] >= 5


def test_published_ciphertexts_open(settings: configuration.Settings) -> None:
    """Ciphertexts of other implementations open to their plaintexts, and published signatures are ours."""
    opened = 0
    for entry in encrypted(".json"):
        sample = json.loads((COLLECTION / entry["file"]).read_text(encoding="utf-8"))
        if "ciphertext" in sample:
            cipher = Cipher(sample["appid"], sample["encoding_aes_key"])
            assert cipher.decrypt(sample["ciphertext"]) == sample["plaintext"]
            opened += 1
    assert opened >= 3
    [check] = [entry for entry in encrypted(".json") if "url_verify" in entry["file"]]
    sample, expect = json.loads((COLLECTION / check["file"]).read_text(encoding="utf-8")), check["expect"]
    cipher = Cipher(expect["receiver_id"], expect["encoding_aes_key"])
    assert cipher.decrypt(sample["echostr"]) == expect["response_body"]
    signed_by = signature(expect["token"], sample["timestamp"], sample["nonce"], sample["echostr"])
    assert signed_by == sample["msg_signature"]
    assert settings


def test_plain_is_refused_in_safe_mode(settings: configuration.Settings, house: House) -> None:
    """In safe mode a plain body is refused, however well it is signed; in compatible mode both ways work."""
    assert house
    [sample] = [entry for entry in encrypted(".json") if "plain_post" in entry["file"]]
    body = json.loads((COLLECTION / sample["file"]).read_text(encoding="utf-8"))["body"].encode()
    for mode, status in (("safe", 403), ("compat", 200), ("plain", 200)):
        app = create_app(account(settings, sample["expect"], wechat_mode=mode))
        answer = app.test_client().post("/wechat", query_string=signed(sample["expect"]["token"]), data=body)
        assert answer.status_code == status, mode


def test_the_reading_agrees_with_an_independent_one() -> None:
    """Our reading of each payload's elements is what another parser reads."""
    compared = 0
    for entry in payloads():
        expected = entry["expect"].get("fields")
        if not expected:
            continue
        try:
            fields = parse_fields(decode((COLLECTION / entry["file"]).read_bytes()))
        except Refused:
            assert not entry["expect"]["well_formed"]
            continue
        for name, value in expected.items():
            if isinstance(value, str):
                assert str(fields[name]).strip() == value.strip(), (entry["file"], name)
                compared += 1
    assert compared > 100
