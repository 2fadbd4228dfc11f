"""From the camera straight to a case: what an officer finds on patrol, settled on the spot or sent where it belongs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for

from bot.assembly import utc_now
from bot.emergency import danger_in
from bot.media import BadMedia
from cases import facts, once, patrol, routing
from cases.access import HANDLING_ROLES
from cases.deeds import Inputs
from cases.intake import Report
from cases.ledger import NotAllowed
from cases.numbers import number_of, spoken
from cases.once import AlreadySent
from web.console import sending
from web.console.forms import kind_groups
from web.console.frame import frame
from web.console.session import Page, actor, only
from web.uploads import kept_photos, kept_voice, words_of

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.ledger import Photo
    from cases.routing import Located
    from cases.storage import Book

TEXT_LIMIT = 500


def register(routes: Blueprint, house: House) -> None:
    """Add the form and what it sends."""
    routes.get("/report", endpoint="report")(only(HANDLING_ROLES, _form, house, writes=False))

    @routes.post("/report")
    def send_report() -> Page:
        with house.store.read() as book:
            if actor(book, house.cities.current(book)).role not in HANDLING_ROLES:
                abort(403)
        text = words_of()[:TEXT_LIMIT]
        told = _told(house, text)
        try:
            with (
                kept_photos(house.media, phase="before") as photos,
                kept_photos(house.media, "after", phase="after") as after,
                kept_voice(house.media, reads="voice" in house.reader.kinds) as voice,
            ):
                return _report(house, told, (*photos, *voice), after)
        except AlreadySent as before:
            return sending.again(before)
        except (NotAllowed, BadMedia) as refusal:
            if sending.by_script():
                return {"refused": str(refusal)}, 422
            flash(str(refusal), "error")
        with house.store.read() as book:
            city = house.cities.current(book)
            return _form(book, city, actor(book, city)), 422


def _form(book: Book, city: City, me: Actor) -> Page:
    return render_template(
        "console/report.html",
        **frame(book, city, me),
        kinds=kind_groups(city, request.form.get("category", "")),
        own=city.units[me.unit_id].name,
        given=request.form,
    )


def _told(house: House, text: str) -> Report:
    """Return what the words say; the models are asked before the transaction, because they take their time."""
    reading = house.understanding.matter(text) if text else None
    danger = danger_in(text, house.understanding.danger(text)) if text else None
    return Report(
        text=text,
        guesses=reading.guesses if reading else (),
        model_version=reading.model_version if reading else None,
        evidence=reading.evidence if reading else (),
        danger=danger or "",
    )


def _report(house: House, told: Report, photos: tuple[Photo, ...], after: tuple[Photo, ...]) -> Page:
    done = Inputs(text=words_of("done_text")[:TEXT_LIMIT], photos=after) if "done" in request.form else None
    with house.store.write() as book:
        city = house.cities.current(book)
        me = actor(book, city)
        sent = once.claim(book, me.staff_id, request.form.get("once", ""), utc_now())
        chosen = request.form.get("category", "")
        guesses = (routing.Guess(chosen, 1.0, chosen=True),) if chosen in city.categories else told.guesses
        report = Report(
            text=told.text,
            place=_place(city, told.text),
            photos=photos,
            guesses=guesses,
            model_version=told.model_version,
            evidence=told.evidence,
            danger=told.danger,
        )
        case = patrol.report(book, city, me, report, utc_now(), done=done)
        holder = city.units[case.holder_id].name
        number = number_of(case.id)
        seen = bool(facts.relations(book, city, me, case))
        address = url_for("console.case", number=number) if seen else url_for("console.queue")
        once.finish(sent, address)
    said = "当场办结，已经归档" if done is not None else f"已上报，交给{holder}"
    flash(f"工单 {spoken(number)}：{said}。", "ok")
    return redirect(address)


def _place(city: City, text: str) -> Located | None:
    """Return the place: as written, else as the phone says, else as the words say."""
    written = words_of("place")
    if written:
        found = city.locate_text(written)
        if found is None:
            raise NotAllowed("没有找到这个地方，请写小区和楼号，或路名和门牌。")
        return found
    lon, lat = _degrees("lon"), _degrees("lat")
    if lon is not None and lat is not None:
        return city.locate_point(lon, lat, "")
    return city.locate_text(text) if text else None


def _degrees(name: str) -> float | None:
    try:
        value = float(request.form.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= 180 else None  # noqa: PLR2004 - degrees
