"""Everything that the case book knows of one resident, for them to take away. `cases.erasure` forgets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cases import own
from cases.numbers import number_of

if TYPE_CHECKING:
    from datetime import datetime

    from cases.city import City
    from cases.storage import Book
    from cases.storage.tables import AttachmentRow, CaseRow, InboxRow, ResidentRow


def personal_data(book: Book, city: City, resident: ResidentRow, now: datetime) -> dict[str, Any]:
    """Return a resident's data as plain values: who they are to us, their messages, cases, and what became of them."""
    grid = city.units.get(resident.usual_grid_id or 0)
    return {
        "made_at": now.isoformat(),
        "profile": {
            "account": resident.account,
            "openid": resident.openid,
            "following": resident.following,
            "last_seen_at": resident.last_seen_at.isoformat(),
            "usual_grid": grid.name if grid is not None else None,
        },
        "cases": [_case(book, city, case) for case in book.all_cases_of(resident.id)],
        "messages": [_message(row) for row in book.messages_of(resident.id)],
    }


def _case(book: Book, city: City, case: CaseRow) -> dict[str, Any]:
    category = city.categories.get(case.category_code or "")
    scenes = own.story(book, case)
    return {
        "number": number_of(case.id),
        "state": case.state,
        "text": case.text,
        "category": category.full_name if category is not None else None,
        "place": {"words": case.place_words, "longitude": case.lon, "latitude": case.lat},
        "holder": city.units[case.holder_id].name,
        "opened_at": case.opened_at.isoformat(),
        "ended_at": _moment(case.ended_at),
        "result": case.result,
        "rating": case.rating,
        "rating_words": case.rating_words,
        "urges": case.urges,
        "history": [
            {"at": scene.row.at.isoformat(), "who": scene.row.who, "action": scene.row.action, "text": scene.text}
            for scene in scenes
        ],
        "files": [_file(part) for scene in scenes for part in scene.parts],
    }


def _file(part: AttachmentRow) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "state": part.state,
        "name": part.file,
        "type": part.mime,
        "seconds": part.seconds,
        "transcript": part.transcript,
        "timing": part.timing,
        "at": part.created_at.isoformat(),
    }


def _message(row: InboxRow) -> dict[str, Any]:
    return {"at": row.received_at.isoformat(), "kind": row.kind, "content": row.fields}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
