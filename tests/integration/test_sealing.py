"""What tells who somebody is stands sealed in the database; keys change while the service runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import text

from cases.storage import migrate
from cases.storage.engine import alembic_config
from cases.storage.sealing import sealed_columns
from cases.storage.tables import InboxRow, StaffRow
from cases.vault import SealError, Vault
from tests.integration.people import Resident, Staff, message_xml
from tests.integration.test_commands import run
from tests.services import DATA_KEY, VAULT
from web import create_app, house_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from bot.assembly import House
    from settings import Settings

PHONE, WORDS = "13912345678", "翠湖小区3栋楼下井盖坏了，打我电话13700007777"
NEW_KEY = "another data key, which is long enough"


def raw(house: House, table: str) -> list[dict[str, Any]]:
    """Return a table as whoever steals the database reads it."""
    with house.store.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]


def fill(app: Flask, house: House) -> Resident:
    """Let there be something in every sealed column."""
    person = Resident(app, "oSealed0000000000000000001")
    person.say(WORDS)
    with house.store.write() as book:
        account = book.staff_by_login("urban")
        assert account is not None
        account.phone, account.external_id = PHONE, "wecom:zhangsan"
        account.totp_secret = house.vault.seal("A" * 32)
    return person


def test_nothing_can_be_read_in_the_database(app: Flask, house: House) -> None:
    """Whoever has the database and not the key reads no phone of staff, no openid, and no message as it came."""
    person = fill(app, house)
    stolen = repr([raw(house, table) for table in ("staff", "residents", "inbox", "meta")])
    for secret in (PHONE, person.openid, "zhangsan", "13700007777", "井盖"):
        assert secret not in stolen
    with house.store.read() as book:
        [resident] = book.resident(person.openid)
        account = book.staff_by_external("wecom:zhangsan")
        [message] = book.messages_of(resident.id)
    assert account is not None
    assert (resident.openid, account.phone, account.login) == (person.openid, PHONE, "urban")
    assert message.fields["Content"] == WORDS
    assert message.reply


def test_the_same_is_sealed_differently(app: Flask, house: House) -> None:
    """Two people with one phone cannot be told to have it; an empty phone stays empty."""
    fill(app, house)
    with house.store.write() as book:
        for login, phone in (("dispatcher", PHONE), ("water", "")):
            account = book.staff_by_login(login)
            assert account is not None
            account.phone = phone
    phones = {row["login"]: row["phone"] for row in raw(house, "staff")}
    assert phones["urban"] != phones["dispatcher"]
    assert phones["water"] == ""


def test_one_openid_is_one_resident(app: Flask, house: House) -> None:
    """A repeated delivery and a second message find the same resident again by the digest."""
    person = Resident(app, "oSealed0000000000000000002")
    xml = message_xml(person.openid, "text", message_id="77", Content=WORDS)
    assert person.deliver(xml).text == person.deliver(xml).text
    person.say("就在单元门口")
    with house.store.read() as book:
        assert (len(book.resident(person.openid)), len(book.messages_of(person.case().resident_id or 0))) == (1, 2)


def test_staff_are_found_by_their_phone(app: Flask, house: House, staff: Callable[[str], Staff]) -> None:
    """The administrator's list of staff is still searched by a part of the phone."""
    fill(app, house)
    page = staff("admin").client.get("/console/registry/staff", query_string={"q": "345678"}).text
    assert PHONE in page
    assert "dispatcher</td>" not in page
    assert "urban" in page


def test_with_another_key_nothing_is_shown_or_spoilt(app: Flask, house: House, settings: Settings) -> None:
    """With a wrong key commands end with one line that names the setting, and nothing is written over."""
    fill(app, house)
    before = raw(house, "staff")
    wrong = create_app(replace(settings, data_key="w" * 40, data_keys_previous=()))
    result = run(wrong, "erase-resident", "oSealed0000000000000000001")
    assert (result.exit_code, len(result.output.strip().splitlines())) == (1, 1)
    assert "DATA_KEY" in result.output
    with pytest.raises(SealError), house_of(wrong).store.read() as book:
        book.staff()
    assert raw(house, "staff") == before
    house_of(wrong).store.engine.dispose()


@pytest.fixture
def renewed(app: Flask, house: House, settings: Settings) -> Iterator[tuple[Resident, Flask]]:
    """Give a resident from before, and the service after it got a new key."""
    person = fill(app, house)
    changed = create_app(replace(settings, data_key=NEW_KEY, data_keys_previous=(DATA_KEY,)))
    yield person, changed
    house_of(changed).store.engine.dispose()


def test_keys_are_changed(renewed: tuple[Resident, Flask], house: House, settings: Settings) -> None:
    """After `rotate-keys` the old key opens nothing and can be dropped; residents are found as before."""
    person, changed = renewed
    result = run(changed, "rotate-keys")
    assert result.exit_code == 0, result.output
    for table, columns in (("staff", ("phone", "external_id", "totp_secret")), ("residents", ("openid",))):
        values = [row[column] for row in raw(house, table) for column in columns if row[column]]
        assert values
        assert {VAULT.open(value) for value in values} == {""}
    assert "换了 0 处" in run(changed, "rotate-keys").output
    alone = create_app(replace(settings, data_key=NEW_KEY, data_keys_previous=(), secret_key="s" * 40))
    with house_of(alone).store.read() as book:
        [resident] = book.resident(person.openid)
        account = book.staff_by_external("wecom:zhangsan")
        [message] = book.messages_of(resident.id)
    assert account is not None
    assert (account.phone, message.fields["Content"]) == (PHONE, WORDS)
    assert house_of(alone).vault.open(account.totp_secret) == "A" * 32
    assert "已存在" not in Resident(alone, person.openid).say("还是没人来修")
    assert len(Resident(alone, person.openid).cases()) == 1
    house_of(alone).store.engine.dispose()


def test_a_change_of_keys_may_break_off(
    renewed: tuple[Resident, Flask], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch by batch, values under both keys can be read, and running the command again does only the rest."""
    person, changed = renewed
    monkeypatch.setattr("cases.storage.sealing.RESEALED_AT_ONCE", 3)
    later = house_of(changed)
    assert "staff.phone" in sealed_columns()
    with later.store.write() as book:
        count, after = book.reseal("staff.phone", None)
    assert (count, after is None) == (3, False)
    with later.store.read() as book:
        assert PHONE in {account.phone for account in book.staff()}
    before = len([row for row in raw(house, "staff") if row["phone"] and VAULT.open(row["phone"])])
    result = run(changed, "rotate-keys")
    assert f"staff.phone: {before}" in result.output
    assert Resident(changed, person.openid).case()


def test_what_somebody_changes_meanwhile_stays(renewed: tuple[Resident, Flask]) -> None:
    """A phone that is changed while keys are changed keeps its new value."""
    _person, changed = renewed
    store = house_of(changed).store
    with store.write() as book:
        account = book.staff_by_login("urban")
        assert account is not None
        account.phone = "13500000000"
        book.flush()
        book.reseal("staff.phone", None)
    with store.read() as book:
        kept = book.get(StaffRow, account.id)
    assert kept is not None
    assert kept.phone == "13500000000"


def test_what_stood_there_plainly_is_sealed(app: Flask, house: House, tmp_path: Path) -> None:
    """A database from before gets everything sealed by the migration, and loses nothing; going back opens it again."""
    person = fill(app, house)
    url = house.settings.database_url
    house.store.engine.dispose()
    command.downgrade(alembic_config(url, VAULT), "0009")
    plain = repr([raw(house, table) for table in ("staff", "residents", "inbox")])
    assert all(secret in plain for secret in (PHONE, person.openid, "zhangsan", "13700007777"))
    house.store.engine.dispose()
    migrate(url, VAULT)
    sealed = repr([raw(house, table) for table in ("staff", "residents", "inbox")])
    assert not any(secret in sealed for secret in (PHONE, person.openid, "zhangsan", "13700007777"))
    again = create_app(house.settings)
    with house_of(again).store.read() as book:
        [resident] = book.resident(person.openid)
        [message] = book.messages_of(resident.id)
        assert message.fields["Content"] == WORDS
        assert book.staff_by_external("wecom:zhangsan")
        assert book.count_of(InboxRow) == 1
    house_of(again).store.engine.dispose()
    if url.startswith("sqlite"):
        house.store.engine.dispose()
        assert PHONE.encode() not in (tmp_path / "test.sqlite3").read_bytes()


def test_a_vault_opens_old_and_seals_new() -> None:
    """A vault with two keys opens both, seals with the first, and says what has to be sealed anew."""
    old, both = Vault("o" * 40), Vault("n" * 40, "o" * 40)
    sealed = old.seal(PHONE)
    assert both.open(sealed) == PHONE
    renewed = both.renewed(sealed)
    assert renewed is not None
    assert (both.renewed(renewed), Vault("n" * 40).open(renewed), old.open(renewed)) == (None, PHONE, "")
    with pytest.raises(SealError):
        Vault("x" * 40).renewed(sealed)
