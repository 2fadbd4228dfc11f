"""Cases by API: lists, one case, opening, acting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request, url_for

from cases import contacts, exchange, facts, handling, words
from cases.exchange import CHANNEL_CHARACTERS, KEY_CHARACTERS
from cases.handling import NoSuchCase
from cases.intake import Report
from cases.numbers import case_id_of, number_of
from cases.sheets import ExchangeError
from cases.storage.tables import CaseRow, StaffRow
from cases.workflow import Relation
from web.api import doing
from web.api.shape import Answer, Call, Field, Problem, Route, body_of
from web.uploads import LONGEST_NUMBER

if TYPE_CHECKING:
    from datetime import datetime

    from bot.assembly import House
    from cases.city import City, Unit
    from cases.storage import Book

# Who takes in what other systems report.
TAKERS = frozenset({"dispatcher", "street", "district", "city"})
TEXT_CHARACTERS = 4000
NEW = {
    "source_key": Field("在来的系统里的编号；同一个编号只开一个工单", required=True, most=KEY_CHARACTERS),
    "text": Field("反映的事", required=True, most=TEXT_CHARACTERS),
    "channel": Field("从哪里来，如 12345；不填是 api", most=CHANNEL_CHARACTERS),
    "place": Field("地点，如 翠湖小区3栋", most=60),
    "category": Field("类别编码；不填由分类器判断", most=60),
}
LIST = {"list": Field("哪个列表，见答复里的 lists；不填是第一个"), "page": Field("第几页，从 1 起")}


def _list(call: Call) -> Answer:
    with call.house.store.read() as book:
        lists = handling.lists_of(call.house.cities.current(book), call.actor)
    wanted, page = request.args.get("list", ""), request.args.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) < LONGEST_NUMBER):
        raise Problem(422, "page 要是数字。", ("page 要是数字",))
    if wanted and wanted not in {each.key for each in lists}:
        raise Problem(422, f"没有列表 {wanted[:20]}。", ("list 不存在",))
    told: dict[str, Any] = {"lists": [{"key": each.key, "name": each.name} for each in lists]}
    if not lists:
        return 200, told | {"list": "", "page": 1, "pages": 1, "total": 0, "cases": []}
    chosen = next((each for each in lists if each.key == wanted), lists[0])
    with call.house.store.read() as book:
        city, found = call.house.cities.current(book), book.queue(chosen.scope, int(page))
        rows = [_brief(city, row) for row in found.cases]
    return 200, told | {
        "list": chosen.key,
        "page": found.page,
        "pages": found.pages,
        "total": found.total,
        "cases": rows,
    }


def _brief(city: City, case: CaseRow) -> dict[str, Any]:
    """Return a case in brief; numbers that its words tell are masked."""
    category = city.categories.get(case.category_code or "")
    return {
        "number": number_of(case.id),
        "state": case.state,
        "state_name": words.state_of(case.state, case.solved, words.STAFF_STATES),
        "text": contacts.hidden(case.text),
        "category": {"code": category.code, "name": category.full_name} if category else None,
        "place": contacts.hidden(case.place_words),
        "holder": _unit(city.units[case.holder_id]),
        "channel": case.channel,
        "urgent": case.urgent,
        "opened_at": _moment(case.opened_at),
        "due_at": _moment(case.due_at),
    }


def _unit(unit: Unit) -> dict[str, str]:
    return {"code": unit.code, "name": unit.name}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _one(call: Call) -> Answer:
    with call.house.store.read() as book:
        city = call.house.cities.current(book)
        case, held = handling.access_case(book, city, call.actor, _id(call))
        return 200, _whole(book, city, call, case, notes=bool(held - {Relation.OBSERVER}))


def _id(call: Call) -> int:
    case_id = case_id_of(call.parts["number"])
    if case_id is None:
        raise NoSuchCase
    return case_id


def _whole(book: Book, city: City, call: Call, case: CaseRow, *, notes: bool) -> dict[str, Any]:
    """Return everything about a case; `notes`: with what is internal to those who handle it."""
    moments = ("accept_by", "contact_by", "finish_by", "contacted_at", "resolved_at", "ended_at")
    return _brief(city, case) | {
        "grid": _unit(city.units[case.grid_id]) if case.grid_id is not None else None,
        "handler": _name(book, case.handler_id),
        "anonymous": case.anonymous,
        "outcome": case.outcome,
        "result": contacts.hidden(case.result),
        "rating": case.rating,
        "reasons": [contacts.hidden(str(reason)) for reason in case.reasons],
        "deadlines": {name: _moment(getattr(case, name)) for name in moments},
        "history": [
            {
                "at": _moment(row.at),
                "who": row.who,
                "name": _name(book, row.staff_id),
                "action": row.action,
                "to_state": row.to_state,
                "text": contacts.hidden(row.text),
                "public": row.public,
            }
            for row in book.history(case.id)
            if row.public or notes
        ],
        "allowed_actions": doing.told(book, city, call.actor, case),
    }


def _name(book: Book, staff_id: int | None) -> str | None:
    row = book.get(StaffRow, staff_id) if staff_id is not None else None
    return row.name if row is not None else None


def _open(call: Call) -> Answer:
    given = body_of(NEW)
    given["channel"] = given["channel"] or "api"
    house = call.house
    try:
        case_id, opened = exchange.take_in(house.store, house.cities, given, _classify(house), call.now)
    except ExchangeError as error:
        raise Problem(422, str(error), tuple(error.faults)) from None
    with house.store.read() as book:
        city, case = house.cities.current(book), book.get(CaseRow, case_id)
        if case is None or not (opened or facts.relations(book, city, call.actor, case)):
            # The key is somebody else's: of their case nothing is told.
            raise Problem(409, "这个 source_key 已经用过了。")
        content = _brief(city, case) | {"opened": opened}
    return 201 if opened else 200, content | {"url": url_for("api.case", number=content["number"])}


def _classify(house: House) -> exchange.Classify:
    def classify(text: str) -> Report:
        reading = house.understanding.matter(text)
        return Report(text, guesses=reading.guesses, model_version=reading.model_version, evidence=reading.evidence)

    return classify


def _act(call: Call) -> Answer:
    with call.house.store.read() as book:  # whether it is there is nobody's business but theirs: before what is wrong
        handling.access_case(book, call.house.cities.current(book), call.actor, _id(call))
    given = body_of(doing.FIELDS)
    with call.house.store.write() as book:
        city = call.house.cities.current(book)
        case, _ = handling.access_case(book, city, call.actor, _id(call))
        case = doing.act(book, city, call, case, call.parts["action"], given)
        still = bool(facts.relations(book, city, call.actor, case))
        return 200, _brief(city, case) | {"still_yours": still}


ROUTES = (
    Route("GET", "/cases", "cases", "一个列表里的工单，离时限最近的在前", _list, {200: "CaseList"}, (422,), query=LIST),
    Route(
        "POST", "/cases", "new_case", "开一个工单；同一个 source_key 再来一次得到同一个",
        _open, {201: "Opened", 200: "Opened"}, (400, 409, 422), body=NEW, roles=TAKERS,
    ),
    Route("GET", "/cases/{number}", "case", "一个工单，和现在能对它做什么", _one, {200: "Case"}, (404,)),
    Route(
        "POST", "/cases/{number}/actions/{action}", "act", "对工单做一件事",
        _act, {200: "Acted"}, (400, 404, 409, 422), body=doing.FIELDS,
    ),
)  # fmt: skip
