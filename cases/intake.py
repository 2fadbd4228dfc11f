"""What a resident does to the case book: open a case, add to it, place it, verify, rate, urge, withdraw."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import lifecycle, limits, routing
from cases.lifecycle import REPORTER, SYSTEM
from cases.places import house_number
from cases.storage.tables import AttachmentRow, CaseRow, ResidentRow
from cases.workflow import Action, State

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City
    from cases.lifecycle import Photo
    from cases.storage import Book
    from cases.storage.tables import HistoryRow

GATHERING = timedelta(minutes=10)
REOPEN_OPEN = timedelta(days=limits.REOPEN_DAYS)
# A place that the resident did not name for this case gives way to one that they do.
ASSUMED = ("", "usual", "scene", "burst")
# So long a scanned code counts: one stands there and writes.
SCENE_COUNTS = timedelta(hours=2)
# In a longer text a number is more likely a day or an amount than the answer to "which number?".
ONLY_A_NUMBER = 15
_NUMBER = re.compile(r"(?:第?[0-9零一二两三四五六七八九十百]+)(?:号楼|栋|幢|座|号|#).*$")
KEPT_GUESSES = 3
# A tap costs less than a sentence: by a page a case is urged once in so long.
URGE_AGAIN = timedelta(hours=24)


@dataclass(frozen=True)
class MediaPart:
    """A file that WeChat keeps for us for three days: photo, voice or video."""

    kind: str
    media_id: str
    transcript: str = ""


@dataclass(frozen=True)
class Report:
    """What one message brings to a case. `correcting`: its place takes the stead of an earlier one.

    A message in the chat has one file, which WeChat keeps; `photos` come from our own pages.
    """

    text: str = ""
    place: routing.Located | None = None
    media: MediaPart | None = None
    photos: tuple[Photo, ...] = ()
    guesses: tuple[routing.Guess, ...] = ()
    model_version: str | None = None
    correcting: bool = False
    danger: bool = False


@dataclass(frozen=True)
class Outcome:
    """The case after a message, and what the message did.

    `ask_place`: the place is still to be asked for; `placed`: it was set just now; `recognised`: the kind was;
    `rerouted`: the case goes another way than before.
    """

    case: CaseRow
    ask_place: bool
    placed: bool
    recognised: bool
    rerouted: bool


def open_case(book: Book, city: City, resident: ResidentRow, report: Report, now: datetime) -> Outcome:
    """Open a case and route it. Without a classifier or a place it goes to the dispatchers, numbered all the same."""
    place = report.place or _assumed(city, resident, now)
    case = _blank(city, report, place, now)
    case.resident_id, case.gathering_until = resident.id, now + GATHERING
    row = _enter(book, case, REPORTER, now)
    _attach(book, case, row, report, now)
    decision = _route(book, city, case, now)
    _learn_habits(resident, case)
    return Outcome(case, decision.ask_place, placed=bool(place), recognised=True, rerouted=True)


def open_imported(book: Book, city: City, report: Report, now: datetime, *, source_key: str, channel: str) -> CaseRow:
    """Open and route a case that another system reported (12345, a spreadsheet); `source_key` is its name there."""
    case = _blank(city, report, report.place, now)
    case.source_key, case.channel = source_key, channel
    _enter(book, case, SYSTEM, now)
    _route(book, city, case, now)
    return case


def extend_case(book: Book, city: City, case: CaseRow, report: Report, now: datetime) -> Outcome:
    """Add a message to an open case. While nobody has accepted it, what it adds may send it elsewhere."""
    row = lifecycle.step(book, case, Action.SUPPLEMENT, REPORTER, now, text=report.text, public=True)
    _attach(book, case, row, report, now)
    case.text = "\n".join(part for part in (case.text, report.text) if part)
    case.gathering_until = now + GATHERING
    changed = _understand(city, case, report)
    place = report.place or _completed(city, case, report)
    placed = place is not None and (report.correcting or case.place_source in ASSUMED or _says_more(place, case))
    if placed:
        _put(case, place)
    ask_place, holder, kind = False, case.holder_id, case.category_code
    if (changed or placed) and case.state in {State.NEW, State.ASSIGNED} and not _in_hands(book, case):
        ask_place = _route(book, city, case, now).ask_place
    resident = book.get(ResidentRow, case.resident_id) if case.resident_id else None
    if resident is not None:
        _learn_habits(resident, case)
    recognised = kind != case.category_code
    rerouted = recognised or holder != case.holder_id
    return Outcome(case, ask_place, placed=placed, recognised=recognised, rerouted=rerouted)


def verify(book: Book, city: City, case: CaseRow, now: datetime, *, solved: bool, words: str) -> None:
    """Close a case that the resident finds solved, or send it back to its holder."""
    if solved:
        lifecycle.step(book, case, Action.VERIFY_PASS, REPORTER, now, text=words, public=True)
        return
    lifecycle.step(book, case, Action.VERIFY_FAIL, REPORTER, now, text=words, public=True)
    _begin_again(city, case, now)


def reopen(book: Book, city: City, case: CaseRow, now: datetime, *, words: str) -> None:
    """Take up a closed case again, because the resident says that it is not solved; it may be rated anew."""
    lifecycle.step(book, case, Action.REOPEN, REPORTER, now, text=words, public=True)
    case.rating, case.rating_words = None, ""
    _begin_again(city, case, now)


def may_reopen(case: CaseRow, now: datetime) -> bool:
    """Say whether a word on a result may still be about this closed case."""
    return case.state == State.CLOSED and case.ended_at is not None and now - case.ended_at < REOPEN_OPEN


def _begin_again(city: City, case: CaseRow, now: datetime) -> None:
    case.failed_checks += 1
    case.resolved_at = case.contacted_at = None
    lifecycle.hold(case, city, city.units[case.holder_id], now)


def rate(book: Book, case: CaseRow, rating: str, now: datetime, *, words: str) -> None:
    """Record a rating of a closed case: `satisfied`, `fair` or `unsatisfied`; a later one takes its stead."""
    lifecycle.step(book, case, Action.RATE, REPORTER, now, text=words, public=True)
    case.rating = rating


def explain(book: Book, case: CaseRow, words: str, now: datetime) -> None:
    """Keep the resident's reason for a rating, or for what is not solved."""
    if case.state == State.CLOSED:
        lifecycle.step(book, case, Action.RATE, REPORTER, now, text=words, public=True)
        case.rating_words = words
    else:
        lifecycle.step(book, case, Action.SUPPLEMENT, REPORTER, now, text=words, public=True)


def urge(book: Book, case: CaseRow, now: datetime, *, words: str) -> None:
    """Count an urge and show it to the holder."""
    lifecycle.step(book, case, Action.URGE, REPORTER, now, text=words, public=True)
    case.urges += 1


def next_urge(book: Book, case: CaseRow) -> datetime | None:
    """Return from when on a page lets this case be urged again; None: it never was."""
    last = next((row.at for row in reversed(book.history(case.id)) if row.action == Action.URGE), None)
    return last + URGE_AGAIN if last is not None else None


def withdraw(book: Book, case: CaseRow, now: datetime, *, words: str) -> None:
    """End a case at the resident's wish."""
    lifecycle.step(book, case, Action.WITHDRAW, REPORTER, now, text=words, public=True)
    case.gathering_until = None


def close_by_default(book: Book, city: City, case: CaseRow, now: datetime) -> None:
    """Close a case whose resident has not verified in time; they can still rate it."""
    row = lifecycle.step(book, case, Action.VERIFY_PASS, SYSTEM, now, text="到期未核查，按办结处理")
    lifecycle.notify(book, city, case, "closed_by_default", now, history=row)
    resident = book.get(ResidentRow, case.resident_id) if case.resident_id else None
    if resident is not None:
        resident.asked, resident.asked_case_id = "rate", case.id


def _blank(city: City, report: Report, place: routing.Located | None, now: datetime) -> CaseRow:
    case = CaseRow(
        state=State.NEW,
        text=report.text,
        category_by="classifier",
        guesses=[],
        opened_at=now,
        accept_by=now,
        contact_by=now,
        finish_by=now,
    )
    case.urgent = report.danger
    _understand(city, case, report)
    _put(case, place)
    lifecycle.hold(case, city, city.dispatch, now)
    return case


def _enter(book: Book, case: CaseRow, who: lifecycle.Who, now: datetime) -> HistoryRow:
    book.add(case)
    return lifecycle.record(book, case, "open", who, now, text=case.text, public=True)


def _understand(city: City, case: CaseRow, report: Report) -> bool:
    """Take over the message's guesses where they are surer than the case's own; say whether they were."""
    if not report.guesses or case.category_by != "classifier":
        return False
    known = case.guesses[0]["probability"] if case.guesses else 0.0
    if case.guesses and (known >= city.confident or report.guesses[0].probability <= known):
        return False
    case.guesses = [
        {"code": guess.code, "probability": round(guess.probability, 4)} for guess in report.guesses[:KEPT_GUESSES]
    ]
    case.model_version = report.model_version
    return True


def _assumed(city: City, resident: ResidentRow, now: datetime) -> routing.Located | None:
    """Return where a resident who names no place probably is: at the code just scanned, or where they usually are."""
    if resident.scene_at is not None and now - resident.scene_at < SCENE_COUNTS:
        return city.locate_grid(resident.scene_grid_id, "scene")
    return city.locate_grid(resident.usual_grid_id, "usual")


def _completed(city: City, case: CaseRow, report: Report) -> routing.Located | None:
    """Return the place when a text gives the house number that an earlier road or estate lacked, or corrects it."""
    if not case.place_words or not report.text or (case.grid_id is not None and not report.correcting):
        return None
    name = _NUMBER.sub("", case.place_words)
    number = house_number(report.text.rpartition("是")[2] if report.correcting else report.text)
    return city.locate_text(name + number) if number and len(report.text) <= ONLY_A_NUMBER else None


def _in_hands(book: Book, case: CaseRow) -> bool:
    """Say whether a member of staff has decided about this case: then no machine moves it."""
    return any(row.staff_id is not None for row in book.history(case.id))


def _says_more(place: routing.Located, case: CaseRow) -> bool:
    return case.grid_id is None and place.grid_id is not None


def _put(case: CaseRow, place: routing.Located | None) -> None:
    if place is not None:
        case.place_words, case.place_source, case.grid_id = place.words, place.source, place.grid_id
        case.lon, case.lat = place.lon, place.lat


def _route(book: Book, city: City, case: CaseRow, now: datetime) -> routing.Decision:
    """Decide the queue anew and put the case there; the reasons are kept with it."""
    first = case.guesses[0] if case.guesses else None
    guess = routing.Guess(first["code"], first["probability"]) if first else None
    category = city.categories.get(guess.code) if guess else None
    place = routing.Located(case.place_words, case.grid_id, case.place_source) if case.place_source else None
    decision = routing.decide(guess, category, place, confident=city.confident, no_guess=_why_no_guess(case))
    if case.urgent:
        decision = replace(decision, queue="dispatch", reasons=(*decision.reasons, "可能有人身危险，先由派单台处置"))
    if case.category_by == "classifier":
        case.category_code = category.code if category else None
    case.reasons = list(decision.reasons)
    unit = city.queue_unit(decision.queue, case.grid_id)
    if unit.kind == "dispatch":
        if case.state == State.NEW:
            lifecycle.hold(case, city, unit, now)
    elif unit.id != case.holder_id:
        lifecycle.hold(case, city, unit, now)
        lifecycle.step(book, case, Action.SEND, SYSTEM, now, text=f"到{unit.name}：{'；'.join(decision.reasons)}")
    return decision


def _why_no_guess(case: CaseRow) -> str:
    return "分类器暂时用不了" if case.text else "还没有文字，不知道是什么事"


def keep_media(book: Book, case: CaseRow, media: MediaPart, now: datetime) -> None:
    """Keep a file whose words were no addition: a spoken rating, say."""
    row = lifecycle.record(book, case, "media", REPORTER, now, public=True)
    _attach(book, case, row, Report(media=media), now)


def _attach(book: Book, case: CaseRow, row: HistoryRow, report: Report, now: datetime) -> None:
    for photo in report.photos:
        lifecycle.attach(book, row, photo, now)
    if report.media is not None:
        attachment = AttachmentRow(
            case_id=case.id,
            history_id=row.id,
            kind=report.media.kind,
            media_id=report.media.media_id,
            transcript=report.media.transcript,
            next_try_at=now,
            created_at=now,
        )
        book.add(attachment)


def _learn_habits(resident: ResidentRow, case: CaseRow) -> None:
    """Remember where this resident reports from, once they have said so themselves."""
    if case.grid_id is not None and case.place_source in {"text", "location"}:
        resident.usual_grid_id = case.grid_id
