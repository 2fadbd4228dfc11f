"""The administrator's routing rules: the list in its order, a form without syntax, a trial before they go live."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from flask import current_app, flash, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.assembly import utc_now
from cases import audit, facts
from cases.city import VERSION_KEY
from cases.deciding import areas_of, place_of
from cases.numbers import number_of, spoken
from cases.rehearsal import LATELY, MOST, SHOWN, rehearse
from cases.rule_changes import NEW, applied, keep, same_live, saving
from cases.rule_checks import build
from cases.rules import UNREADABLE, Draft, read_rule
from cases.worktime import CHINA
from web.console.frame import frame
from web.console.present import RuleLine, TrialLine
from web.console.rule_form import draft_from, form_of
from web.console.session import Page, admins_only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.rehearsal import Moved, Rehearsal
    from cases.rules import Rule
    from cases.storage import Book

HOUR = 3600
DONE = {
    "save": "“{name}”已保存。",
    "on": "“{name}”已启用，新来的工单马上按它办。",
    "off": "“{name}”已停用。",
    "up": "“{name}”已上移。",
    "down": "“{name}”已下移。",
    "delete": "“{name}”已删除。",
}
DOING = {
    "save": "修改“{name}”",
    "on": "启用“{name}”",
    "off": "停用“{name}”",
    "up": "上移“{name}”",
    "down": "下移“{name}”",
    "delete": "删除“{name}”",
}
BUTTONS = {"on": "启用", "off": "停用", "delete": "删除"}


def register(routes: Blueprint, house: House) -> None:
    """Add the list, the form, the trial, and what puts a change to work."""
    routes.get("/rules", endpoint="rules")(admins_only(_show, house, writes=False))
    routes.get("/rules/edit", endpoint="edit_rule")(admins_only(_edit, house, writes=False))
    routes.post("/rules/save", endpoint="save_rule")(admins_only(_save, house, writes=True))
    routes.post("/rules/change", endpoint="change_rule")(admins_only(_change, house, writes=True))
    routes.get("/rules/trial", endpoint="trial")(admins_only(_trial, house, writes=False))
    routes.post("/rules/apply", endpoint="apply_rules")(admins_only(_apply, house, writes=True))


def _show(book: Book, city: City, me: Actor) -> Page:
    uses = book.rule_uses(utc_now() - LATELY)
    lines = [_line(rule, at, uses.get(rule.id, 0)) for at, rule in enumerate(city.rules, start=1)]
    return render_template("console/rules.html", **frame(book, city, me), lines=lines, days=LATELY.days)


def _line(rule: Rule, at: int, uses: int) -> RuleLine:
    state = "broken" if rule.fault else "on" if rule.active else "off"
    return RuleLine(rule.id, at, rule.name, rule.said, rule.note, state, rule.active, rule.fault, rule.hint, uses)


def _edit(book: Book, city: City, me: Actor) -> Page:
    """Show the form: of the rule with this id, else an empty one."""
    number = request.args.get("id", "")
    draft = _draft(city, number) if number else Draft(NEW, "", active=False, conditions={}, queue="")
    if draft is None:
        flash("这条规则已经被删掉了。", "warn")
        return redirect(url_for("console.rules"))
    return _form(book, city, me, draft, "")


def _form(book: Book, city: City, me: Actor, draft: Draft, fault: str) -> Page:
    rule = read_rule(draft)
    unreadable = UNREADABLE if rule.fault and draft.id != NEW else ""
    page = render_template(
        "console/rule.html", **frame(book, city, me), form=form_of(city, rule), fault=fault or unreadable
    )
    return page, 400 if fault else 200


def _save(book: Book, city: City, me: Actor) -> Page:
    number = request.form.get("id", "")
    known = _draft(city, number) if number not in {"", str(NEW)} else None
    draft, fault = draft_from(city, request.form, known)
    fault = fault or build([draft], city.known)[0].fault
    if fault:
        return _form(book, city, me, draft, fault)
    return _make(book, city, me, saving(draft))


def _change(book: Book, city: City, me: Actor) -> Page:
    do, number = request.form.get("do", ""), request.form.get("id", "")
    if do not in DONE or do == "save" or _draft(city, number) is None:
        flash("没有改：这条规则可能已经被删掉了。", "error")
        return redirect(url_for("console.rules"))
    return _make(book, city, me, {"do": do, "id": int(number)})


def _make(book: Book, city: City, me: Actor, change: Mapping[str, Any]) -> Page:
    """Make a change that alters nothing about where cases go; show first what any other would do."""
    try:
        after = applied(city.drafts, change)
    except KeyError:
        flash("没有改：这条规则已经被删掉了。", "error")
        return redirect(url_for("console.rules"))
    if not same_live(city.drafts, after):
        token = _signer().dumps({"change": dict(change), "version": city.version})
        return redirect(url_for("console.trial", token=token))
    return _put(book, city, me, change, after)


def _put(book: Book, city: City, me: Actor, change: Mapping[str, Any], after: Sequence[Draft]) -> Page:
    keep(book, after, me.staff_id, utc_now())
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    audit.changed(
        book, me, f"派单规则 {change['id'] or '新'}", DOING[change["do"]].format(name=_name(city, change)), utc_now()
    )
    new = change["do"] == "save" and change["id"] == NEW
    words = "“{name}”已保存，还没启用。" if new else DONE[change["do"]]
    flash(words.format(name=_name(city, change)), "ok")
    return redirect(url_for("console.rules"))


def _trial(book: Book, city: City, me: Actor) -> Page:
    """Show what a change would have done to last month's cases."""
    asked = _asked(request.args.get("token", ""))
    if asked is None:
        flash("试算过期了，请再来一次。", "warn")
        return redirect(url_for("console.rules"))
    change = asked["change"]
    try:
        after = applied(city.drafts, change)
    except KeyError:
        flash("这条规则已经被删掉了。", "warn")
        return redirect(url_for("console.rules"))
    found = rehearse(book, city, after, utc_now())
    return render_template(
        "console/trial.html",
        **frame(book, city, me),
        found=found,
        lines=[_trial_line(book, city, me, each) for each in found.shown],
        token=_signer().dumps({"change": change, "version": city.version}),
        doing=DOING[change["do"]].format(name=_name(city, change)),
        button=BUTTONS.get(change["do"], "就这么改"),
        **_affected(city, after, change, found),
        days=LATELY.days,
        most=MOST,
        most_shown=SHOWN,
    )


def _affected(city: City, after: Sequence[Draft], change: Mapping[str, Any], found: Rehearsal) -> dict[str, Any]:
    """Return the rule that a change is about, as it will be, how often it would fire, and what the change breaks."""
    rules = build(after, city.known)
    rule = next((each for each in rules if each.id == change["id"]), None)
    before = {each.id for each in city.rules if each.fault}
    broken = [each for each in rules if each.fault and each.active and each.id not in before]
    return {"rule": rule, "fires": found.fired.get(change["id"], 0), "broken": broken}


def _trial_line(book: Book, city: City, me: Actor, moved: Moved) -> TrialLine:
    """Return a case of a trial without its words: who may read them opens the case."""
    case = moved.case
    category = city.categories.get(case.category_code or "")
    areas = areas_of(city, place_of(city, case))
    opened = case.opened_at.astimezone(CHINA)
    return TrialLine(
        opens=bool(facts.relations(book, city, me, case)),
        number=number_of(case.id),
        spoken=spoken(number_of(case.id)),
        opened=f"{opened.month}月{opened.day}日 {opened:%H:%M}",
        category=category.name if category else "类别待定",
        area=areas[-1].name if areas else "地点待定",
        before=moved.before,
        after=moved.after,
        rule=moved.rule,
    )


def _apply(book: Book, city: City, me: Actor) -> Page:
    """Put a change to work that was shown: made for the rules as they are now, else it is shown anew."""
    asked = _asked(request.form.get("token", ""))
    if asked is None:
        flash("试算过期了，请再来一次。", "warn")
        return redirect(url_for("console.rules"))
    if asked["version"] != city.version:
        flash("试算以后，规则、类别或地点又改过。请按现在的再看一遍。", "warn")
        return redirect(url_for("console.trial", token=request.form["token"]))
    return _put(book, city, me, asked["change"], applied(city.drafts, asked["change"]))


def _draft(city: City, number: str) -> Draft | None:
    return next((draft for draft in city.drafts if str(draft.id) == number), None)


def _name(city: City, change: Mapping[str, Any]) -> str:
    return str(change.get("name") or next(draft.name for draft in city.drafts if draft.id == change["id"]))


def _asked(token: str) -> dict[str, Any] | None:
    """Return what a trial was about, if this server has shown it within the last hour."""
    try:
        found: dict[str, Any] = _signer().loads(token, max_age=HOUR)
    except BadData:
        return None
    return found


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="rules")
