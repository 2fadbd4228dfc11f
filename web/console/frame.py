"""What stands around every page: who is logged in, where they can go, what is pressing, how they want it to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.assembly import utc_now
from bot.errcodes import FAULT_KEY
from cases import alarms, contacts, handling, limits, preferences
from cases.numbers import number_of
from cases.training import TRAINERS
from cases.words import ROLES, title_of
from web.console.nav import MOST, nav
from web.console.present import Alarm, Person, Tab
from web.console.strip import WATCHERS, bulk_strips, warnings

if TYPE_CHECKING:
    from cases.access import Actor
    from cases.city import City
    from cases.handling import ListOf
    from cases.storage import Book

# Lists that are shown only while there is something in them, and those whose length is nobody's work.
RARE = frozenset({"asked", "called", "supervised", "first"})
UNCOUNTED = frozenset({"ended", "reported"})


def frame(book: Book, city: City, found: Actor, current: str = "") -> dict[str, Any]:
    """Return what the frame of each page shows; `current` is the list that one looks at, if it is one."""
    tabs = list_tabs(book, city, found, current)
    return {
        "me": person(city, found),
        "tabs": tabs,
        "nav": nav(book, city, found, tabs),
        "prefs": preferences.of(book, found.staff_id),
        "alarms": alarm_lines(book, city, found),
        "account_fault": book.meta(FAULT_KEY) if found.role in WATCHERS else "",
        "warnings": warnings(book, city, found),
        "bulks": bulk_strips(book, found, utc_now()),
    }


def person(city: City, found: Actor) -> Person:
    """Return who is logged in."""
    return Person(
        name=found.name,
        role_name=ROLES[found.role],
        unit_name=city.units[found.unit_id].name,
        is_admin=found.role == "admin",
        trains=found.role in TRAINERS,
    )


def list_tabs(book: Book, city: City, found: Actor, current: str) -> list[Tab]:
    """Return a person's lists with their counts; a rare one only while it has something in it."""
    counted = [(each, _counted(book, each)) for each in handling.lists_of(city, found)]
    return [
        Tab(each.key, each.name, count, current=each.key == current)
        for each, count in counted
        if count or each.key not in RARE or each.key == current
    ]


def _counted(book: Book, each: ListOf) -> int:
    return 0 if each.key in UNCOUNTED else book.count_up_to(each.scope, MOST + 1)


def alarm_lines(book: Book, city: City, found: Actor) -> list[Alarm]:
    """Return the unacknowledged alarms that this person is to see."""
    now = utc_now()
    return [
        Alarm(number_of(case.id), contacts.hidden(title_of(case.text)), limits.spoken_time(case.alarmed_at or now, now))
        for case in alarms.ringing(book, city, found, now)
    ]
