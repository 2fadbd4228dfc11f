"""The queries of signing in: sessions, former passwords, recovery codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, select, update

from cases.storage.security import OldPasswordRow, RecoveryRow, SessionRow
from cases.storage.tables import StaffRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


class SigningQueries:
    """The part of the case book that knows who is signed in where."""

    _session: Session

    # -- sessions ----------------------------------------------------------------------------------------------

    def session(self, digest: str) -> SessionRow | None:
        """Return the session whose token has this digest, or None."""
        return self._session.scalars(select(SessionRow).where(SessionRow.digest == digest)).one_or_none()

    def sessions_of(self, staff_id: int, created: datetime, seen: datetime) -> Sequence[SessionRow]:
        """Return a person's sessions that neither ended nor ran out, the one that was used last first."""
        query = select(SessionRow).where(_going(staff_id), SessionRow.created_at > created, SessionRow.seen_at > seen)
        return self._session.scalars(query.order_by(SessionRow.seen_at.desc(), SessionRow.id.desc())).all()

    def end_sessions(self, staff_id: int, now: datetime, but: int | None = None) -> int:
        """End all sessions of a person, `but` one; return how many."""
        going = self._session.scalars(select(SessionRow.id).where(_going(staff_id))).all()
        ended = [each for each in going if each != but]
        self._session.execute(update(SessionRow).where(SessionRow.id.in_(ended)).values(ended_at=now))
        return len(ended)

    def has_sessions_before(self, moment: datetime) -> bool:
        """Say whether any session began before this."""
        query = select(SessionRow.id).where(SessionRow.created_at < moment).limit(1)
        return self._session.scalars(query).first() is not None

    def drop_sessions(self, before: datetime) -> None:
        """Delete the sessions that began before this."""
        self._session.execute(delete(SessionRow).where(SessionRow.created_at < before))

    # -- accounts ----------------------------------------------------------------------------------------------

    def staff_by_external(self, external_id: str) -> StaffRow | None:
        """Return the account that somebody else's login calls so, for changing, or None."""
        query = select(StaffRow).where(StaffRow.external_digest == external_id).with_for_update()
        return self._session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def old_passwords(self, staff_id: int, count: int) -> list[str]:
        """Return the hashes of a person's last passwords, the newest first."""
        query = select(OldPasswordRow.password_hash).where(OldPasswordRow.staff_id == staff_id)
        return list(self._session.scalars(query.order_by(OldPasswordRow.id.desc()).limit(count)))

    def forget_old_passwords(self, staff_id: int, keep: int) -> None:
        """Delete what a person's passwords were before the last ones that are kept."""
        query = select(OldPasswordRow.id).where(OldPasswordRow.staff_id == staff_id).order_by(OldPasswordRow.id.desc())
        old = self._session.scalars(query.offset(keep).limit(100)).all()
        self._session.execute(delete(OldPasswordRow).where(OldPasswordRow.id.in_(old)))

    # -- recovery codes ----------------------------------------------------------------------------------------

    def recovery_code(self, staff_id: int, digest: str) -> RecoveryRow | None:
        """Return a person's code that is not used yet, for changing, or None."""
        query = select(RecoveryRow).where(
            RecoveryRow.staff_id == staff_id, RecoveryRow.digest == digest, RecoveryRow.used_at.is_(None)
        )
        return self._session.scalars(query.with_for_update()).one_or_none()

    def recovery_digest(self, staff_id: int) -> str:
        """Return what is kept of any of a person's codes that are not used yet, or nothing: all have one salt."""
        unused = and_(RecoveryRow.staff_id == staff_id, RecoveryRow.used_at.is_(None))
        return self._session.scalar(select(RecoveryRow.digest).where(unused).limit(1)) or ""

    def recovery_left(self, staff_id: int) -> int:
        """Return how many of a person's codes are not used yet."""
        unused = and_(RecoveryRow.staff_id == staff_id, RecoveryRow.used_at.is_(None))
        return self._session.scalar(select(func.count()).select_from(RecoveryRow).where(unused)) or 0

    def forget_recovery(self, staff_id: int) -> None:
        """Delete all codes of a person."""
        self._session.execute(delete(RecoveryRow).where(RecoveryRow.staff_id == staff_id))


def _going(staff_id: int) -> ColumnElement[bool]:
    return and_(SessionRow.staff_id == staff_id, SessionRow.ended_at.is_(None))
