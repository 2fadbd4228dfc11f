"""The queries. Use cases speak to this class; nobody else writes SQL."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Select, func, select, text

from cases.storage.city import CityQueries
from cases.storage.desk import DeskQueries
from cases.storage.erasures import ErasureQueries
from cases.storage.failing import FailureQueries
from cases.storage.labels import LabelQueries
from cases.storage.lists import ORDERS, PAGE, QueuePage, turned, within
from cases.storage.outbox import OutboxQueries
from cases.storage.overview import OverviewQueries
from cases.storage.registry import RegistryQueries
from cases.storage.retention import RetentionQueries
from cases.storage.sealing import SealingQueries
from cases.storage.search import SearchQueries
from cases.storage.signing import SigningQueries
from cases.storage.staffing import StaffingQueries
from cases.storage.tables import (
    AttachmentRow,
    Base,
    CaseRow,
    FollowerRow,
    HistoryRow,
    InboxRow,
    OutboxRow,
    ResidentRow,
    StaffRow,
)
from cases.storage.trail import TrailQueries
from cases.storage.triage import TriageQueries
from cases.storage.watching import WatchQueries
from cases.storage.work import WorkQueries
from cases.workflow import ENDED, OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from cases.storage.scope import Scope

Row = TypeVar("Row", bound=Base)
EXPORT_BATCH = 500


@dataclass(frozen=True)
class Bell:
    """A row that waits for the worker: an outbox message or a media file to fetch."""

    queue: str
    row_id: int


class Book(
    OutboxQueries,
    CityQueries,
    LabelQueries,
    TriageQueries,
    WorkQueries,
    TrailQueries,
    StaffingQueries,
    SigningQueries,
    RegistryQueries,
    DeskQueries,
    OverviewQueries,
    SearchQueries,
    FailureQueries,
    SealingQueries,
    ErasureQueries,
    RetentionQueries,
    WatchQueries,
):
    """The case book within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._owed: list[OutboxRow | AttachmentRow] = []
        self._last: list[Callable[[], None]] = []
        self._touched: dict[int, bool] = {}
        self._moved: set[int] = set()

    # -- rows --------------------------------------------------------------------------------------------------

    def add(self, row: Row) -> Row:
        """Put a new row into the transaction and give it its id."""
        self._session.add(row)
        self._session.flush()
        if isinstance(row, OutboxRow) or (isinstance(row, AttachmentRow) and row.state == "waiting"):
            self._owed.append(row)
        return row

    def get(self, kind: type[Row], key: int | str) -> Row | None:
        """Return the row with this key, or None."""
        return self._session.get(kind, key)

    def flush(self) -> None:
        """Send what has changed to the database, so that queries see it."""
        self._session.flush()

    def bells(self) -> list[Bell]:
        """Return what the worker should be told of once this transaction is committed."""
        return [
            Bell("outbox" if isinstance(row, OutboxRow) else "media", row.id)
            for row in self._owed
            if row.next_try_at <= row.created_at
        ]

    # -- locks -------------------------------------------------------------------------------------------------

    def lock_resident(self, account: str, openid: str) -> ResidentRow | None:
        """Make this transaction the only one about this resident, and return the row if there is one.

        SQLite's writers are alone anyway (`BEGIN IMMEDIATE`). PostgreSQL takes an advisory lock, because the
        resident may not have a row yet.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            digest = hashlib.sha256(f"{account}|{openid}".encode()).digest()
            key = int.from_bytes(digest[:8], "big", signed=True)
            self._session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        query = select(ResidentRow).where(ResidentRow.account == account, ResidentRow.openid_digest == openid)
        return self._session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def lock_case(self, case_id: int) -> CaseRow | None:
        """Return the case for changing; its resident is locked first, in the order that the webhook has."""
        case = self.get(CaseRow, case_id)
        if case is None:
            return None
        resident = self.get(ResidentRow, case.resident_id) if case.resident_id else None
        if resident is not None:
            self.lock_resident(resident.account, resident.openid)
        query = select(CaseRow).where(CaseRow.id == case_id).with_for_update()
        return self._session.scalars(query.execution_options(populate_existing=True)).one()

    # -- residents ---------------------------------------------------------------------------------------------

    def delivery(self, account: str, key: str) -> InboxRow | None:
        """Return the earlier delivery with this key, if there was one."""
        query = select(InboxRow).where(InboxRow.account == account, InboxRow.key == key)
        return self._session.scalars(query).one_or_none()

    def resident_at(self, account: str, openid: str) -> ResidentRow | None:
        """Return the resident of an official account with this openid, without waiting for anybody."""
        query = select(ResidentRow).where(ResidentRow.account == account, ResidentRow.openid_digest == openid)
        return self._session.scalars(query).one_or_none()

    def gathering_case(self, resident_id: int, now: datetime) -> CaseRow | None:
        """Return the open case that this resident's next messages still belong to, the newest one."""
        query = (
            select(CaseRow)
            .where(CaseRow.resident_id == resident_id, CaseRow.gathering_until > now)
            .where(CaseRow.state.in_(OPEN))
            .order_by(CaseRow.gathering_until.desc(), CaseRow.id.desc())
        )
        return self._session.scalars(query.limit(1).with_for_update()).one_or_none()

    def cases_of(self, resident_id: int, limit: int = 5) -> Sequence[CaseRow]:
        """Return a resident's cases, open ones first, the newest first among each."""
        return self._session.scalars(_of_resident(resident_id).limit(limit)).all()

    def own_cases(self, resident_id: int, page: int, size: int) -> QueuePage:
        """Return a page of a resident's cases in the order of `cases_of`, and how many there are."""
        total = self._session.scalar(
            select(func.count()).select_from(CaseRow).where(CaseRow.resident_id == resident_id)
        )
        return self._page(_of_resident(resident_id), total or 0, page, size)

    def messages_of(self, resident_id: int) -> Sequence[InboxRow]:
        """Return everything that a resident sent, oldest first."""
        return self._session.scalars(
            select(InboxRow).where(InboxRow.resident_id == resident_id).order_by(InboxRow.id)
        ).all()

    def followers(self, case_id: int) -> Sequence[int]:
        """Return the ids of the residents who follow a case."""
        return self._session.scalars(select(FollowerRow.resident_id).where(FollowerRow.case_id == case_id)).all()

    def followed_by(self, resident_id: int) -> Sequence[CaseRow]:
        """Return the cases of others that a resident follows, the newest first."""
        query = (
            select(CaseRow)
            .join(FollowerRow, FollowerRow.case_id == CaseRow.id)
            .where(FollowerRow.resident_id == resident_id)
            .order_by(CaseRow.id.desc())
        )
        return self._session.scalars(query).all()

    def resident(self, openid: str) -> Sequence[ResidentRow]:
        """Return the residents with this openid: one for each official account."""
        return self._session.scalars(select(ResidentRow).where(ResidentRow.openid_digest == openid)).all()

    def all_cases_of(self, resident_id: int) -> Sequence[CaseRow]:
        """Return every case of a resident."""
        return self._session.scalars(select(CaseRow).where(CaseRow.resident_id == resident_id)).all()

    def forget_talk(self, case: CaseRow) -> list[str]:
        """Blank what in a case's history tells of the resident, drop their files; return those files' names."""
        talk = [row for row in self.history(case.id) if _tells_of_resident(row)]
        spoken = {row.id for row in talk}
        for row in talk:
            row.text = ""
        parts = [part for part in self.attachments(case.id) if part.history_id in spoken]
        for owed in self.owed(case.id):
            self._session.delete(owed)
        self.forget_words(case.id)
        self._session.flush()
        for part in parts:
            self._session.delete(part)
        return [part.file for part in parts if part.file]

    # -- one case ----------------------------------------------------------------------------------------------

    def history(self, case_id: int) -> Sequence[HistoryRow]:
        """Return what happened to a case, oldest first."""
        query = select(HistoryRow).where(HistoryRow.case_id == case_id).order_by(HistoryRow.id)
        return self._session.scalars(query).all()

    def attachments(self, case_id: int) -> Sequence[AttachmentRow]:
        """Return a case's photos, voices and videos, oldest first."""
        query = select(AttachmentRow).where(AttachmentRow.case_id == case_id).order_by(AttachmentRow.id)
        return self._session.scalars(query).all()

    def owed(self, case_id: int) -> Sequence[OutboxRow]:
        """Return a case's messages to the resident with their fates, oldest first."""
        query = select(OutboxRow).where(OutboxRow.case_id == case_id).order_by(OutboxRow.id)
        return self._session.scalars(query).all()

    # -- queues ------------------------------------------------------------------------------------------------

    def queue(self, scope: Scope, page: int = 1) -> QueuePage:
        """Return a page of the cases in `scope`, the nearest deadline first, cases without one last."""
        return self._page(within(scope).order_by(*ORDERS["due"]), self.count(scope), page, PAGE)

    def count_up_to(self, scope: Scope, most: int) -> int:
        """Return how many cases are in `scope`, counted no further than `most`."""
        some = within(scope).with_only_columns(CaseRow.id).limit(most)
        return self._session.scalar(select(func.count()).select_from(some.subquery())) or 0

    def on_map(self, scope: Scope, limit: int) -> Sequence[CaseRow]:
        """Return the cases in `scope` whose point is known, the nearest deadline first."""
        query = within(scope).where(CaseRow.lon.is_not(None), CaseRow.lat.is_not(None))
        return self._session.scalars(query.order_by(CaseRow.due_at.is_(None), CaseRow.due_at).limit(limit)).all()

    def _page(self, query: Select[CaseRow], total: int, page: int, size: int) -> QueuePage:
        """Return this page of a list, or the nearest there is."""
        page, pages = turned(total, page, size)
        rows = self._session.scalars(query.offset((page - 1) * size).limit(size)).all()
        return QueuePage(rows, total, page, pages)

    def count(self, scope: Scope) -> int:
        """Return how many cases are in `scope`."""
        return self._session.scalar(select(func.count()).select_from(within(scope).subquery())) or 0

    def every_case(self, scope: Scope | None = None) -> Iterator[CaseRow]:
        """Yield all cases, or those in `scope`, in the order of their numbers, in batches."""
        last = 0
        while True:
            wanted = select(CaseRow) if scope is None else within(scope)
            query = wanted.where(CaseRow.id > last).order_by(CaseRow.id).limit(EXPORT_BATCH)
            rows = self._session.scalars(query).all()
            if not rows:
                return
            yield from rows
            last = rows[-1].id

    def case_by_source(self, source_key: str) -> CaseRow | None:
        """Return the case imported under this key, if there is one."""
        return self._session.scalars(select(CaseRow).where(CaseRow.source_key == source_key)).one_or_none()

    def known_sources(self) -> set[str]:
        """Return the keys under which cases have been imported."""
        return {key for key in self._session.scalars(select(CaseRow.source_key)) if key is not None}

    def counts_by_state(self) -> dict[str, int]:
        """Return how many cases are in each state."""
        rows = self._session.execute(select(CaseRow.state, func.count()).group_by(CaseRow.state))
        return {str(state): int(count) for state, count in rows}

    # -- the worker's lists ------------------------------------------------------------------------------------

    def waiting(self, kind: type[OutboxRow | AttachmentRow], now: datetime, limit: int) -> Sequence[int]:
        """Return ids of messages or files that are due for a try, the oldest first; leased ones are not."""
        query = (
            select(kind.id)
            .where(kind.state.in_(("waiting", "sending")), kind.next_try_at <= now)
            .order_by(kind.next_try_at, kind.id)
        )
        return self._session.scalars(query.limit(limit)).all()

    def to_read(self, now: datetime, limit: int) -> Sequence[int]:
        """Return ids of stored voices and photos whose words are still to be found, the oldest first."""
        query = (
            select(AttachmentRow.id)
            .where(AttachmentRow.reading == "waiting", AttachmentRow.next_try_at <= now)
            .order_by(AttachmentRow.next_try_at, AttachmentRow.id)
        )
        return self._session.scalars(query.limit(limit)).all()

    def drop(self, row: Base) -> None:
        """Delete a row."""
        self._session.delete(row)

    def to_erase(self, now: datetime, limit: int) -> Sequence[int]:
        """Return ids of residents who wanted to be forgotten before now."""
        return self._session.scalars(select(ResidentRow.id).where(ResidentRow.erase_at <= now).limit(limit)).all()

    def backlog(self) -> dict[str, int]:
        """Return how many messages and files wait."""
        return {
            kind.__tablename__: self._session.scalar(
                select(func.count()).select_from(kind).where(kind.state.in_(("waiting", "sending")))
            )
            or 0
            for kind in (OutboxRow, AttachmentRow)
        }

    def lock_row(self, kind: type[Row], row_id: int) -> Row | None:
        """Return a row for changing, fresh, or None when it is gone."""
        return self._session.get(kind, row_id, with_for_update=True, populate_existing=True)

    # -- staff -------------------------------------------------------------------------------------------------

    def staff_by_login(self, login: str, *, lock: bool = False) -> StaffRow | None:
        """Return the account with this login, for changing if `lock`, or None."""
        query = select(StaffRow).where(StaffRow.login == login)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return self._session.scalars(query).one_or_none()

    def staff(self) -> Sequence[StaffRow]:
        """Return all accounts in the order in which they were made."""
        return self._session.scalars(select(StaffRow).order_by(StaffRow.id)).all()


def _of_resident(resident_id: int) -> Select[CaseRow]:
    """Return the query for a resident's cases, open ones first, the newest first among each."""
    return (
        select(CaseRow).where(CaseRow.resident_id == resident_id).order_by(CaseRow.state.in_(ENDED), CaseRow.id.desc())
    )


def _tells_of_resident(row: HistoryRow) -> bool:
    """Say whether a line of history holds the resident's words, or the place in them (why the system sent it on)."""
    told = row.action in {"called_back", "contact"}  # what they said on the phone or at the door
    return told or (row.public and row.who in {"resident", "bot"}) or (row.who == "system" and row.action == "send")
