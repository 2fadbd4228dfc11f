"""Which way a message goes: as a customer-service message, in brief as a notice, or not at all, and then why.

Known before the call, so that none is wasted; what WeChat knows better closes a way for this sending (`closed`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.choices import tappable
from bot.errcodes import COUNT_USED, ERRORS, NOT_FOLLOWING, OUTSIDE_WINDOW
from bot.links import with_link
from cases import windows, words, worktime
from cases.numbers import number_of
from cases.storage.outbox import BURST
from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow
from cases.workflow import Action

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from bot.links import Links
    from cases.city import City, CityCache
    from cases.storage import Book
    from cases.storage.tables import OutboxRow, ResidentRow
    from settings import Settings, Template

# The last message that WeChat takes is kept from these; and from a second photo.
MINOR = frozenset({BURST})
LAST_KEPT = "只剩最后一条能发，留给要紧的消息"
# Who heard only in brief, or not at all, gets these whole when they write again so soon.
WHEN_BACK = frozenset({"reply", "ask", "rejected", "result", "photo"})
# WeChat's limits by the kind of field, which its name begins with; the others take what a `thing` does.
LENGTHS = {"thing": 20, "character_string": 32, "phrase": 5, "name": 10, "const": 20, "keyword": 60, "short_thing": 20}
LATIN_ONLY = ("character_string",)
# What happened to a case so that its resident is asked what they think of it.
ASKING = frozenset({Action.REPORT_RESULT, Action.VERIFY_PASS})


class Way(StrEnum):
    """How a message goes (`OutboxRow.channel`)."""

    MESSAGE = "customer_service"
    SUBSCRIPTION = "subscription"
    TEMPLATE = "template"


@dataclass(frozen=True)
class Choice:
    """The way that is open, with the template if it is a notice; without one, why not.

    `dropped`: nobody has to know; `lapsed`: the resident need only write for it to go.
    """

    way: Way | None
    why: str = ""
    template: Template | None = None
    dropped: bool = False
    lapsed: bool = False


@dataclass(frozen=True)
class Letter:
    """What goes out: a text, a photo (our name for it), or a notice's template with its fields and link."""

    openid: str
    way: Way
    text: str = ""
    photo: str = ""
    template_id: str = ""
    data: dict[str, str] = field(default_factory=dict)
    link: str = ""


class Ways:
    """Chooses the way of a message, by what this account may send, and writes it out."""

    def __init__(self, settings: Settings, cities: CityCache, links: Links) -> None:
        self._templates, self._subscriptions = settings.wechat_templates, settings.wechat_subscriptions
        self._cities, self._links = cities, links

    def choose(
        self, book: Book, row: OutboxRow, resident: ResidentRow, now: datetime, closed: Collection[Way] = ()
    ) -> Choice:
        """Return the first way that is open."""
        if not resident.following:
            return Choice(None, ERRORS[NOT_FOLLOWING][1])
        left = windows.left(resident.wrote_at, resident.tapped_at, book.pushed_to(resident.id, now), now)
        minor = row.notice in MINOR or (row.attachment_id is not None and book.has_earlier_photo(row))
        if minor and left <= 1:
            return Choice(None, LAST_KEPT, dropped=True)
        if left and Way.MESSAGE not in closed:
            return Choice(Way.MESSAGE)
        brief = words.BRIEF.get(row.notice)
        if brief is not None:
            found = self._brief(book, resident, brief[0], closed)
            if found is not None:
                return found
        until = windows.closes_at(resident.wrote_at, resident.tapped_at)
        used = until is not None and until > now
        return Choice(None, ERRORS[COUNT_USED if used else OUTSIDE_WINDOW][1], lapsed=True)

    def _brief(self, book: Book, resident: ResidentRow, kind: str, closed: Collection[Way]) -> Choice | None:
        """Return the notice that may go: one that the resident agreed to, else a template message."""
        subscription = _of_kind(self._subscriptions, kind)
        granted = subscription is not None and book.grants(resident.id, subscription.id) > 0
        if granted and Way.SUBSCRIPTION not in closed:
            return Choice(Way.SUBSCRIPTION, template=subscription)
        template = _of_kind(self._templates, kind)
        if template is not None and Way.TEMPLATE not in closed:
            return Choice(Way.TEMPLATE, template=template)
        return None

    def letter(self, book: Book, row: OutboxRow, resident: ResidentRow, choice: Choice, now: datetime) -> Letter:
        """Write a message out for the way that was chosen.

        Links are made now and kept nowhere: they live a week from the sending, and staff never see them.
        """
        case = book.get(CaseRow, row.case_id)
        reporter = case is not None and case.resident_id == resident.id
        way = choice.way or Way.MESSAGE
        if choice.template is not None and case is not None:
            data = fill(choice.template, row.notice, case, self._cities.current(book), reporter=reporter, at=now)
            link = self._links.to(resident, f"cases/{number_of(case.id)}" if reporter else "")
            return Letter(resident.openid, way, template_id=choice.template.id, data=data, link=link)
        photo = book.get(AttachmentRow, row.attachment_id) if row.attachment_id else None
        cause = book.get(HistoryRow, row.history_id) if row.history_id else None
        asks = reporter and cause is not None and cause.action in ASKING
        text = with_link(row.text, self._links.offer(resident, case)) if asks else row.text
        return Letter(resident.openid, way, tappable(text), photo.file if photo is not None else "")


def _of_kind(templates: dict[str, Template], kind: str) -> Template | None:
    """Return the template of this kind; the one for progress also says that somebody accepted."""
    return templates.get(kind) or (templates.get("progress") if kind == "accepted" else None)


def fill(template: Template, notice: str, case: CaseRow, city: City, *, reporter: bool, at: datetime) -> dict[str, str]:
    """Return a notice's fields. Followers read what kind of matter it is, and nothing that the reporter said."""
    category = city.categories.get(case.category_code or "")
    values = {
        "number": number_of(case.id),
        "title": words.title_of(case.text) if reporter else (category.name if category else "附近的事"),
        "state": words.BRIEF[notice][1],
        "holder": city.units[case.holder_id].name,
        "time": at.astimezone(worktime.CHINA).strftime("%Y年%-m月%-d日 %H:%M"),
        "hint": words.BRIEF_HINT,
    }
    return {field: fit(field, values[value]) for field, value in template.fields}


def fit(field: str, value: str) -> str:
    """Return a value as WeChat takes it in this field: on one line, cut to its length, Latin where it must be."""
    kind = field.rstrip("0123456789")
    if kind in {"time", "date"}:
        return value
    if kind in LATIN_ONLY:
        value = "".join(filter(str.isascii, value))
    line = "".join(letter for letter in " ".join(value.split()) if letter.isprintable())
    most = LENGTHS.get(kind, LENGTHS["thing"])
    return line if len(line) <= most else line[: most - 1] + "…"
