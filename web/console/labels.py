"""The labels: how many of each kind and by whom, conflicts to settle, a new kind, one kind with search and switch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import audit, dataset, figures, labels, learning, training
from cases.ledger import NotAllowed
from cases.numbers import case_id_of, number_of
from cases.storage.tables import StaffRow
from classifier.package import current_version
from web.console.fates import moment
from web.console.frame import frame
from web.console.learning import tried
from web.console.session import Page, only
from web.uploads import LAST_ID, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.learning import LabelRow
    from cases.storage.tables import CaseRow

SHOWN_CONFLICTS, SHOWN_LABELS = 30, 30


def register(routes: Blueprint, house: House) -> None:
    """Add the pages and what they do."""
    guarded = partial(only, training.TRAINERS, house=house)
    routes.get("/learning/labels", endpoint="labels")(guarded(partial(_show, house), writes=False))
    routes.post("/learning/kinds", endpoint="new_kind")(guarded(_new_kind, writes=True))
    routes.get("/learning/kinds/<path:code>", endpoint="kind")(guarded(partial(_kind, house), writes=False))
    routes.post("/learning/kinds/<path:code>/auto", endpoint="set_auto")(guarded(_set_auto, writes=True))
    routes.post("/learning/kinds/<path:code>/label", endpoint="label_cases")(guarded(_label, writes=True))
    routes.get("/learning/conflicts", endpoint="conflicts")(guarded(_conflicts, writes=False))
    routes.post(f"/learning/conflicts/<int(max={LAST_ID}):row_id>", endpoint="settle")(guarded(_settle, writes=True))


def _show(_house: House, book: Book, city: City, me: Actor) -> Page:
    counts = {count.label: count for count in book.label_counts() if count.label in city.categories}
    most = max((count.total for count in counts.values()), default=1)
    kinds = [
        {
            "code": code,
            "name": category.name,
            "group": category.group_name,
            "auto": category.auto,
            "count": counts.get(code),
        }
        for code, category in city.categories.items()
    ]
    return render_template(
        "console/labels.html",
        **frame(book, city, me, "learning"),
        kinds=sorted(kinds, key=lambda kind: -(kind["count"].total if kind["count"] else 0)),
        most=most,
        few=max(most // dataset.FEW, figures.WANTED_LABELS),
        total=sum(count.total for count in counts.values()),
        tests=sum(count.test for count in counts.values()),
        people=_people(book),
        conflicts=book.conflict_count(),
        groups=list(dict.fromkeys(category.group_name for category in city.categories.values())),
        units=[unit for unit in city.units.values() if unit.kind == "department" and unit.active],
    )


def _people(book: Book) -> list[tuple[str, str, int]]:
    """Return who made how many labels, on what occasion, the most first."""
    counts = sorted(book.origin_counts().items(), key=lambda each: -each[1])
    return [
        (labels.ORIGINS[labels.Origin(origin)], _name(book, staff_id), count) for (origin, staff_id), count in counts
    ]


def _name(book: Book, staff_id: int | None) -> str:
    row = book.get(StaffRow, staff_id) if staff_id is not None else None
    return row.name if row is not None else ""


def _new_kind(book: Book, city: City, me: Actor) -> Page:
    form = request.form
    try:
        code = dataset.new_kind(book, city, me, form.get("name", ""), form.get("group", ""), form.get("queue", ""))
    except NotAllowed as refusal:
        flash(str(refusal), "error")
        return redirect(url_for("console.labels", _anchor="new-kind"))
    audit.changed(book, me, f"类别 {code}", "新加", utc_now())
    flash(f"加好了。找 {figures.WANTED_LABELS} 到 30 件这样的工单标上，再训练，程序就认得了。", "ok")
    return redirect(url_for("console.kind", code=code))


def _report(house: House, book: Book) -> dict[str, Any] | None:
    """Return the comparison of the version in use, if it was trained here."""
    row = book.training_of(current_version(house.settings.models_dir / learning.MATTERS))
    return row.report if row is not None else None


def _kind(house: House, book: Book, city: City, me: Actor, code: str) -> Page:
    category = city.categories.get(code) or abort(404)
    question = request.args.get("question", "").strip()[:40]
    model = house.understanding.matters_model()
    found = dataset.search(book, question) if question else dataset.alike(book, model, code, utc_now() - figures.BEFORE)
    return render_template(
        "console/kind.html",
        **frame(book, city, me, "learning"),
        code=code,
        category=category,
        state=dataset.kind_state(book, code, _report(house, book)),
        steps=figures.curves_by_kind(book.judged(utc_now() - figures.BEFORE)).get(code, [])[1::2],
        known=model is not None and code in model.labels,
        wanted=figures.WANTED_LABELS,
        question=question,
        found=[_found(city, case) for case in found],
        rows=[_label_line(book, row) for row in book.labels_of(code, SHOWN_LABELS)],
    )


def _found(city: City, case: CaseRow) -> dict[str, str]:
    category = city.categories.get(case.category_code or "")
    return {
        "number": number_of(case.id),
        "text": labels.masked(case.text),
        "kind": category.name if category is not None else "类别待定",
    }


def _label_line(book: Book, row: LabelRow) -> dict[str, str]:
    return {
        "text": row.text,
        "at": moment(row.labelled_at),
        "who": _name(book, row.staff_id),
        "origin": labels.ORIGINS[labels.Origin(row.origin)],
    }


def _set_auto(book: Book, _city: City, me: Actor, code: str) -> Page:
    text, auto = request.form.get("confident", "").strip(), "auto" in request.form
    back = url_for("console.kind", code=code)
    if text and not 0 < whole(text) < 100:  # noqa: PLR2004 - per cent
        return tried(partial(_refuse, "把握请填 1 到 99 的整数，或者空着。"), "", back)
    confident = int(text) / 100 if text else None
    done = "已保存：有把握的自动派。" if auto else "已保存：这一类都先交派单员。"

    def keep() -> None:
        dataset.set_auto(book, me, code, confident, auto=auto)
        audit.changed(book, me, f"类别 {code}", "自动派" if auto else "先交派单员", utc_now())

    return tried(keep, done, back)


def _refuse(words: str) -> None:
    raise NotAllowed(words)


def _label(book: Book, city: City, me: Actor, code: str) -> Page:
    case_ids = [case_id for number in request.form.getlist("number") if (case_id := case_id_of(number)) is not None]
    back = url_for("console.kind", code=code, question=request.form.get("question") or None)
    if not case_ids:
        return tried(partial(_refuse, "先勾上几件。"), "", back)
    return tried(
        lambda: dataset.label_cases(book, city, me, case_ids, code, utc_now()), f"标好 {len(case_ids)} 件。", back
    )


def _conflicts(book: Book, city: City, me: Actor) -> Page:
    groups = [_conflict(book, city, rows) for rows in book.conflicts(SHOWN_CONFLICTS)]
    total = book.conflict_count()
    return render_template("console/conflicts.html", **frame(book, city, me, "learning"), groups=groups, total=total)


def _conflict(book: Book, city: City, rows: Sequence[LabelRow]) -> dict[str, Any]:
    said: dict[str, list[str]] = {}
    for row in rows:
        said.setdefault(row.label, []).append(_name(book, row.staff_id) or labels.ORIGINS[labels.Origin(row.origin)])
    kinds = [
        {
            "code": code,
            "name": city.categories[code].name if code in city.categories else code,
            "who": "、".join(dict.fromkeys(who)),
        }
        for code, who in said.items()
    ]
    return {"id": rows[0].id, "text": rows[0].text, "kinds": kinds}


def _settle(book: Book, city: City, me: Actor, row_id: int) -> Page:
    label = request.form.get("label", "")
    return tried(
        lambda: dataset.settle(book, me, row_id, label, city, utc_now()), "已定下来。", url_for("console.conflicts")
    )
