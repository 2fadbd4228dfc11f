"""The JSON API: the console's use cases with a key in the stead of a login."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bot.assembly import utc_now
from cases import tokens
from cases.numbers import number_of
from cases.storage.trail import Sought
from cases.storage.working import TokenRow
from web.api import ROUTES
from web.api.openapi import SCHEMAS, document

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.test import TestResponse

    from bot.assembly import House
    from tests.integration.people import Resident, Staff

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒，打13812345678找我"
PROBLEM = "application/problem+json"


class Reply(NamedTuple):
    """What a call was answered."""

    status_code: int
    mimetype: str
    text: str
    json: Any


class Caller:
    """Another system that calls the API with somebody's key."""

    def __init__(self, app: Flask, key: str) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> Reply:
        """Read something."""
        return read(self.client.get(f"/api/v1{path}", headers=self.headers))

    def post(self, path: str, body: object = None, **fields: str) -> Reply:
        """Send a body, or these fields as one."""
        sent = body if body is not None else fields
        return read(self.client.post(f"/api/v1{path}", headers=self.headers, json=sent))


def read(answer: TestResponse) -> Reply:
    """Return an answer's parts."""
    return Reply(answer.status_code, answer.mimetype or "", answer.text, answer.get_json(silent=True))


@pytest.fixture
def caller(app: Flask) -> Callable[[str], Caller]:
    """Give a way to call as somebody, with a key from the command line."""

    def call_as(login: str) -> Caller:
        result = app.test_cli_runner().invoke(args=["staff", "token", login, "--name", "测试"])
        assert result.exit_code == 0, result.output
        return Caller(app, result.output.strip())

    return call_as


def fits(content: Any, schema: dict[str, Any]) -> bool:
    """Say whether an answer is as the document says: the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        return fits(content, SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "oneOf" in schema:
        return sum(fits(content, each) for each in schema["oneOf"]) == 1
    if not all(fits(content, each) for each in schema.get("allOf", ())):
        return False
    kinds: dict[str, type] = {
        "string": str,
        "null": type(None),
        "integer": int,
        "boolean": bool,
        "array": list,
        "object": dict,
    }
    named = schema.get("type", list(kinds))
    if not isinstance(content, tuple(kinds[each] for each in ([named] if isinstance(named, str) else named))):
        return False
    if isinstance(content, list):
        return all(fits(each, schema["items"]) for each in content)
    if isinstance(content, dict):
        own = schema.get("properties", {})
        there = all(name in content for name in schema.get("required", ()))
        return there and all(fits(value, own[name]) for name, value in content.items() if name in own)
    return content in schema.get("enum", [content])


def test_the_life_of_a_case(caller: Callable[[str], Caller], resident: Resident, house: House) -> None:
    """What another system opens is listed, read, accepted and finished by API as in the console, number for number."""
    dispatcher, urban = caller("dispatcher"), caller("urban")
    answer = dispatcher.post("/cases", source_key="12345-1", text=MANHOLE, channel="12345")
    assert answer.status_code == 201
    number = answer.json["number"]
    assert answer.json["url"] == f"/api/v1/cases/{number}"
    listed = urban.get("/cases").json
    assert [case["number"] for case in listed["cases"]] == [number]
    assert fits(listed, SCHEMAS["CaseList"])
    whole = urban.get(f"/cases/{number}").json
    assert fits(whole, SCHEMAS["Case"])
    assert (whole["channel"], whole["holder"]["code"]) == ("12345", "dept-urban")
    assert "accept" in [each["action"] for each in whole["allowed_actions"]]
    assert urban.post(f"/cases/{number}/actions/accept").json["state"] == "accepted"
    done = urban.post(f"/cases/{number}/actions/report_result", text="换好了")
    assert (done.status_code, done.json["state"]) == (200, "resolved")
    assert urban.get(f"/cases/{number}").json["result"] == "换好了"
    assert urban.get("/cases?list=resolved").json["total"] == 1
    resident.say(MANHOLE)
    with house.store.read() as book:
        assert len({case.source_key for case in book.every_case()}) == 2


def test_numbers_are_masked(caller: Callable[[str], Caller], resident: Resident) -> None:
    """No answer holds a number that a resident left."""
    resident.say(MANHOLE)
    urban, number = caller("urban"), number_of(resident.case().id)
    assert "138****5678" in urban.get(f"/cases/{number}").text
    assert "13812345678" not in urban.get(f"/cases/{number}").text + urban.get("/cases").text


def test_a_source_key_opens_one_case(caller: Callable[[str], Caller], house: House) -> None:
    """However often and however many at once bring a key, it is one case; another's key tells nothing of its case."""
    dispatcher = caller("dispatcher")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _at: dispatcher.post("/cases", source_key="k", text=MANHOLE), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["number"] for answer in answers}) == 1
    foreign = caller("linjiangjd").post("/cases", source_key="k", text=MANHOLE)
    assert foreign.status_code == 409
    assert answers[0].json["number"] not in foreign.text
    with house.store.read() as book:
        assert len(list(book.every_case())) == 1


BAD = (
    ({"source_key": "x"}, 422, "缺少 text"),
    ({"source_key": "x", "text": "坏了", "colour": "red"}, 422, "colour"),
    ({"source_key": "x", "text": 7}, 422, "text 要是文字"),
    ({"source_key": "x", "text": "坏\0了"}, 422, "text 要是文字"),
    ({"source_key": "x" * 81, "text": "坏了"}, 422, "最多 80"),
    ({"source_key": "x", "text": "坏了", "category": "no/such"}, 422, "no/such"),
    ([1, 2], 400, "JSON 对象"),
    ({"source_key": "x", "text": "长" * 40_000}, 413, "KB"),
)


def test_bad_bodies(caller: Callable[[str], Caller], house: House) -> None:
    """What does not fit is refused as a problem that says what is wrong, and nothing is opened."""
    dispatcher = caller("dispatcher")
    for body, status, words in BAD:
        answer = dispatcher.post("/cases", body)
        assert (answer.status_code, answer.mimetype) == (status, PROBLEM), body
        assert words in answer.json["detail"]
        assert answer.json["status"] == status
        assert fits(answer.json, SCHEMAS["Problem"])
    broken = dispatcher.client.post("/api/v1/cases", headers=dispatcher.headers, data="{", content_type="text/plain")
    assert broken.status_code == 400
    with house.store.read() as book:
        assert not list(book.every_case())


def test_acting(caller: Callable[[str], Caller], resident: Resident) -> None:
    """Unknown actions are not there, those of another state conflict, missing words are told; foreign is missing."""
    resident.say(MANHOLE)
    urban, number = caller("urban"), number_of(resident.case().id)
    foreign, missing = caller("water"), number_of(999_999)
    for who, path, status in (
        (urban, f"/cases/{number}/actions/explode", 404),
        (urban, f"/cases/{number}/actions/rate", 404),
        (urban, f"/cases/{number}/actions/set_out", 409),
        (urban, f"/cases/{number}/actions/reply", 422),
        (urban, f"/cases/{number}/actions/send", 422),
        (urban, f"/cases/{missing}/actions/accept", 404),
        (urban, "/cases/abc/actions/accept", 404),
        (foreign, f"/cases/{number}/actions/accept", 404),
    ):
        answer = who.post(path)
        assert (answer.status_code, answer.mimetype) == (status, PROBLEM), path
    assert foreign.get(f"/cases/{number}").json == urban.get(f"/cases/{missing}").json
    assert resident.case().state == "assigned"
    assert (
        urban.post(f"/cases/{number}/actions/return", reason="not_ours", text="不归我们").json["still_yours"] is False
    )
    dispatcher = caller("dispatcher")
    [send] = [each for each in dispatcher.get(f"/cases/{number}").json["allowed_actions"] if each["action"] == "send"]
    assert "dept-water" in [unit["code"] for unit in send["units"]]
    sent = dispatcher.post(f"/cases/{number}/actions/send", unit="dept-water", category="utility/water")
    assert sent.json["holder"]["code"] == "dept-water"


def test_notes_are_for_those_who_handle(caller: Callable[[str], Caller], resident: Resident) -> None:
    """A note among those who handle a case is not told to who only looks."""
    resident.say(MANHOLE)
    urban, number = caller("urban"), number_of(resident.case().id)
    urban.post(f"/cases/{number}/actions/note", text="找老李")
    assert "找老李" in urban.get(f"/cases/{number}").text
    assert "找老李" not in caller("leader").get(f"/cases/{number}").text


def test_lists(caller: Callable[[str], Caller]) -> None:
    """A list is one of one's own; pages are numbers; who has no list gets none."""
    urban = caller("urban")
    assert urban.get("/cases?list=attention").status_code == 422
    assert urban.get("/cases?page=x").status_code == 422
    assert urban.get("/cases?page=7").json["page"] == 1
    assert caller("admin").get("/cases").json["cases"] == []


def test_only_a_key_opens(app: Flask, staff: Callable[[str], Staff], caller: Callable[[str], Caller]) -> None:
    """A login's cookie is nothing here, nor is a wrong, revoked or sample key; no call needs a form's token."""
    urban = staff("urban")
    answer = urban.client.get("/api/v1/cases")
    assert (answer.status_code, answer.mimetype) == (401, PROBLEM)
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert Caller(app, "wgt_guess").get("/cases").status_code == 401
    assert Caller(app, "").post("/cases", text="x").status_code == 401
    good = caller("urban")
    assert good.get("/cases").status_code == 200
    assert good.post("/cases", source_key="x", text="x").status_code == 403
    runner = app.test_cli_runner()
    assert runner.invoke(args=["staff", "token", "urban", "--name", "测试"]).exit_code == 1
    assert runner.invoke(args=["staff", "token", "nobody", "--name", "测试"]).exit_code == 1
    assert runner.invoke(args=["staff", "revoke-token", "urban", "--name", "测试"]).exit_code == 0
    assert good.get("/cases").status_code == 401
    assert runner.invoke(args=["staff", "revoke-token", "urban"]).exit_code == 1


def test_keys_are_kept_as_digests(house: House, caller: Callable[[str], Caller]) -> None:
    """The database and the trail know no key; that one is in use is written down; issuing and ending are on record."""
    urban = caller("urban")
    key = urban.headers["Authorization"].removeprefix("Bearer ")
    urban.get("/cases")
    with house.store.write() as book:
        account = book.staff_by_login("urban")
        assert account is not None
        [row] = book.tokens_of(account.id)
        assert key not in {row.digest, row.name}
        assert row.used_at is not None
        assert tokens.revoke(book, account, None, utc_now()) == 1
    with house.store.read() as book:
        assert [line.detail for line in book.sought(Sought(action="token")).lines] == ["收回“测试”", "发放“测试”"]
    assert tokens.owner(house.store, key, utc_now(), samples_allowed=True) is None


def test_sample_accounts_have_no_keys_in_production(house: House, caller: Callable[[str], Caller]) -> None:
    """A key of the sample city's accounts opens nothing in production."""
    key = caller("urban").headers["Authorization"].removeprefix("Bearer ")
    assert tokens.owner(house.store, key, utc_now(), samples_allowed=True) is not None
    assert tokens.owner(house.store, key, utc_now(), samples_allowed=False) is None
    assert TokenRow.__tablename__ == "tokens"


def test_the_document(app: Flask) -> None:
    """The OpenAPI document is open to all, tells of every route and no other, and each name in it means something."""
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.json == json.loads(json.dumps(document(ROUTES)))
    told = {(method.upper(), path) for path, methods in answer.json["paths"].items() for method in methods}
    made = {
        (method, re.sub("<(.*?)>", r"{\1}", rule.rule.removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint not in {"api.openapi", "api.nowhere"}
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == made
    for name in re.findall(r"#/components/schemas/(\w+)", answer.text):
        assert name in SCHEMAS
    assert app.test_client().get("/api/v1/nothing").mimetype == PROBLEM
    assert app.test_client().delete("/api/v1/cases").status_code == 404
