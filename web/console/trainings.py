"""One training: asked for, watched, cancelled; its version compared with the one in use, and released."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import abort, redirect, render_template, url_for

from bot.assembly import utc_now
from cases import comparison, learning, training, worktime
from cases.storage.learning import TrainingRow
from web.console import charts
from web.console.fates import moment
from web.console.frame import frame
from web.console.learning import RUNNING, tried
from web.console.session import Page, only
from web.uploads import LAST_ID, words_of

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

SHOWN_CONFUSIONS = 12
AT = f"/learning/trainings/<int(max={LAST_ID}):training_id>"


def register(routes: Blueprint, house: House) -> None:
    """Add asking, watching, cancelling, releasing."""
    guarded = partial(only, training.TRAINERS, house=house)
    routes.post("/learning/trainings", endpoint="ask_training")(guarded(_ask, writes=True))
    routes.get(AT, endpoint="training")(guarded(partial(_show, house), writes=False))
    routes.post(f"{AT}/cancel", endpoint="cancel_training")(guarded(_cancel, writes=True))
    routes.post(f"{AT}/release", endpoint="release")(guarded(partial(_release, house), writes=True))


def _ask(book: Book, _city: City, me: Actor) -> Page:
    answer = tried(lambda: training.ask(book, me, utc_now()), "开始排队，马上训练。", url_for("console.learning"))
    row = book.training_in_work()
    return redirect(url_for("console.training", training_id=row.id)) if row is not None else answer


def _found(book: Book, training_id: int) -> TrainingRow:
    return book.get(TrainingRow, training_id) or abort(404)


def _cancel(book: Book, _city: City, me: Actor, training_id: int) -> Page:
    return tried(
        lambda: training.cancel(book, me, training_id, utc_now()),
        "正在取消。",
        url_for("console.training", training_id=training_id),
    )


def _release(house: House, book: Book, city: City, me: Actor, training_id: int) -> Page:
    folder, names = house.settings.models_dir / learning.MATTERS, _names(city)
    return tried(
        lambda: training.release(
            book, folder, me, _found(book, training_id), names, utc_now(), reason=words_of("reason")
        ),
        "已上线，从下一条消息起用新版本。随时可以退回。",
        url_for("console.training", training_id=training_id),
    )


def _names(city: City) -> dict[str, str]:
    return {code: category.name for code, category in city.categories.items()}


def _show(house: House, book: Book, city: City, me: Actor, training_id: int) -> Page:
    row = _found(book, training_id)
    version = house.understanding.matters_model()
    return render_template(
        "console/training.html",
        **frame(book, city, me, "learning"),
        row=row,
        state=RUNNING[row.state],
        at=moment(row.asked_at),
        log=[(_clock(at), words) for at, words in row.log],
        live=version is not None and version.version == row.version,
        report=_report(city, row.report) if row.report else None,
    )


def _clock(at: str) -> str:
    """Return a moment of the log as the time of day."""
    return f"{datetime.fromisoformat(at).astimezone(worktime.CHINA):%H:%M:%S}"


def _report(city: City, report: dict[str, Any]) -> dict[str, Any]:
    """Return a comparison as the page shows it; without a frozen set only what was learnt from."""
    told: dict[str, Any] = {"taught": report["taught"], "starter": report["starter"], "texts": report.get("texts", 0)}
    if "after" not in report:
        return told
    names = _names(city)
    wrong = [each for each in report["confusion"] if each["truth"] != each["guess"]][:SHOWN_CONFUSIONS]
    return told | {
        "before": report["before"],
        "after": report["after"],
        "against": comparison.objections(report, names),
        "kinds": sorted(
            ((names.get(kind.label, kind.label), kind) for kind in comparison.kinds_of(report)),
            key=lambda each: (-each[1].loss, -each[1].support),
        ),
        "heat": charts.heat_map(report["confusion"], names),
        "wrong": [(_named(names, each["truth"]), _named(names, each["guess"]), each["count"]) for each in wrong],
        "curve": charts.line(report["curve"]),
        "promise": comparison.promise(report["curve"]),
        "moved": [
            (each["number"], _named(names, each["from"]), _named(names, each["to"]), _queue(city, each["to"]))
            for each in report["moved"]
        ],
    }


def _named(names: dict[str, str], code: str) -> str:
    return names.get(code, code)


def _queue(city: City, code: str) -> str:
    """Return where cases of a kind go, in words."""
    category = city.categories.get(code)
    if category is None:
        return ""
    unit = city.by_code.get(category.queue)
    return {"grid": "所在网格", "street": "所在街道"}.get(category.queue, unit.name if unit is not None else "派单台")
