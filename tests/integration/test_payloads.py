import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import settings as configuration
from bot.assembly import House
from bot.protocol import Refused, decode, parse_fields
from cases.storage.tables import CaseRow, InboxRow
from tests.integration.people import Resident, signed

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
