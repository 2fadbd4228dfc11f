"""The tables of signing in: sessions, passwords that were used before, codes for whoever lost their phone."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.tables import Base


class SessionRow(Base):
    """One device on which somebody is signed in. Of the cookie's token only the SHA-256 is kept.

    `address` is cut to its network; `device` has words from the browser's name; `how`: password, oidc or wecom.
    """

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(60))
    device: Mapped[str] = mapped_column(String(60))
    how: Mapped[str] = mapped_column(String(10))


class OldPasswordRow(Base):
    """The hash of a password that somebody had, so that it is not taken again."""

    __tablename__ = "old_passwords"
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime]


class RecoveryRow(Base):
    """The digest of a code that stands in for the second step once."""

    __tablename__ = "recovery_codes"
    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]
