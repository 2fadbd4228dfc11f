"""The tables of what watches over the service: signs of life of its processes, and the alarms that are on."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.tables import Base


class HeartbeatRow(Base):
    """The last sign of life of one process, made by the loop that works; from `late_at` on the next one is late."""

    __tablename__ = "heartbeats"
    process: Mapped[str] = mapped_column(String(80), primary_key=True)  # kind@machine
    at: Mapped[datetime]
    late_at: Mapped[datetime]


class AlarmRow(Base):
    """An alarm (`cases.watch.ALARMS`) that is on, or that ended and whose end is still to be told.

    `told_at`: when it was last sent out; of what was never sent, no end is sent either.
    """

    __tablename__ = "alarms"
    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    words: Mapped[str] = mapped_column(String(300))
    began_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
