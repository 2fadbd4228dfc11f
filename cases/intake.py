"""What a resident does to the case book: open a case, add to it, place it, verify, rate, urge, withdraw."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases import callbacks, ledger, lifecycle, limits, routing
from cases.deciding import decide_case
from cases.ledger import REPORTER, SYSTEM, Who
from cases.places import house_number
from cases.storage.tables import AttachmentRow, CaseRow, ResidentRow
from cases.workflow import OPEN, SETTLED, Action, Relation, State

if TYPE_CHECKING:
    from datetime import datetime

    from cases.access import Actor
    from cases.city import City, Unit
    from cases.ledger import Photo
    from cases.storage import Book
    from cases.storage.tables import HistoryRow

GATHERING = timedelta(minutes=10)
REOPEN_OPEN = timedelta(days=limits.REOPEN_DAYS)
# A place that the resident did not name for this case gives way to one that they do.
ASSUMED = ("", "usual", "scene", "burst", "photo")
# So long a scanned code counts: one stands there and writes.
SCENE_COUNTS = timedelta(hours=2)
# In a longer text a number is more likely a day or an amount than the answer to "which number?".
ONLY_A_NUMBER = 15
_NUMBER = re.compile(r"(?:第?[0-9零一二两三四五六七八九十百]+)(?:号楼|栋|幢|座|号|#).*$")
KEPT_GUESSES = 3
ROUTABLE = frozenset({State.NEW, State.ASSIGNED})
# Two kinds are offered when it is one of them with this probability.
WORTH_ASKING = 0.3
OFFERED = 2
URGE_AGAIN = timedelta(hours=limits.URGE_HOURS)


@dataclass(frozen=True)
class MediaPart:
    """A file that WeChat keeps for us for three days: photo, voice or video."""

    kind: str
    media_id: str
    transcript: str = ""


@dataclass(frozen=True)
class Report:
    """What one message brings to a case.

    A message in the chat has one file, which WeChat keeps; `photos` come from our own pages. `correcting`: its place
    takes the stead of an earlier one; `read`: an engine found it in a file that is there; `evidence`: the words that
    spoke for the first of the `guesses`; `danger`: what danger to life, if any (`bot.emergency.Danger`).
    """

    text: str = ""
    place: routing.Located | None = None
    media: MediaPart | None = None
    photos: tuple[Photo, ...] = ()
    guesses: tuple[routing.Guess, ...] = ()
    model_version: str | None = None
    evidence: tuple[str, ...] = ()
    correcting: bool = False
    danger: str = ""
    read: bool = False


@dataclass(frozen=True)
class Outcome:
    """The case after a message, and what the message did.

    `ask_place`: the place is still to be asked for; `placed`: it was set just now; `recognised`: the kind was;
    `rerouted`: the case goes another way than before; `choose`: the kinds that it may be, when neither is sure.
    """

    case: CaseRow
    ask_place: bool
    placed: bool
    recognised: bool
    rerouted: bool
    choose: tuple[str, ...] = ()


def open_case(book: Book, city: City, resident: ResidentRow, report: Report, now: datetime) -> Outcome:
    """Open a case and route it. Without a classifier or a place it goes to the dispatchers, numbered all the same."""
    place = report.place or _assumed(city, resident, now)
    case = _blank(city, report, place, now)
    case.resident_id, case.gathering_until, case.anonymous = resident.id, now + GATHERING, resident.anonymous
    row = _enter(book, case, REPORTER, now)
    _attach(book, case, row, report, now)
    decision = _route(book, city, case, now)
    _learn_habits(resident, case)
    choose = _choices(city, case, decision)
    return Outcome(case, decision.ask_place, placed=bool(place), recognised=True, rerouted=True, choose=choose)


def open_imported(book: Book, city: City, report: Report, now: datetime, *, source_key: str, channel: str) -> CaseRow:
    """Open and route a case that another system reported (12345, a spreadsheet); `source_key` is its name there."""
    case = _blank(city, report, report.place, now)
    case.source_key, case.channel = source_key, channel
    _enter(book, case, SYSTEM, now)
    _route(book, city, case, now)
    return case


def open_reported(
    book: Book, city: City, report: Report, now: datetime, *, channel: str, reporter: Actor, unit: Unit | None = None
) -> CaseRow:
    """Open and route a case that a member of staff reports, or give it to `unit` right away; they verify it."""
    case = _blank(city, report, report.place, now)
    case.channel, case.reporter_id = channel, reporter.staff_id
    if report.guesses and report.guesses[0].chosen and report.guesses[0].code in city.categories:
        case.category_code, case.category_by = report.guesses[0].code, "staff"
    who = Who("staff", frozenset({Relation.REPORTER}), reporter.staff_id, reporter.unit_id)
    _attach(book, case, _enter(book, case, who, now), report, now)
    _route(book, city, case, now, unit)
    return case


def extend_case(book: Book, city: City, case: CaseRow, report: Report, now: datetime) -> Outcome:
    """Add a message to an open case. While nobody has accepted it, what it adds may send it elsewhere."""
    if report.read:
        ledger.record(book, case, "read", SYSTEM, now)
    else:
        row = lifecycle.step(book, city, case, Action.SUPPLEMENT, REPORTER, now, text=report.text)
        _attach(book, case, row, report, now)
        case.gathering_until = now + GATHERING
    case.text = "\n".join(part for part in (case.text, report.text) if part)
    changed = _understand(city, case, report)
    place = report.place or _completed(city, case, report)
    placed = place is not None and (report.correcting or case.place_source in ASSUMED or _says_more(place, case))
    if placed:
        put_place(case, place)
    choose: tuple[str, ...] = ()
    ask_place, holder, kind = False, case.holder_id, case.category_code
    if report.danger:
        if case.state == State.RESOLVED:  # nobody rings for what is done: it is not
            verify(book, city, case, now, answer="unsolved", words=report.text)
        _alarm(case, report.danger, now)
    if (changed or placed or report.danger) and case.state in ROUTABLE and not in_hands(book, case):
        decision = _route(book, city, case, now)
        ask_place, choose = decision.ask_place, _choices(city, case, decision)
    resident = book.get(ResidentRow, case.resident_id) if case.resident_id else None
    if resident is not None:
        _learn_habits(resident, case)
    recognised = kind != case.category_code
    rerouted = recognised or holder != case.holder_id
    return Outcome(case, ask_place, placed=placed, recognised=recognised, rerouted=rerouted, choose=choose)


def verify(
    book: Book, city: City, case: CaseRow, now: datetime, *, answer: str, words: str, who: Who = REPORTER
) -> None:
    """Close a case that its reporter finds solved (or accepts as one that cannot be), else send it back to its holder.

    `answer`: solved, partly or unsolved; what is solved in part goes on, with what was said of the rest.
    """
    action = Action.VERIFY_PASS if answer == "solved" else Action.VERIFY_FAIL
    said_unsolved = case.outcome == "unsolved"
    lifecycle.step(book, city, case, action, who, now, text=words)
    case.solved = "unsolved" if said_unsolved and answer == "solved" else answer


def reopen(book: Book, city: City, case: CaseRow, now: datetime, *, words: str) -> None:
    """Take up a closed case again, because the resident says that it is not solved; it may be rated anew."""
    lifecycle.step(book, city, case, Action.REOPEN, REPORTER, now, text=words)
    case.solved = "unsolved"


def may_reopen(case: CaseRow, now: datetime) -> bool:
    """Say whether a word on a result may still be about this closed case."""
    return case.state in SETTLED and case.ended_at is not None and now - case.ended_at < REOPEN_OPEN


def rate(book: Book, city: City, case: CaseRow, rating: str, now: datetime, *, words: str) -> None:
    """Record the one rating of a closing: `satisfied`, `fair` or `unsatisfied`; a bad one is called back."""
    lifecycle.step(book, city, case, Action.RATE, REPORTER, now, text=words)
    case.rating = rating
    callbacks.rated(book, city, case, now)


def explain(book: Book, city: City, case: CaseRow, words: str, now: datetime) -> None:
    """Keep the resident's reason for a rating, or for what is not solved."""
    if case.state in SETTLED:
        lifecycle.step(book, city, case, Action.REMARK, REPORTER, now, text=words)
        case.rating_words = words
    else:
        lifecycle.step(book, city, case, Action.SUPPLEMENT, REPORTER, now, text=words)


def urge(book: Book, city: City, case: CaseRow, now: datetime, *, words: str) -> bool:
    """Count an urge and show it to the holder; say whether it counted, because the last one stands for some hours."""
    if case.urged_at is not None and now - case.urged_at < URGE_AGAIN:
        return False
    lifecycle.step(book, city, case, Action.URGE, REPORTER, now, text=words)
    case.urges, case.urged_at = case.urges + 1, now
    return True


def complain(book: Book, city: City, case: CaseRow, now: datetime, *, words: str) -> None:
    """Put a complaint about the handling before the dispatchers."""
    lifecycle.step(book, city, case, Action.COMPLAIN, REPORTER, now, text=words)
    case.attention = "complaint"


def want_human(book: Book, city: City, case: CaseRow, now: datetime, *, words: str) -> None:
    """Put a resident's wish to speak with a person before the dispatchers."""
    lifecycle.step(book, city, case, Action.SUPPLEMENT, REPORTER, now, text=words)
    case.attention = "human"


def stay_anonymous(book: Book, resident: ResidentRow, now: datetime) -> None:
    """Keep it from those who handle who reported: in the cases in work, and in all to come."""
    resident.anonymous = True
    for case in book.all_cases_of(resident.id):
        if case.state in OPEN and not case.anonymous:
            case.anonymous = True
            ledger.record(book, case, "anonymous", REPORTER, now, text="不要让人知道是谁反映的")


def choose_kind(book: Book, city: City, case: CaseRow, code: str, now: datetime, *, words: str = "") -> Outcome:
    """Take the resident's word for the kind of matter; while nobody has decided, the case goes where that kind goes."""
    category = city.categories[code]
    lifecycle.step(book, city, case, Action.SUPPLEMENT, REPORTER, now, text=words or f"这是“{category.name}”")
    before = case.category_code
    if case.category_by != "staff":
        case.category_code, case.category_by = code, "resident"
    ask_place, holder = False, case.holder_id
    if case.state in ROUTABLE and not in_hands(book, case):
        ask_place = _route(book, city, case, now).ask_place
    return Outcome(
        case, ask_place, placed=False, recognised=before != case.category_code, rerouted=holder != case.holder_id
    )


def next_urge(case: CaseRow) -> datetime | None:
    """Return from when on this case may be urged again; None: it never was."""
    return case.urged_at + URGE_AGAIN if case.urged_at is not None else None


def withdraw(book: Book, city: City, case: CaseRow, now: datetime, *, words: str) -> None:
    """End a case at the resident's wish."""
    lifecycle.step(book, city, case, Action.WITHDRAW, REPORTER, now, text=words)


def close_by_default(book: Book, city: City, case: CaseRow, now: datetime) -> None:
    """Close a case whose reporter has not verified in time; a resident can still rate it."""
    lifecycle.step(book, city, case, Action.VERIFY_PASS, SYSTEM, now, text="到期未核查，按默认处理")


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
    if report.danger:
        _alarm(case, report.danger, now)
    _understand(city, case, report)
    put_place(case, place)
    ledger.hold(case, city, city.dispatch, now)
    return case


def _enter(book: Book, case: CaseRow, who: Who, now: datetime) -> HistoryRow:
    book.add(case)
    return ledger.record(book, case, "open", who, now, text=case.text, public=True)


def _understand(city: City, case: CaseRow, report: Report) -> bool:
    """Take over the message's guesses where they are surer than the case's own; say whether they were.

    Kinds that this city does not have, or no longer has, are no guesses.
    """
    guesses = [guess for guess in report.guesses if guess.code in city.categories][:KEPT_GUESSES]
    if not guesses or case.category_by != "classifier":
        return False
    known = case.guesses[0]["probability"] if case.guesses else 0.0
    if case.guesses and (city.sure(case.guesses[0]["code"], case.guesses) or guesses[0].probability <= known):
        return False
    case.guesses = [{"code": guess.code, "probability": round(guess.probability, 4)} for guess in guesses]
    case.model_version, case.certainty = report.model_version, guesses[0].probability
    case.evidence = list(report.evidence)
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


def in_hands(book: Book, case: CaseRow) -> bool:
    """Say whether a member of staff has decided about this case: then no machine moves it."""
    return any(row.staff_id is not None for row in book.history(case.id))


def _says_more(place: routing.Located, case: CaseRow) -> bool:
    return case.grid_id is None and place.grid_id is not None


def put_place(case: CaseRow, place: routing.Located | None) -> None:
    """Let a case be at this place; None leaves it where it is."""
    if place is not None:
        case.place_words, case.place_source, case.grid_id = place.words, place.source, place.grid_id
        case.lon, case.lat = place.lon, place.lat


def _route(book: Book, city: City, case: CaseRow, now: datetime, wanted: Unit | None = None) -> routing.Decision:
    """Decide the queue anew and put the case there, or where it is `wanted`; the reasons are kept with it."""
    decision = decide_case(city, case)
    if case.category_by == "classifier":
        case.category_code = decision.category.code if decision.category else None
    case.reasons, case.rule_id = list(decision.reasons), decision.rule_id
    unit = wanted or city.queue_unit(decision.queue, case.grid_id)
    if unit.kind == "dispatch":
        if case.state == State.NEW:
            ledger.hold(case, city, unit, now)
    elif unit.id != case.holder_id:
        text = f"到{unit.name}：{'；'.join(decision.reasons)}"
        lifecycle.step(book, city, case, Action.SEND, SYSTEM, now, text=text, unit=unit)
    return decision


def _choices(city: City, case: CaseRow, decision: routing.Decision) -> tuple[str, ...]:
    """Return the kinds to offer when the classifier hesitates between two: their codes, the likelier first."""
    decided = decision.queue != "dispatch" or decision.rule_id is not None or case.urgent
    if decision.ask_place or decided or case.category_by != "classifier":
        return ()
    likely = [guess for guess in case.guesses if guess["code"] in city.categories][:OFFERED]
    if len(likely) < OFFERED or sum(guess["probability"] for guess in likely) < WORTH_ASKING:
        return ()
    return tuple(guess["code"] for guess in likely)


def _alarm(case: CaseRow, kind: str, now: datetime) -> None:
    """Mark danger to life: those on duty are called and have to acknowledge it; what is told later rings anew."""
    case.urgent, case.alarmed_at, case.alarm_kind = True, now, kind
    case.acknowledged_at = case.acknowledged_by = case.alarm_called_id = case.alarm_called_at = None
    case.alarm_ended_at = case.alarm_reviewed_at = None


def keep_media(book: Book, case: CaseRow, media: MediaPart, now: datetime) -> None:
    """Keep a file whose words were no addition: a spoken rating, say."""
    row = ledger.record(book, case, "media", REPORTER, now, public=True)
    _attach(book, case, row, Report(media=media), now)


def correct_transcript(book: Book, city: City, case: CaseRow, row: AttachmentRow, words: str, now: datetime) -> None:
    """Put the resident's own words in the stead of what an engine heard."""
    lifecycle.step(book, city, case, Action.SUPPLEMENT, REPORTER, now, text=words)
    case.text = case.text.replace(row.transcript, words) if row.transcript else f"{case.text}\n{words}".strip()
    row.transcript, row.transcript_by, row.timing = words, "resident", None


def _attach(book: Book, case: CaseRow, row: HistoryRow, report: Report, now: datetime) -> None:
    for photo in report.photos:
        ledger.attach(book, row, photo, now)
    if report.media is not None:
        attachment = AttachmentRow(
            case_id=case.id,
            history_id=row.id,
            kind=report.media.kind,
            media_id=report.media.media_id,
            transcript=report.media.transcript,
            transcript_by="wechat" if report.media.transcript else "",
            next_try_at=now,
            created_at=now,
        )
        book.add(attachment)


def _learn_habits(resident: ResidentRow, case: CaseRow) -> None:
    """Remember where this resident reports from, once they have said so themselves."""
    if case.grid_id is not None and case.place_source in {"text", "location"}:
        resident.usual_grid_id = case.grid_id
