"""Every route for every identity: a new route without a decision in the tables below fails.

Forms are posted empty: whoever may use one gets as far as being told what is missing, and nothing comes of it.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from PIL import Image

from bot.assembly import utc_now
from cases import sessions, tokens
from cases.access import HANDLING_ROLES
from cases.ledger import SYSTEM, Photo, attach, record
from cases.numbers import number_of
from cases.sessions import NOWHERE
from cases.words import ROLES
from tests.integration.people import Resident, Staff
from web import house_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask import Flask
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

# One account of each role, and some more of those whose business depends on the place. The case lies with the city's
# department `urban`, in a grid of the community `cuihusq`.
WHO = {
    "cuihu01b": "grid_officer",
    "cuihu01": "grid_leader",
    "cuihusq": "community",
    "cuihujd": "street",
    "district": "district",
    "city": "city",
    "urban": "department",
    "dispatcher": "dispatcher",
    "leader": "leader",
    "admin": "admin",
    "linjiangsq": "community",
    "linjiangjd": "street",
    "water": "department",
}
EVERYBODY, ADMIN, DISPATCHER = frozenset(ROLES), frozenset({"admin"}), frozenset({"dispatcher"})
TRAINERS = DISPATCHER | ADMIN
HANDLERS, CALLERS = HANDLING_ROLES, frozenset({"dispatcher", "district", "city"})
LOOKERS = HANDLERS | {"dispatcher", "leader"}
# Whose business the case is; whoever arranges the leave of `urban2`.
OF_THE_CASE = frozenset({"cuihusq", "cuihujd", "district", "city", "urban", "dispatcher", "leader"})
OF_THE_PERSON = frozenset({"district", "city", "urban", "admin"})

PUBLIC = frozenset(
    {
        *("static", "static_vendor", "home.start", "home.security_txt", "console.login", "console.login_submit"),
        *("console.login_code", "console.login_code_submit", "console.setup_start", "console.setup_start_submit"),
        *("console.service_worker", "console.offline", "console.token"),
        *("console.oidc", "console.oidc_back", "console.wecom", "console.wecom_back"),
        *("api.openapi", "api.nowhere"),
        *("health.alive", "health.ready", "health.metrics", "wechat.verify", "wechat.receive"),
    }
)
# Residents' pages have identities and a test of their own (test_h5_doors.py); the sandbox is nowhere but on a desk.
ELSEWHERE = ("residents.", "sandbox.")


def each(may: frozenset[str], names: str) -> dict[str, frozenset[str]]:
    """Return the decision for these endpoints of the console."""
    return {f"console.{name}": may for name in names.split()}


# Pages about nothing in particular, and the roles that may use them.
PAGES = (
    each(EVERYBODY, "logout home queue find alarms team notices read_notices me save_me help bell live style")
    | each(EVERYBODY, "bulk order_bulk bulk_strip keep_filter")
    | each(EVERYBODY, "me_security me_password me_totp_start me_totp_confirm me_totp_off me_sessions_end")
    | each(HANDLERS, "report send_report")
    | each(LOOKERS, "whistles")
    | each(LOOKERS, "map map_data")
    | each(CALLERS, "callbacks")
    | each(DISPATCHER, "triage")
    | each(ADMIN, "categories save_category guide save_guide delete_guide texts save_text posters")
    | each(ADMIN, "rules edit_rule save_rule change_rule trial apply_rules audit audit_chain export_audit")
    | each(ADMIN, "setup setup_skip setup_wechat setup_menu")
    | each(
        ADMIN, "registry registry_find registry_grids registry_draw registry_calendar registry_password registry_totp"
    )
    | each(TRAINERS, "learning learning_confidence roll_back ask_training labels new_kind conflicts")
    | each(TRAINERS, "import_labels upload_labels broken")
    | {"api.cases": EVERYBODY, "api.new_case": frozenset({"dispatcher", "street", "district", "city"})}
)
# Pages about one thing, and the roles that may use them at all; for others it does not matter whether it is there.
THINGS = (
    each(DISPATCHER, "triage_decide triage_place triage_ask")
    | each(TRAINERS, "kind set_auto label_cases training cancel_training release settle preview_labels keep_labels")
    | each(ADMIN, "poster_file registry_list registry_row registry_save registry_delete registry_export")
    | each(ADMIN, "registry_import registry_upload registry_preview registry_bring")
    | each(EVERYBODY, "open_notice export_list undo_bulk me_session_end drop_filter help_file")
    | each(CALLERS, "called_back")
    | each(TRAINERS, "retry_broken dismiss_broken")
)
# Pages about one thing that is some people's business (logins): for all others it is not there.
OWN = (
    each(OF_THE_CASE, "case case_file compare people quick act case_hints contact file transcribe")
    | each(OF_THE_PERSON, "person person_leave person_back person_backup person_handover person_depart")
    | dict.fromkeys(["api.case", "api.act"], OF_THE_CASE)
)
MISSING = {
    "number": number_of(999_999),
    "action": "note",
    "attachment_id": "999999",
    "staff_id": "999999",
    "call_id": "999999",
    "key": "no-such-list",
    "notice_id": "999999",
    "bulk_id": "999999",
    "filter_id": "999999",
    "session_id": "999999",
    "training_id": "999999",
    "failure_id": "999999",
    "row_id": "999999",
    "code": "no-such-code",
    "token": "a" * 32,
    "form": "csv",
    "name": "nothing.html",
}
PART = re.compile(r"<(?:[^>]*:)?(\w+)>")
# What is missing in an empty form is said on a page, or by going back.
REACHED = frozenset({200, 302, 303, 400, 409, 422})


class Answer(NamedTuple):
    """What somebody got: the status, and whether it only leads to the login page."""

    status: int
    login: bool


class Desk:
    """The application with one case and its photo, for everybody to try everything."""

    def __init__(self, app: Flask) -> None:
        app.config["WTF_CSRF_ENABLED"] = False  # what is tested is who, not from where
        self.app, self.house = app, house_of(app)
        with self.house.store.read() as book:
            self.ids = {row.login: row.id for row in book.staff()}
        self.keys: dict[str, str] = {}
        resident = Resident(app, "oResident000000000000000001")
        resident.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒")
        case = resident.case()
        content = io.BytesIO()
        Image.new("RGB", (8, 8)).save(content, "PNG")
        stored = self.house.media.keep("photo", content.getvalue())
        with self.house.store.write() as book:
            row = record(book, case, "note", SYSTEM, utc_now())
            photo = attach(book, row, Photo(stored.file, stored.mime), utc_now()).id
        self.own = MISSING | {"number": number_of(case.id), "attachment_id": str(photo)}
        self.own |= {"staff_id": str(self.ids["urban2"]), "code": "grid-cuihu-01"}

    def rules(self, names: Iterable[str]) -> Iterator[Rule]:
        """Yield the routes of these endpoints."""
        wanted = set(names)
        yield from (rule for rule in self.app.url_map.iter_rules() if rule.endpoint in wanted)

    def visit(self, rule: Rule, login: str | None, parts: dict[str, str] | None = None) -> Answer:
        """Open an address, or post its empty form, as somebody or as nobody."""
        client = self.app.test_client()
        if login is not None and rule.endpoint.startswith("api."):
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.key(login)}"
        elif login is not None:
            with client.session_transaction() as session, self.house.store.write() as book:
                session["token"] = sessions.begin(book, self.ids[login], "password", NOWHERE, utc_now())
        named = self.own if parts is None else parts
        address = PART.sub(lambda match: named[match[1]], rule.rule)
        answer: TestResponse = client.get(address) if "GET" in (rule.methods or ()) else client.post(address)
        return Answer(answer.status_code, "/console/login" in answer.headers.get("Location", ""))

    def key(self, login: str) -> str:
        """Return somebody's key to the API; it was made while their account was in use."""
        if login not in self.keys:
            with self.house.store.write() as book:
                account = book.staff_by_login(login)
                assert account is not None
                self.keys[login] = tokens.issue(book, account, "all", utc_now())
        return self.keys[login]


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: who may do what does not hang on the database."""
    return f"sqlite:///{tmp_path}/access.sqlite3"


@pytest.fixture
def desk(app: Flask) -> Desk:
    """Give the application for everybody to try everything."""
    return Desk(app)


def test_every_route_has_a_decision(app: Flask) -> None:
    """Each route stands in exactly one table here, or among those with a test of their own."""
    decided = [*PUBLIC, *PAGES, *THINGS, *OWN]
    assert len(decided) == len(set(decided))
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(ELSEWHERE)}
    assert routes == set(decided)
    assert set(WHO.values()) == EVERYBODY


def test_nobody_is_sent_to_the_login_page(desk: Desk) -> None:
    """Who is not logged in, or whose account was switched off, gets the login page, or 401, wherever they turn."""
    desk.key("traffic")
    with desk.house.store.write() as book:
        account = book.staff_by_login("traffic")
        assert account is not None
        account.active = False
    for rule in desk.rules([*PAGES, *THINGS, *OWN]):
        for login in (None, "traffic"):
            refused = Answer(401, login=False) if rule.endpoint.startswith("api.") else Answer(302, login=True)
            if rule.endpoint != "console.logout":
                assert desk.visit(rule, login) == refused, (rule.endpoint, login)
    assert "账号或密码不对" in Staff(desk.app, "traffic").answer.text


def test_pages_are_for_their_roles(desk: Desk) -> None:
    """Each page opens for the roles that it is for, and is refused to all others."""
    for rule in desk.rules([*PAGES, *THINGS]):
        may = (PAGES | THINGS)[rule.endpoint]
        for login, role in WHO.items():
            answer = desk.visit(rule, login)
            about = (rule.endpoint, login, answer)
            if role not in may:
                assert answer.status == 403, about
            elif rule.endpoint in PAGES:
                assert answer.status in REACHED, about
                assert not answer.login or rule.endpoint == "console.logout", about
            else:
                assert answer.status in REACHED | {404}, about


def test_what_is_not_theirs_is_not_there(desk: Desk) -> None:
    """A case, file or person is there for those whose business it is; a foreign one looks like a missing one."""
    for rule in desk.rules(OWN):
        for login in WHO:
            own, missing = desk.visit(rule, login), desk.visit(rule, login, MISSING)
            about = (rule.endpoint, login, own, missing)
            assert missing.status == 404, about
            assert own.status in REACHED if login in OWN[rule.endpoint] else own.status == 404, about
            assert not own.login, about
