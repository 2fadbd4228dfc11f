"""The tables of working together: tasks of other units, callbacks, notices to staff, duty, absence, limits, audit."""

from __future__ import annotations

from datetime import (  # SQLAlchemy reads the annotations
    date,  # noqa: TC003
    datetime,  # noqa: TC003
)
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.tables import Base


class TaskRow(Base):
    """What another unit is asked to do in a case: `kind` help (协办) or whistle (吹哨), by `due_at`.

    `arrived_at`: somebody of the unit is on the spot; `answer`: what they did. The caller judges an answer to a
    whistle: `verdict` confirmed or empty. `cancelled_at`: it is not needed any more.
    """

    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    by_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    by_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    text: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answer: Mapped[str] = mapped_column(Text, default="")
    verdict: Mapped[str] = mapped_column(String(10), default="")
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    cancelled_at: Mapped[datetime | None]


class CallbackRow(Base):
    """A resident to be called back about a closed case. `why`: a key of `cases.callbacks.WHY`.

    `outcome`: reached, unreachable or declined; what the resident said of it in `solved` (solved, partly, unsolved),
    `rating` and `text`.
    """

    __tablename__ = "callbacks"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    why: Mapped[str] = mapped_column(String(15))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[str] = mapped_column(String(15), default="")
    solved: Mapped[str] = mapped_column(String(10), default="")
    rating: Mapped[str] = mapped_column(String(20), default="")
    text: Mapped[str] = mapped_column(Text, default="")


class NoticeRow(Base):
    """A notice to staff about a case: for one person (`staff_id`) or for all of a unit (`unit_id`).

    `kind`: a key of `cases.words.STAFF_NOTICES`; `card_due`: the limit that a card was shown for.
    """

    __tablename__ = "notices"
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "staff_id", "read_at"), Index(None, "unit_id", "read_at"))


class AbsenceRow(Base):
    """A member of staff away from `from_at` until `until_at`; their backup (`StaffRow.backup_id`) stands in."""

    __tablename__ = "absences"
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(String(100), default="")
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class DutyRow(Base):
    """One person's turn on duty for a unit and all below it; `position`: who is called first."""

    __tablename__ = "duties"
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    position: Mapped[int] = mapped_column(default=1)


class PlanRow(Base):
    """The plan (预案) for one kind of danger: `steps` in order, `phones` as [name, number]. `general`: any other."""

    __tablename__ = "plans"
    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    steps: Mapped[list[Any]] = mapped_column(JSON)
    phones: Mapped[list[Any]] = mapped_column(JSON)


class LimitRow(Base):
    """Limits (hours) that differ from the kind's own: for a kind, a level (unit kind), urgent matters or not.

    An empty part means any. Of those that fit, the one that says most counts (`cases.limits.choose`).
    """

    __tablename__ = "limits"
    __table_args__ = (UniqueConstraint("category_code", "level", "urgency"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(String(60), default="")
    level: Mapped[str] = mapped_column(String(20), default="")
    urgency: Mapped[str] = mapped_column(String(10), default="")  # yes, no or empty
    accept_hours: Mapped[float]
    contact_hours: Mapped[float]
    finish_hours: Mapped[float]
    verify_days: Mapped[float]


class DayRow(Base):
    """A day of which the administrator says whether offices work: it counts before the library's calendar."""

    __tablename__ = "days"
    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    name: Mapped[str] = mapped_column(String(40), default="")


class CannedRow(Base):
    """An answer written beforehand, with variables as {number}; of one unit and those below it, or of all."""

    __tablename__ = "canned"
    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    title: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)


class AuditRow(Base):
    """One line of the audit trail: who did what to what. Only added to; each line's `digest` covers the one before."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    staff_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80), default="", index=True)
    detail: Mapped[str] = mapped_column(String(300), default="")
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class TokenRow(Base):
    """A key to the HTTP API, which acts as a member of staff; only its digest is kept."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
