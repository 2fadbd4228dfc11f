"""The classifier's page for dispatchers: how it does in daily work, when to train, from which certainty it decides."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from cases import audit, figures, learning, training
from cases.city import CONFIDENT_KEY, VERSION_KEY
from cases.ledger import NotAllowed
from cases.storage.tables import StaffRow
from classifier.package import current_version
from web.console import charts
from web.console.fates import moment
from web.console.frame import frame
from web.console.session import Page, only
from web.uploads import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.figures import Share, Step
    from cases.storage import Book
    from cases.storage.labels import Judged

LOOKED_BACK = timedelta(days=90)
SHOWN_TRAININGS, SHOWN_RELEASES, SHOWN_KINDS = 5, 8, 12
LEAST_PERCENT, MOST_PERCENT = 5, 99
# A word is new when so many of the newest cases have it and the classifier has never learnt it.
NEW_WORD, NEWEST_CASES = 4, 500
RUNNING = {"waiting": "在排队", "running": "进行中", "done": "完成", "failed": "没有成功", "cancelled": "已取消"}


def register(routes: Blueprint, house: House) -> None:
    """Add the page, the threshold, and rolling back."""
    guarded = partial(only, training.TRAINERS, house=house)
    routes.get("/learning", endpoint="learning")(guarded(partial(_show, house), writes=False))
    routes.post("/learning/confidence", endpoint="learning_confidence")(guarded(_set_confidence, writes=True))
    routes.post("/learning/rollback", endpoint="roll_back")(guarded(partial(_roll_back, house), writes=True))


def _show(house: House, book: Book, city: City, me: Actor) -> Page:
    now = utc_now()
    folder = house.settings.models_dir / learning.MATTERS
    version = current_version(folder)
    judged = book.judged(now - LOOKED_BACK)
    opened = book.opened_doubtful(now - figures.BEFORE - figures.LATELY)
    weeks, doubt = figures.weekly(judged), figures.doubt_by_week(((at, sure) for at, sure, _ in opened), city.confident)
    mix = figures.mix_shift(((at, kind) for at, _, kind in opened), now)
    return render_template(
        "console/learning.html",
        **frame(book, city, me, "learning"),
        version=version,
        since=_since(book, version),
        running=book.training_in_work(),
        due=figures.due(_new_labels(book), weeks, doubt, mix, _unknown(house, book, city)),
        total=figures.Share(sum(map(figures.is_right, judged)), len(judged)),
        weeks=charts.bars(weeks),
        doubt=charts.bars(doubt),
        kinds=_kinds(city, figures.by_kind(judged)),
        steps=_steps(judged, city.confident),
        confident=round(city.confident * 100),
        mix=[(_name(city, kind), before, after) for kind, before, after in mix[:5]],
        strange=_strange(house, book),
        trainings=[_training(book, row) for row in book.trainings(SHOWN_TRAININGS)],
        releases=[_release(book, row, version) for row in book.releases(SHOWN_RELEASES)],
        most=(LEAST_PERCENT, MOST_PERCENT),
    )


def _name(city: City, code: str) -> str:
    category = city.categories.get(code)
    return category.name if category is not None else code


def _new_labels(book: Book) -> int:
    """Return how many labels there are since the last training that was done."""
    done = next((row for row in book.trainings(SHOWN_TRAININGS * 4) if row.state == "done"), None)
    return book.labels_since(done.asked_at if done is not None else None)


def _unknown(house: House, book: Book, city: City) -> dict[str, int]:
    """Return the kinds that the version in use does not know, with how many labels each has."""
    model = house.understanding.matters_model()
    known = set(model.labels) if model is not None else set()
    return {
        city.categories[count.label].name: count.by_people
        for count in book.label_counts()
        if count.label in city.categories and count.label not in known
    }


def _strange(house: House, book: Book) -> list[tuple[str, int]]:
    model = house.understanding.matters_model()
    if model is None:
        return []
    texts = [case.text for case in book.recent_texts(utc_now() - figures.LATELY, NEWEST_CASES)]
    return model.strange_words(texts, NEW_WORD)


def _kinds(city: City, rights: dict[str, Share]) -> list[dict[str, Any]]:
    """Return the kinds that were judged most, with their names."""
    return [
        {"code": code, "name": _name(city, code), "share": share} for code, share in list(rights.items())[:SHOWN_KINDS]
    ]


def _steps(judged: Sequence[Judged], confident: float) -> list[Step]:
    """Return every tenth per cent of the threshold, and the one in use."""
    return [
        step for step in figures.curve(judged, confident) if step.threshold * 10 % 1 == 0 or step.threshold == confident
    ]


def _since(book: Book, version: str | None) -> str:
    row = next((row for row in book.releases(training.HISTORY) if row.version == version), None)
    if row is None:
        return "出厂自带"
    return f"{moment(row.at)} {'上线' if row.kind == 'release' else '换回'}"


def _who(book: Book, staff_id: int | None) -> str:
    row = book.get(StaffRow, staff_id) if staff_id is not None else None
    return row.name if row is not None else ""


def _training(book: Book, row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    after = (row.report or {}).get("after")
    return {
        "id": row.id,
        "state": RUNNING[row.state],
        "at": moment(row.asked_at),
        "who": _who(book, row.asked_by),
        "accuracy": after["accuracy"] if after else None,
    }


def _release(book: Book, row: Any, version: str | None) -> dict[str, Any]:  # noqa: ANN401 - a row
    return {
        "version": row.version,
        "at": moment(row.at),
        "who": _who(book, row.staff_id),
        "what": "上线" if row.kind == "release" else "退回到",
        "reason": row.reason,
        "before": row.from_version if row.from_version != version else None,
        "training": row.training_id,
        "current": row.version == version,
    }


def _set_confidence(book: Book, _city: City, me: Actor) -> Page:
    text = request.form.get("confident", "")
    if not LEAST_PERCENT <= whole(text) <= MOST_PERCENT:
        flash(f"没有保存：请填 {LEAST_PERCENT} 到 {MOST_PERCENT} 之间的整数。", "error")
    else:
        book.set_meta(CONFIDENT_KEY, str(int(text) / 100))
        book.set_meta(VERSION_KEY, uuid.uuid4().hex)
        audit.changed(book, me, "自动派单的把握", f"{text}%", utc_now())
        flash(f"已保存：把握有 {text}% 的自动派，低于的交派单员。", "ok")
    return redirect(url_for("console.learning", _anchor="knob"))


def _roll_back(house: House, book: Book, _city: City, me: Actor) -> Page:
    version = request.form.get("version", "")
    return tried(
        lambda: training.roll_back(book, house.settings.models_dir / learning.MATTERS, me, version, utc_now()),
        "已退回，从下一条消息起用这个版本。",
        url_for("console.learning"),
    )


def tried(act: Callable[[], object], done: str, back: str) -> Page:
    """Do something and say so, or say why not."""
    try:
        act()
    except NotAllowed as refusal:
        flash(str(refusal), "error")
    else:
        flash(done, "ok")
    return redirect(back)
