"""The table of who was forgotten: no identity, only what tells it again when an older backup brings them back."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from cases.storage.sealed import Found
from cases.storage.tables import Base


class ErasureRow(Base):
    """Somebody was forgotten: the digest of their openid, and when. Kept in a file as well (`cases.tombstones`).

    `versions` of the classifier that had learnt from their words, with numbers hidden, before.
    """

    __tablename__ = "erasures"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(Found, index=True)
    at: Mapped[datetime]
    versions: Mapped[list[Any]] = mapped_column(JSON, default=list)
