"""From rows to what the pages show."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import url_for

from cases import contacts, handling, limits, neighbours, words
from cases.numbers import number_of, spoken
from cases.routing import PLACE_SOURCES
from cases.storage.tables import ResidentRow, StaffRow
from cases.workflow import UNRESOLVED, Action, State
from web.console import panels
from web.console.fates import fates, moment, window
from web.console.forms import action_forms, canned
from web.console.maps import map_view, way_to
from web.console.present import CaseLine, CasePage, Entry, Event, Media

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import AttachmentRow, CaseRow, HistoryRow, OutboxRow
    from cases.workflow import Relation

    Likeness = Callable[[str, Sequence[str]], Sequence[float]]

CHANNELS = {"wechat": "微信", "import": "导入", "patrol": "巡查上报", "api": "接口"}
EVENT_NAMES = words.EVENTS | {str(key): name for key, name in words.ACTIONS.items()}
# What staff write for each other: it stands in the talk as an internal note.
INTERNAL = frozenset({Action.NOTE, Action.CONTACT, Action.MEASURE, Action.END_ALARM, Action.ANSWER_TASK})
DUE_VERBS = {
    State.NEW: "前派单",
    State.ASSIGNED: "前受理",
    State.ACCEPTED: "前办结",
    State.RESOLVED: "前等居民核查",
}


def case_line(book: Book, city: City, case: CaseRow, now: datetime, *, looked: bool = False) -> CaseLine:
    """Return a case as one line of a list; numbers in its words are masked, unless this person has `looked`."""
    category = city.categories.get(case.category_code or "")
    number = number_of(case.id)
    photos = sum(part.kind == "photo" for part in book.attachments(case.id))
    return CaseLine(
        number=number,
        spoken=spoken(number),
        title=contacts.readable(" ".join(case.text.split()), looked=looked) or "（没有文字）",
        category=category.name if category else "类别待定",
        place=contacts.readable(case.place_words, looked=looked) or "地点待定",
        state=case.state,
        state_name=words.state_of(case.state, case.solved, words.STAFF_STATES),
        holder=city.units[case.holder_id].name,
        due=_due(case, now),
        card=_card(case, now),
        urgent=case.urgent or bool(category and category.urgent),
        urges=case.urges,
        heat=neighbours.heat(book, case),
        attention=words.ATTENTION.get(case.attention, ""),
        photos=photos,
        opened=_ago(case.opened_at, now),
    )


def _card(case: CaseRow, now: datetime) -> str:
    counts = State(case.state) in UNRESOLVED
    return (limits.card(case.due_at, case.alert_at, case.alert_step, now) or "") if counts else ""


def case_page(
    book: Book, city: City, me: Actor, case: CaseRow, held: frozenset[Relation], now: datetime, alike: Likeness
) -> CasePage:
    """Return everything on a case's page, with the actions that this person may take now.

    `alike` says how much a text is like others in meaning, from 0 to 1.
    """
    history, names = book.history(case.id), _Names(book, city)
    resident = book.get(ResidentRow, case.resident_id) if case.resident_id else None
    looked = contacts.has_looked(book, me, case, now)
    offer = contacts.offer(me, case, history)
    reporter = _reporter(names, resident, case)

    def read(text: str) -> str:
        return contacts.readable(text, looked=looked)

    return CasePage(
        line=case_line(book, city, case, now, looked=looked),
        text=read(case.text),
        channel=CHANNELS.get(case.channel, case.channel),
        resident=reporter,
        anonymous=case.anonymous,
        waiting_since=_waiting(reporter, case, now),
        next_step=_next_step(city, case),
        place_source=PLACE_SOURCES.get(case.place_source, ""),
        grid=city.units[case.grid_id].name if case.grid_id is not None else "",
        map=map_view(city, case),
        joined=tuple((number_of(each.id), read(each.text)) for each in book.merged_into(case.id)),
        merged_into=number_of(case.merged_into_id) if case.merged_into_id is not None else "",
        reasons=tuple(read(str(reason)) for reason in case.reasons),
        guesses=tuple(_guess(city, guess) for guess in case.guesses),
        evidence=tuple(str(each[0] if isinstance(each, list) else each) for each in case.evidence),
        model_version=case.model_version or "",
        rule=next((rule.said for rule in city.rules if rule.id == case.rule_id), ""),
        result=read(case.result),
        explained=case.outcome == "unsolved" or case.state == State.UNSOLVED,
        rating=words.RATINGS.get(case.rating or "", ""),
        rating_words=read(case.rating_words),
        window=window(book, resident, now),
        thread=_thread(book, case, history, names, _Eyes(read, offer, voices=handling.may_hear(case, held))),
        events=tuple(_event(row, names, read) for row in history if row.action != "answer"),
        contact=offer,
        way=way_to(case),
        actions=action_forms(book, city, me, case),
        tasks=panels.task_list(book, city, case, now),
        danger=panels.alarm_panel(book, case),
        twins=panels.twins(book, city, me, case, alike),
        others=panels.others(book, city, me, case, held),
        canned=canned(book, city, me, case),
        notes=panels.notes(book, city, case, now),
    )


class _Names:
    """Names of those who appear in a history, looked up once each."""

    def __init__(self, book: Book, city: City) -> None:
        self._book, self._city = book, city
        self._known: dict[int, str] = {}

    def of(self, row: HistoryRow) -> str:
        if row.staff_id is None:
            return {"resident": "居民", "bot": "小助手", "system": "系统"}[row.who]
        return self.person(row.staff_id)

    def person(self, staff_id: int | None) -> str:
        if staff_id is None:
            return ""
        if staff_id not in self._known:
            account = self._book.get(StaffRow, staff_id)
            unit = self._city.units[account.unit_id].name if account else ""
            self._known[staff_id] = f"{account.name}（{unit}）" if account else "已注销账号"
        return self._known[staff_id]


@dataclass(frozen=True)
class _Eyes:
    """What this person may read and hear: texts as they may read them, the numbers offered, the resident's voice."""

    read: Callable[[str], str]
    offer: contacts.Offer
    voices: bool


def _thread(book: Book, case: CaseRow, history: Sequence[HistoryRow], names: _Names, eyes: _Eyes) -> tuple[Entry, ...]:
    """Return the talk: what the resident hears and says, and the internal notes."""
    parts: dict[int | None, list[AttachmentRow]] = defaultdict(list)
    for part in book.attachments(case.id):
        parts[part.history_id].append(part)
    owed: dict[int | None, list[OutboxRow]] = defaultdict(list)
    for message in book.owed(case.id):
        owed[message.history_id].append(message)
    entries, phone, earlier = [], "、".join(eyes.offer.masked), None
    for row in history:
        messages = owed[row.id]
        internal = row.action in INTERNAL
        if not (row.public or messages or internal):
            continue
        notice = next((message.text for message in messages if message.text), "")
        media = tuple(media_of(part, heard=eyes.voices, read=eyes.read) for part in parts[row.id])
        entries.append(
            Entry(
                at=moment(row.at),
                who=row.who,
                name=names.of(row),
                text=eyes.read(_said(row, parts[row.id]) if row.public or internal else notice),
                public=row.public or bool(messages),
                media=media,
                deliveries=fates(case, messages, phone),
                earlier=earlier,
            )
        )
        earlier = next((each for each in media if each.url and each.phase == "before"), earlier)
    return tuple(entry for entry in entries if entry.text or entry.media)


def _said(row: HistoryRow, parts: Sequence[AttachmentRow]) -> str:
    """Return the words of a line; a voice shows its own below itself."""
    return "" if any(part.transcript == row.text for part in parts) else row.text


def media_of(part: AttachmentRow, *, heard: bool, read: Callable[[str], str] = contacts.hidden) -> Media:
    """Return a photo, voice or video; of a voice that this person may not hear only the words."""
    if part.kind == "voice" and not heard:
        return Media(part.kind, "withheld", "", "", read(part.transcript), "", "居民要求匿名，语音只给派单员听")
    stored = part.state == "stored"
    url = url_for("console.file", attachment_id=part.id) if stored else ""
    thumbnail = url_for("console.file", attachment_id=part.id, thumb=1) if stored and part.kind != "voice" else ""
    seconds = f"{part.seconds:.0f}秒" if part.seconds else ""
    by = words.TRANSCRIBED_BY.get(part.transcript_by, "")
    shown = read(part.transcript)
    return Media(
        part.kind, part.state, url, thumbnail, shown, seconds, part.error, by, part.id, part.phase,
        part.seconds or 0, _timing(part) if shown == part.transcript else (),
    )  # fmt: skip


def _timing(part: AttachmentRow) -> tuple[tuple[float, float, str], ...]:
    """Return what is said when; of words in which numbers are hidden nothing, as a number may lie across two parts."""
    return tuple((start, end, text) for start, end, text in part.timing or ())


def _event(row: HistoryRow, names: _Names, read: Callable[[str], str]) -> Event:
    routed = row.who == "system" and row.action == Action.SEND
    action = words.ROUTED if routed else EVENT_NAMES.get(row.action, row.action)
    moved = row.to_state and row.from_state != row.to_state
    state = f"→ {words.STAFF_STATES[State(str(row.to_state))]}" if moved else ""
    return Event(moment(row.at), names.of(row), f"{action} {state}".strip(), read(row.text))


def _guess(city: City, guess: dict[str, float | str]) -> tuple[str, str]:
    category = city.categories.get(str(guess["code"]))
    return (category.full_name if category else str(guess["code"]), f"{float(guess['probability']):.0%}")


def _due(case: CaseRow, now: datetime) -> str:
    if case.due_at is None:
        return ""
    if case.due_at <= now:
        return f"已超时{limits.span(now - case.due_at)}"
    verb = DUE_VERBS[State(case.state)]
    if case.state == State.ACCEPTED and case.contacted_at is None:
        verb = "前联系居民"
    return f"{limits.spoken_time(case.due_at, now)}{verb}"


def _next_step(city: City, case: CaseRow) -> str:
    holder = city.units[case.holder_id].name
    return {
        State.NEW: "派单员派单" if case.paused_at is None else "等居民回话",
        State.ASSIGNED: f"{holder}受理",
        State.ACCEPTED: f"{holder}办理，报告结果",
        State.RESOLVED: "等居民核查",
        State.CLOSED: "" if case.rating else "已办结，等居民评价",
        State.UNSOLVED: "",
        State.REJECTED: "",
        State.WITHDRAWN: "",
        State.MERGED: "",
    }[State(case.state)]


def _waiting(reporter: str, case: CaseRow, now: datetime) -> str:
    if case.ended_at is not None or case.state == State.RESOLVED:
        return ""
    return f"{reporter}，已等{limits.span(now - case.opened_at)}"


def _reporter(names: _Names, resident: ResidentRow | None, case: CaseRow) -> str:
    """Return who reported: a resident by their number, a member of staff by name, another platform."""
    if resident is not None:
        return "匿名居民" if case.anonymous else f"居民 {resident.id:04d}"
    return names.person(case.reporter_id) or "（无微信）"


def _ago(at: datetime, now: datetime) -> str:
    return f"{limits.span(now - at)}前" if now - at >= timedelta(minutes=1) else "刚刚"
