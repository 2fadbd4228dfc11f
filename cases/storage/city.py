"""The queries about the city: units, categories, places, the office guide, changed texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cases.storage.learning import RuleRow
from cases.storage.tables import CaseRow, CategoryRow, GuideRow, MetaRow, PhraseRow, PlaceRow, UnitRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


class CityQueries:
    """The part of the case book that the city is in."""

    _session: Session

    def meta(self, key: str) -> str | None:
        """Return a fact about the database, or None."""
        return self._session.scalar(select(MetaRow.value).where(MetaRow.key == key))

    def set_meta(self, key: str, value: str) -> None:
        """Set a fact about the database; who sets it for the first time at the same moment waits, and comes after."""
        insert = postgresql.insert if self._session.get_bind().dialect.name == "postgresql" else sqlite.insert
        new = insert(MetaRow).values(key=key, value=value)
        self._session.execute(new.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

    def units(self) -> Sequence[UnitRow]:
        """Return all units, parents before children."""
        return self._session.scalars(select(UnitRow).order_by(UnitRow.id)).all()

    def categories(self) -> Sequence[CategoryRow]:
        """Return all categories by group and code."""
        return self._session.scalars(select(CategoryRow).order_by(CategoryRow.code)).all()

    def places(self) -> Sequence[PlaceRow]:
        """Return all places."""
        return self._session.scalars(select(PlaceRow).order_by(PlaceRow.id)).all()

    def guide(self) -> Sequence[GuideRow]:
        """Return the office guide: what is handled here first, each part by title."""
        return self._session.scalars(select(GuideRow).order_by(GuideRow.elsewhere, GuideRow.title)).all()

    def rules(self) -> Sequence[RuleRow]:
        """Return the routing rules in the order in which they are asked."""
        return self._session.scalars(select(RuleRow).order_by(RuleRow.position, RuleRow.id)).all()

    def rule_uses(self, since: datetime) -> dict[int, int]:
        """Return how many cases opened since then each rule has decided."""
        query = select(CaseRow.rule_id, func.count()).where(CaseRow.rule_id.is_not(None), CaseRow.opened_at >= since)
        return {rule_id: count for rule_id, count in self._session.execute(query.group_by(CaseRow.rule_id)) if rule_id}

    def opened_since(self, since: datetime, limit: int) -> Sequence[CaseRow]:
        """Return so many cases opened since then, the latest first."""
        query = select(CaseRow).where(CaseRow.opened_at >= since).order_by(CaseRow.id.desc()).limit(limit)
        return self._session.scalars(query).all()

    def phrases(self) -> dict[str, str]:
        """Return the bot's texts that were changed here, by key."""
        return {row.key: row.text for row in self._session.scalars(select(PhraseRow))}

    def replace_places(self, rows: Iterable[PlaceRow]) -> None:
        """Put these places in the stead of all others."""
        self._session.execute(delete(PlaceRow))
        self._session.add_all(rows)
