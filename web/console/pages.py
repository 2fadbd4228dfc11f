"""The case, and the actions on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import abort, flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from bot.media import BadMedia
from cases import contacts, facts, handling, hints, once
from cases.handling import Inputs, NoSuchCase
from cases.ledger import NotAllowed
from cases.numbers import case_id_of
from cases.once import AlreadySent
from cases.words import ACTIONS
from cases.workflow import RULES, Action
from web.console import sending, shape
from web.console.forms import action_forms
from web.console.frame import frame
from web.console.login import inside
from web.console.maps import way_to
from web.console.session import Page, actor, anybody
from web.uploads import decimal, kept_photos, kept_voice, whole, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import CaseRow


def register(routes: Blueprint, house: House) -> None:
    """Add the pages about cases."""

    @routes.get("/cases/<number>")
    def case(number: str) -> Page:
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            row, held = handling.access_case(book, city, me, case_id_in(number))
            page = shape.case_page(book, city, me, row, held, utc_now(), house.similar.likeness)
            return render_template("console/case.html", **frame(book, city, me), case=page, back="")

    routes.get("/cases/<number>/quick", endpoint="quick")(anybody(_quick, house, writes=False))

    @routes.post("/cases/<number>/<action>")
    def act(number: str, action: str) -> Page:
        chosen = next((known for known in handling.HANDLERS if known == action), None) or abort(404)
        return _act(house, number, chosen)

    @routes.post("/cases/<number>/hints")
    def case_hints(number: str) -> Page:
        """Say what may be missing in an answer that is being written; nothing of it is kept."""
        with house.store.read() as book:
            city = house.cities.current(book)
            row, _ = handling.access_case(book, city, actor(book, city), case_id_in(number))
            told = _unanswered(book, row)
        found = hints.hints(request.form.get("action", ""), words_of(), told)
        return render_template("console/hints.html", hints=found)

    @routes.app_errorhandler(NoSuchCase)
    def no_such_case(_error: NoSuchCase) -> Page:
        return error_page(404, "没有这个工单", "号码不对，或者它不归您管。")

    for code, (title, words) in ERRORS.items():
        routes.app_errorhandler(code)(_error_view(code, title, words))


def _quick(book: Book, city: City, me: Actor, number: str) -> Page:
    """Give what is most done to a case, for the row in a list that was pushed aside."""
    row, _ = handling.access_case(book, city, me, case_id_in(number))
    forms = action_forms(book, city, me, row)
    offer = contacts.offer(me, row, book.history(row.id))
    likely = next((form for form in forms if form.action not in NOT_LIKELY), None)
    return render_template(
        "console/quick.html",
        number=number,
        likely=likely,
        direct=likely is not None and likely.asks_nothing,
        replies=any(form.action == "reply" for form in forms),
        calls=offer.may and bool(offer.masked),
        way=way_to(row),
        back=inside(_came_from()) or url_for("console.queue"),
    )


def _act(house: House, number: str, action: Action) -> Page:
    """Do one action, once: its files are looked at only for those whose case it is."""
    case_id, back = case_id_in(number), inside(request.form.get("back", ""))
    here, key = url_for("console.case", number=number), request.form.get("once", "")
    try:
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            once.check(book, me.staff_id, key)
            handling.access_case(book, city, me, case_id)
        with _inputs(house, action) as inputs, house.store.write() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            sent = once.claim(book, me.staff_id, key, utc_now())
            row = handling.act(book, city, me, case_id, action, inputs, utc_now())
            address = back or (here if facts.relations(book, city, me, row) else url_for("console.queue"))
            once.finish(sent, address)
    except AlreadySent as before:
        return sending.again(before)
    except (NotAllowed, BadMedia) as refusal:
        return sending.refused(refusal, back or here)
    flash(_done(action, row), "ok")
    return redirect(address)


def _unanswered(book: Book, case: CaseRow) -> str:
    """Return what the resident said since staff last spoke to them: what came before has had its answer."""
    said = [case.text]
    for row in book.history(case.id):
        if row.who == "staff" and row.public:
            said = []
        elif row.who == "resident":
            said.append(row.text)
    return "\n".join(said)


def _came_from() -> str:
    """Return the page of ours that asks, without the host."""
    there = urlsplit(request.referrer or "")
    return f"{there.path}?{there.query}" if there.query else there.path


# Not worth a big button beside a row.
NOT_LIKELY = frozenset({Action.REPLY, Action.NOTE, Action.MERGE})
ERRORS = {
    400: ("这次提交过期了", "页面开得太久了。请返回刷新一下，再试一次。"),
    403: ("这里需要别的权限", "您的账号不能看这一页。"),
    404: ("没有这一页", "地址不对，或者已经不在了。"),
    405: ("不能这样打开", "请从页面上的按钮进入。"),
    413: ("文件太大了", "请一次少选几张照片。"),
    500: ("出了点问题", "我们这边出错了，内容没有丢。请稍后再试。"),
}


def error_page(code: int, title: str, words: str) -> tuple[str, int]:
    """Return an error page that needs neither login nor database."""
    return render_template("console/error.html", me=None, code=code, title=title, words=words), code


def _error_view(code: int, title: str, words: str) -> Page:
    return lambda _error: error_page(code, title, words)


def case_id_in(number: str) -> int:
    """Return the id that a number in an address means. Raises NoSuchCase."""
    case_id = case_id_of(number)
    if case_id is None:
        raise NoSuchCase
    return case_id


@contextmanager
def _inputs(house: House, action: Action) -> Iterator[Inputs]:
    """Read an action's fields and keep its photos."""
    form, phase = request.form, "after" if action in RESULTS else ""
    with (
        kept_photos(house.media, "photos", phase=phase) as photos,
        kept_photos(house.media, "before", phase="before") as before,
        kept_voice(house.media, reads="voice" in house.reader.kinds) as voice,
    ):
        if voice and action is not Action.NOTE:
            raise NotAllowed("只有内部备注能录音。")
        yield Inputs(
            text=words_of() or (SPOKEN if voice else ""),
            unit=form.get("unit", ""),
            units=tuple(form.getlist("units")),
            category=form.get("category", ""),
            reason=form.get("reason", ""),
            where=words_of("where"),
            how=form.get("how", ""),
            person=whole(form.get("person", "")),
            days=decimal(form.get("days", "")),
            hours=decimal(form.get("hours", "")),
            other=case_id_of(form.get("other", "")) or 0,
            task=whole(form.get("task", "")),
            photos=(*before, *photos, *voice),
        )


# What stands in the history for a note that is only spoken.
SPOKEN = "（语音）"

# Actions whose photos show how it is now.
RESULTS = frozenset({Action.SETTLE, Action.REPORT_RESULT})

# What was done, where the action's name says it badly.
DONE = {
    Action.SET_OUT: "记下了：您在路上",
    Action.ASSIGN: "已交给他办",
    Action.CONTACT: "联系记下了",
    Action.NOTE: "备注记下了",
    Action.REJECT: "已结案：不归我们管",
    Action.REPORT_UNSOLVED: "说明报上去了",
    Action.MEASURE: "处置措施记下了",
    Action.END_ALARM: "险情已解除",
    Action.EMPTY_TASK: "已记为空响应",
    Action.VERIFY_PASS: "核查通过，已结案",
    Action.VERIFY_FAIL: "核查不通过，已退回重办",
}


def _done(action: Action, case: CaseRow) -> str:
    told = {rule.action for rule in RULES if rule.tells} - {Action.VERIFY_PASS, Action.VERIFY_FAIL}
    words = DONE.get(action, f"已{ACTIONS[action]}")
    return f"{words}，正在告诉居民。" if action in told and case.resident_id is not None else f"{words}。"
