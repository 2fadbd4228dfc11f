"""What comes by itself: changed cases and notices as server-sent events, who else is here, alarms, the bell.

An event names cases by number only; the page asks for what it shows, with its rights. Each stream ends after a while
and the browser opens the next, so that rights and log-ins are looked at again.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from flask import Response, jsonify, render_template, request

from cases import handling
from cases.access import hears_unit
from cases.words import STAFF_NOTICES
from web.console.frame import alarm_lines
from web.console.notices import PRESSING
from web.console.pages import case_id_in
from web.console.session import Page, actor, anybody
from web.pulse import Presence, Pulse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.news import News
    from cases.storage import Book

STREAM_SECONDS = 110.0
# So often a silent stream says that it is there: thus a reader who has left is noticed, and their thread is free.
BEAT_SECONDS = 3.0
AGAIN_MS, LATER_MS = 1000, 20_000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def register(routes: Blueprint, house: House) -> None:
    """Add what pages ask for in the background."""
    pulse, presence = Pulse(house.store, house.cities), Presence(house.redis)
    routes.record_once(lambda state: state.app.extensions.update(pulse=pulse))
    routes.get("/alarms", endpoint="alarms")(anybody(_alarms, house, writes=False))
    routes.get("/bell", endpoint="bell")(anybody(_bell, house, writes=False))

    @routes.get("/live")
    def live() -> Page:
        with house.store.read() as book:
            me = actor(book, house.cities.current(book))
        last = request.headers.get("Last-Event-ID", "")
        return Response(_stream(pulse, me, last), mimetype="text/event-stream", headers=HEADERS)

    @routes.get("/cases/<number>/people")
    def people(number: str) -> Page:
        """Note that this person looks at the case, and tell who else does."""
        case_id = case_id_in(number)
        with house.store.read() as book:
            city = house.cities.current(book)
            me = actor(book, city)
            handling.access_case(book, city, me, case_id)
        return jsonify(people=presence.here(case_id, me.staff_id, me.name))


def _stream(pulse: Pulse, me: Actor, last: str = "") -> Iterator[str]:
    """Yield events until the stream's time is over; with too many watchers only word to come again later."""
    with pulse.watch(last) as since:
        yield f"retry: {AGAIN_MS if since is not None else LATER_MS}\n\n"
        until, beat = time.monotonic() + STREAM_SECONDS, since
        while beat is not None and time.monotonic() < until and pulse.going:
            beat, found = pulse.wait(beat, BEAT_SECONDS)
            news = [mine for each in found if (mine := each.of(me))]
            yield f"id: {pulse.mark_of(beat)}\n{_event(news, me)}" if news else f"id: {pulse.mark_of(beat)}\n\n"


def _event(news: list[News], me: Actor) -> str:
    told = [each for one in news for each in one.told]
    data: dict[str, Any] = {
        "cases": sorted({each.number for one in news for each in one.changed}),
        "came": sorted({number for one in news for number in one.came_to(me)}),
        "notices": [
            {"name": STAFF_NOTICES.get(each.kind, each.kind), "number": each.number, "pressing": each.kind in PRESSING}
            for each in told
        ],
    }
    return f"event: news\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _alarms(book: Book, city: City, me: Actor) -> Page:
    """Show the strip of unacknowledged danger, as every page has it and renews it."""
    return render_template("console/alarms.html", alarms=alarm_lines(book, city, me))


def _bell(book: Book, _city: City, me: Actor) -> Page:
    return render_template("console/bell.html", unread=book.unread(me.staff_id, hears_unit(me)))
