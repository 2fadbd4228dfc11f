"""The tables of routing rules and of the learning loop: rules, labels, trainings, releases."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.tables import Base


class RuleRow(Base):
    """A routing rule of the administrator's; the lowest `position` is asked first. `conditions`: `cases.rules`."""

    __tablename__ = "rules"
    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    active: Mapped[bool] = mapped_column(default=False)
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON)
    queue: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(String(200), default="")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    changed_at: Mapped[datetime]


class LabelRow(Base):
    """A text whose kind a person has said: what the city's own classifier learns from and is measured by.

    `origin`: correction or confirmation by a dispatcher, return by a handler, handled (finished where it was sent),
    import. `said_at` is the text's own time. `guess`, `probability`, `model_version`: what the classifier had said.
    `part`: train or test, given once by the first training that sees it; empty before. `active` is false for a text
    that was set aside when a conflict was settled. `source_key` makes importing it again harmless.
    """

    __tablename__ = "labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(String(60), index=True)
    origin: Mapped[str] = mapped_column(String(15))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), unique=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    source_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    said_at: Mapped[datetime]
    labelled_at: Mapped[datetime] = mapped_column(index=True)
    guess: Mapped[str | None] = mapped_column(String(60))
    probability: Mapped[float | None]
    model_version: Mapped[str | None] = mapped_column(String(60))
    part: Mapped[str] = mapped_column(String(5), default="")
    active: Mapped[bool] = mapped_column(default=True)


class TrainingRow(Base):
    """A training that a dispatcher asked for. `state`: waiting, running, done, failed or cancelled.

    `beat_at` is when its worker was last heard of; `log` has lines of [moment, words]; `champion` is the released
    version that it was compared with, `report` the comparison (`cases.comparison`).
    """

    __tablename__ = "trainings"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    beat_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(default=0.0)
    log: Mapped[list[Any]] = mapped_column(JSON, default=list)
    version: Mapped[str | None] = mapped_column(String(60))
    champion: Mapped[str | None] = mapped_column(String(60))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[str] = mapped_column(String(300), default="")


class ReleaseRow(Base):
    """A version of the classifier put to use, or back to use. `reason`: why against the figures, or why back."""

    __tablename__ = "releases"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(60))
    from_version: Mapped[str | None] = mapped_column(String(60))
    training_id: Mapped[int | None] = mapped_column(ForeignKey("trainings.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(10))  # release or rollback
    reason: Mapped[str] = mapped_column(String(300), default="")
