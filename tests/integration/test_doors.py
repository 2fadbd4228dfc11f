"""Other ways in: whole round trips to a stand-in provider and a stand-in WeCom, and everything that is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey

from cases import outside
from cases.storage.security import SessionRow
from cases.storage.trail import Sought
from tests.integration.people import Staff
from tests.integration.providers import CLIENT, SECRET, Colleagues, Provider, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from bot.assembly import House
    from settings import Settings

HOME, OIDC, WECOM = "/console/home", "/console/login/oidc", "/console/login/wecom"
NOT_DONE = "单位统一登录没有成功"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Use SQLite: what differs between databases is tested with logging in."""
    return f"sqlite:///{tmp_path}/doors.sqlite3"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Give an OIDC provider."""
    made = Provider()
    with served(made.app, made.port):
        yield made


@pytest.fixture
def colleagues() -> Iterator[Colleagues]:
    """Give a WeCom."""
    made = Colleagues()
    with served(made.app, made.port):
        yield made


@pytest.fixture
def settings(settings: Settings, provider: Provider, colleagues: Colleagues) -> Settings:
    """Give settings that name both."""
    return replace(
        settings,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        wecom_corp_id="ww0001",
        wecom_agent_id="1000002",
        wecom_secret="a-wecom-secret",
        wecom_api_base=colleagues.base,
    )


def local(address: str) -> str:
    """Return the path and query of an address of ours."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def go(client: FlaskClient, wanted: str = "") -> str:
    """Go to the provider and come back; return the address that it sent the browser to."""
    there = client.get(OIDC, query_string={"next": wanted}).headers["Location"]
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.get(there, allow_redirects=False, timeout=5)
    return local(answer.headers["Location"])


def by_oidc(client: FlaskClient, wanted: str = "") -> TestResponse:
    """Log in by the provider."""
    return client.get(go(client, wanted))


def sessions_in(house: House) -> list[str]:
    """Return by which way each session began."""
    with house.store.read() as book:
        return [row.how for row in book.rows_of(SessionRow)]


def test_the_way_there_and_back(app: Flask, house: House, provider: Provider) -> None:
    """The provider's person is let in as the account of that name, goes where they wanted, and is known ever after."""
    client = app.test_client()
    page = client.get("/console/login?next=/console/team").text
    assert "单位统一登录" in page
    assert 'href="/console/login/oidc?next=/console/team"' in page
    assert by_oidc(client, "/console/team").headers["Location"] == "/console/team"
    assert client.get(HOME).status_code == 200
    provider.person = {"sub": "sub-1", "preferred_username": "renamed"}
    again = app.test_client()
    assert by_oidc(again, "https://evil.example/").headers["Location"] == HOME
    assert "urban" in again.get("/console/me/security").text
    provider.person = {"sub": "sub-2", "preferred_username": "urban"}
    assert outside.UNKNOWN in by_oidc(app.test_client()).text
    with house.store.read() as book:
        assert [line.detail.partition("，")[0] for line in book.sought(Sought(action="login")).lines] == [
            "统一登录"
        ] * 2
    assert sessions_in(house) == ["oidc"] * 2


@pytest.mark.parametrize("person", [{"sub": "sub-9", "preferred_username": "stranger"}, {"sub": "sub-9"}])
def test_nobody_gets_an_account_by_itself(app: Flask, house: House, provider: Provider, person: dict[str, str]) -> None:
    """Whom the provider knows and we do not is told whom to ask, and no account is made."""
    with house.store.read() as book:
        before = len(book.staff())
    provider.person = person
    answer = by_oidc(app.test_client())
    assert (answer.status_code, outside.UNKNOWN in answer.text) == (403, True)
    with house.store.read() as book:
        assert len(book.staff()) == before
    assert not sessions_in(house)


@pytest.mark.parametrize(
    "spoil",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "http://evil.example"},
        {"aud": "another-client"},
        {"exp": 1_000_000_000},
        {"sub": None},
    ],
)
def test_a_spoilt_identity_is_refused(app: Flask, house: House, provider: Provider, spoil: dict[str, object]) -> None:
    """An identity for another sign-in, issuer, client or time lets nobody in."""
    provider.spoil = spoil
    answer = by_oidc(app.test_client())
    assert (answer.status_code, NOT_DONE in answer.text) == (401, True)
    assert not sessions_in(house)


def test_a_forged_answer_is_refused(app: Flask, house: House, provider: Provider) -> None:
    """An answer with another state, in another browser, twice, or signed by another key lets nobody in."""
    client, other = app.test_client(), app.test_client()
    back = go(client)
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert NOT_DONE in client.get(f"{OIDC}/back?code={code}&state=forged").text
    assert NOT_DONE in client.get(f"{OIDC}/back?code={code}").text
    assert NOT_DONE in other.get(back).text
    assert client.get(back).status_code == 302
    assert NOT_DONE in client.get(back).text
    assert sessions_in(house) == ["oidc"]
    provider.published = RSAKey.generate_key(2048, {"kid": "one"})
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    fresh = app.test_client()
    assert NOT_DONE in by_oidc(fresh).text
    assert NOT_DONE in fresh.get(f"{OIDC}/back?error=access_denied").text


def test_another_verifier_is_refused(app: Flask, provider: Provider) -> None:
    """A code that was taken from one browser's address is of no use: its verifier never left that browser."""
    victim, thief = app.test_client(), app.test_client()
    code = parse_qs(urlsplit(go(victim)).query)["code"][0]
    own = parse_qs(urlsplit(go(thief)).query)["state"][0]
    assert NOT_DONE in thief.get(f"{OIDC}/back?code={code}&state={own}").text
    assert not provider.codes.get(code)


def test_an_identity_has_to_be_there(app: Flask, provider: Provider) -> None:
    """A provider that gives a token and no identity lets nobody in."""
    provider.with_identity = False
    assert NOT_DONE in by_oidc(app.test_client()).text


def test_a_strange_provider(app: Flask, provider: Provider) -> None:
    """A provider that calls itself something else than the settings do is not asked any further."""
    provider.calls_itself = "http://evil.example"
    assert NOT_DONE in app.test_client().get(OIDC).text
    provider.calls_itself = provider.issuer
    assert by_oidc(app.test_client()).headers["Location"] == HOME


def test_the_second_step_is_theirs(app: Flask, house: House, provider: Provider) -> None:
    """Who comes by the provider is asked for no code of ours: the provider answers for that."""
    with house.store.write() as book:
        account = book.staff_by_login("urban", lock=True)
        assert account is not None
        account.totp_secret, account.must_change = house.vault.seal("A" * 32), True
    assert provider.person["preferred_username"] == "urban"
    client = app.test_client()
    assert by_oidc(client).headers["Location"] == HOME
    assert client.get(HOME).status_code == 200


def scan(client: FlaskClient, wanted: str = "") -> str:
    """Go to WeCom; return the state that it was given."""
    there = urlsplit(client.get(WECOM, query_string={"next": wanted}).headers["Location"])
    asked = parse_qs(there.query)
    assert (there.netloc, asked["appid"], asked["agentid"]) == ("login.work.weixin.qq.com", ["ww0001"], ["1000002"])
    assert urlsplit(asked["redirect_uri"][0]).path == f"{WECOM}/back"
    return asked["state"][0]


def test_by_wecom(app: Flask, house: House, colleagues: Colleagues) -> None:
    """Who scans is let in as the account of that name, where they wanted to go; a token is lent once for many."""
    colleagues.codes = {"c1": "urban", "c2": "urban", "c3": "urban"}
    for code in ("c1", "c2"):
        client = app.test_client()
        assert "用企业微信登录" in client.get("/console/login").text
        answer = client.get(f"{WECOM}/back?code={code}&state={scan(client, '/console/team')}")
        assert answer.headers["Location"] == "/console/team"
        assert client.get(HOME).status_code == 200
    assert len(colleagues.tokens) == 1
    colleagues.gone = set(colleagues.tokens)
    client = app.test_client()
    assert client.get(f"{WECOM}/back?code=c3&state={scan(client)}").headers["Location"] == HOME
    assert len(colleagues.tokens) == 2
    with house.store.read() as book:
        account = book.staff_by_login("urban")
    assert account is not None
    assert account.external_id == "wecom:urban"
    assert sessions_in(house) == ["wecom"] * 3


def test_wecom_refuses(app: Flask, house: House, colleagues: Colleagues) -> None:
    """A forged state, another browser, a used code, a stranger and an unknown colleague are each told what to do."""
    colleagues.codes = {"c1": "nobody-here", "c2": "", "c3": "urban"}
    client, other = app.test_client(), app.test_client()
    state = scan(client)
    assert "没有成功" in client.get(f"{WECOM}/back?code=c3&state=forged").text
    assert "没有成功" in other.get(f"{WECOM}/back?code=c3&state={state}").text
    assert "没有成功" in client.get(f"{WECOM}/back?code=c3&state={state}").text  # a state is good for one answer
    state = scan(client)
    with client.session_transaction() as session:
        session["wecom_state"] = [state, session["wecom_state"][1] - 600]
    assert "没有成功" in client.get(f"{WECOM}/back?code=c3&state={state}").text  # and not for long
    assert outside.UNKNOWN in client.get(f"{WECOM}/back?code=c1&state={scan(client)}").text
    assert "请再扫一次" in client.get(f"{WECOM}/back?code=c1&state={scan(client)}").text
    assert "不是这个企业的成员" in client.get(f"{WECOM}/back?code=c2&state={scan(client)}").text
    assert "没有成功" in client.get(f"{WECOM}/back?state={scan(client)}").text
    assert not sessions_in(house)


def test_within_wecom_there_is_nothing_to_scan(app: Flask) -> None:
    """In WeCom's own browser the way is WeCom's question, not a code that the same phone would have to scan."""
    there = app.test_client().get(WECOM, headers={"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger/7 wxwork/4.1"})
    address = urlsplit(there.headers["Location"])
    assert (address.netloc, address.fragment) == ("open.weixin.qq.com", "wechat_redirect")


def test_the_registry_names_them(house: House, app: Flask, provider: Provider, staff: Callable[[str], Staff]) -> None:
    """The administrator enters what the provider calls somebody: then the name does not matter, and two never share."""
    admin = staff("admin")
    page = admin.client.get("/console/registry/staff/row?key=water").text
    form = {"name": "水工", "role": "department", "unit": "dept-water", "external": "sub-7"}
    assert "已保存" in admin.post("/console/registry/staff/row", page, key="water", **form).text
    again = admin.post("/console/registry/staff/row", page, key="", login="second-one", **form)
    assert "水工已经是这个统一登录账号了" in again.text
    provider.person = {"sub": "sub-7", "preferred_username": "urban"}
    client = app.test_client()
    assert by_oidc(client).status_code == 302
    assert "water" in client.get("/console/me/security").text
    with house.store.read() as book:
        urban = book.staff_by_login("urban")
    assert urban is not None
    assert urban.external_id is None


def test_the_provider_is_away(app: Flask, provider: Provider) -> None:
    """With the provider away the login page says so and still takes passwords."""
    provider.app.view_functions["about"] = lambda: ("", 503)
    answer = app.test_client().get(OIDC)
    assert (answer.status_code, "现在连不上" in answer.text) == (503, True)
    assert Staff(app, "urban").client.get(HOME).status_code == 200
