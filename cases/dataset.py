"""The labels as dispatchers look after them: balance, conflicts to settle, new kinds, past cases to label by search."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import figures
from cases.city import VERSION_KEY
from cases.figures import Share
from cases.labels import Origin, masked
from cases.ledger import NotAllowed
from cases.storage.learning import LabelRow
from cases.storage.tables import CaseRow, CategoryRow
from cases.training import may_train

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from classifier import Model

NAME_CHARACTERS = 20
HOURS = (2.0, 8.0, 40.0)
# Of one kind there are so many times fewer than of the most frequent before it is called rare.
FEW = 20
MOST_FOUND, LOOKED_THROUGH = 30, 1_500
LEAST_LIKENESS = 0.05


@dataclass(frozen=True)
class KindState:
    """How far a kind is: its labels, and in the frozen set how many guesses of it were right (None: not measured)."""

    labels: int
    tested: int
    right: Share | None

    @property
    def good_enough(self) -> bool:
        """Whether it may route by itself."""
        return self.right is not None and figures.is_good_enough(self.right)


def kind_state(book: Book, code: str, report: Mapping[str, Any] | None) -> KindState:
    """Return how far a kind is. `report`: the comparison that the version in use came with, if it was trained here."""
    count = next((each for each in book.label_counts() if each.label == code), None)
    right = None
    if report is not None and "confusion" in report:
        guessed = [each for each in report["confusion"] if each["guess"] == code]
        hits = sum(each["count"] for each in guessed if each["truth"] == code)
        right = Share(hits, sum(each["count"] for each in guessed))
    return KindState(count.by_people if count else 0, count.test if count else 0, right)


def new_kind(book: Book, city: City, actor: Actor, name: str, group: str, queue: str) -> str:
    """Add a kind and return its code. It waits for the dispatchers until it is good enough. Raises NotAllowed."""
    may_train(actor)
    name = "".join(name.split())
    if not 1 < len(name) <= NAME_CHARACTERS:
        raise NotAllowed(f"类别名写 2 到 {NAME_CHARACTERS} 个字。")
    if any(category.name == name for category in city.categories.values()):
        raise NotAllowed(f"已经有“{name}”这一类了。")
    known = next((each for each in city.categories.values() if each.group_name == group), None)
    departments = {unit.code for unit in city.units.values() if unit.kind == "department" and unit.active}
    if known is None or queue not in {"grid", "street", *departments}:
        raise NotAllowed("请选好属于哪一组、由谁办。")
    code = f"{known.code.partition('/')[0]}/{uuid.uuid4().hex[:8]}"
    accept, contact, finish = HOURS
    book.add(
        CategoryRow(
            code=code,
            name=name,
            group_name=group,
            queue=queue,
            needs_place=True,
            urgent=False,
            accept_hours=accept,
            contact_hours=contact,
            finish_hours=finish,
            auto=False,
        )
    )
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)
    return code


def set_auto(book: Book, actor: Actor, code: str, confident: float | None, *, auto: bool) -> None:
    """Say whether a kind routes by itself, and from which certainty of its own (None: as all). Raises NotAllowed."""
    may_train(actor)
    row = book.get(CategoryRow, code)
    if row is None:
        raise NotAllowed("没有这个类别。")
    row.auto, row.confident = auto, confident
    book.set_meta(VERSION_KEY, uuid.uuid4().hex)


def settle(book: Book, actor: Actor, row_id: int, label: str, city: City, now: datetime) -> None:
    """Decide which kind a text is that people gave several: one label of it stays, the others are set aside."""
    may_train(actor)
    row = book.get(LabelRow, row_id)
    if row is None or label not in city.categories:
        raise NotAllowed("这条标注已经不在了。")
    same = [each for each in book.labels_with(row.text) if each.active]
    kept = next((each for each in same if each.label == label), same[0])
    for each in same:
        each.active = each is kept
    kept.label, kept.staff_id, kept.labelled_at = label, actor.staff_id, now


def label_cases(book: Book, city: City, actor: Actor, case_ids: Iterable[int], code: str, now: datetime) -> int:
    """Say of past cases which kind they are, without touching the cases; return how many were labelled."""
    may_train(actor)
    if code not in city.categories:
        raise NotAllowed("没有这个类别。")
    done = 0
    for case_id in case_ids:
        case = book.get(CaseRow, case_id)
        if case is None or not case.text.strip():
            continue
        row = book.label_of(case.id) or book.add(_blank(case, now))
        row.label, row.staff_id, row.labelled_at, row.active = code, actor.staff_id, now, True
        row.origin = Origin.CONFIRMATION if row.guess == code else Origin.CORRECTION
        done += 1
    return done


def _blank(case: CaseRow, now: datetime) -> LabelRow:
    guess = case.guesses[0] if case.guesses else {"code": None, "probability": None}
    return LabelRow(
        text=masked(case.text),
        label="",
        origin=Origin.CORRECTION,
        case_id=case.id,
        said_at=case.opened_at,
        labelled_at=now,
        guess=guess["code"],
        probability=guess["probability"],
        model_version=case.model_version,
    )


def search(book: Book, question: str) -> Sequence[CaseRow]:
    """Return the newest cases whose words hold everything that is asked for."""
    words = re.split(r"[\s，,、]+", question.strip())
    return book.search_texts([word for word in words if word][:5], MOST_FOUND) if any(words) else []


def alike(book: Book, model: Model | None, code: str, since: datetime) -> list[CaseRow]:
    """Return recent cases that are not of this kind yet and are most like those that are, the most alike first."""
    texts = [row.text for row in book.labels_of(code, MOST_FOUND)]
    cases = [case for case in book.recent_texts(since, LOOKED_THROUGH) if case.category_code != code]
    if model is None or not texts or not cases:
        return []
    likeness = (model.features([case.text for case in cases]) @ model.features(texts).T).max(axis=1)
    ranked = sorted(zip(likeness.toarray().ravel().tolist(), cases, strict=True), key=lambda each: -each[0])
    return [case for value, case in ranked[:MOST_FOUND] if value >= LEAST_LIKENESS]
