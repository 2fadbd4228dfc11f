import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.assembly import House, utc_now
from bot.understanding import Understanding
from cases.city_files import CORPUS
from cases.numbers import number_of
from cases.similar import MOST, Alike, Similar
from cases.storage.learning import LabelRow
from cases.storage.tables import CaseRow
from classifier import read_examples

MANHOLES = ("小区门口井盖坏了", "路上井盖没了", "井盖松动，车一过就响", "人行道井盖破了个洞", "窨井盖被偷了")
QUICK_SECONDS = 0.02
CASES = 2000


@pytest.fixture
def similar(house: House) -> Similar:
    """Give the neighbours in meaning, read anew at each question."""
    return Similar(house.understanding.matters_model, renew_seconds=0)


@pytest.fixture
def decided(house: House) -> Callable[..., list[int]]:
    """Give a way to have cases decided: `decided(texts, kind, unit)`."""

    def put(texts: list[str] | tuple[str, ...], kind: str, unit: str) -> list[int]:
        now = utc_now()
        with house.store.write() as book:
            city = house.cities.current(book)
            rows = [_case(text, city.by_code[unit].id) for text in texts]
            for row in rows:
                book.add(row)
                label = LabelRow(text=row.text, label=kind, origin="correction", case_id=row.id)
                label.said_at = label.labelled_at = now
                book.add(label)
            return [row.id for row in rows]

    return put


def _case(text: str, unit_id: int) -> CaseRow:
    now = utc_now()
    return CaseRow(
        state="assigned", text=text, holder_id=unit_id, opened_at=now, accept_by=now, contact_by=now, finish_by=now
    )


def ask(house: House, similar: Similar, text: str, case_id: int | None = None) -> Alike:
    """Return what became of cases like this text."""
    with house.store.read() as book:
        return similar.to(book, house.cities.current(book), text, case_id)


def test_where_similar_cases_went(house: House, similar: Similar, decided: Callable[..., list[int]]) -> None:
    """Of cases that say much the same it is known where they went and of which kind they were, itself not counted."""
    first, *_ = decided(MANHOLES, "facility/manhole", "dept-urban")
    decided(("邻居半夜唱歌睡不着", "楼上装修吵死人"), "env/noise", "dept-ecology")
    found = ask(house, similar, "翠湖小区3栋楼下井盖坏了")
    with house.store.read() as book:
        urban = house.cities.current(book).by_code["dept-urban"].id
    assert found.units == ((urban, found.total),)
    assert found.agreed == "facility/manhole"
    assert 3 <= found.total <= MOST
    assert ask(house, similar, MANHOLES[0], first).total == found.total - 1 or found.total < len(MANHOLES)


def test_what_changes_is_seen(house: House, similar: Similar, decided: Callable[..., list[int]]) -> None:
    """A decision that is corrected counts as corrected; what came back to the dispatchers does not count."""
    ids = decided(MANHOLES, "facility/manhole", "dept-urban")
    assert ask(house, similar, "井盖坏了").agreed == "facility/manhole"
    with house.store.write() as book:
        for case_id in ids:
            label = book.label_of(case_id)
            assert label is not None
            label.label, label.labelled_at = "facility/road", utc_now()
    assert ask(house, similar, "井盖坏了").agreed == "facility/road"
    with house.store.write() as book:
        for case_id in ids:
            row = book.get(CaseRow, case_id)
            assert row is not None
            row.holder_id = house.cities.current(book).dispatch.id
    assert ask(house, similar, "井盖坏了") == Alike()
    assert number_of(ids[0])


def test_nothing_without_a_model(house: House, decided: Callable[..., list[int]], tmp_path: Path) -> None:
    """Without a model, without words, or far from everything decided, nothing is said."""
    decided(MANHOLES, "facility/manhole", "dept-urban")
    nobody = Similar(Understanding(tmp_path / "nowhere").matters_model)
    assert ask(house, nobody, "井盖坏了") == Alike()
    assert ask(house, house.similar, "  ") == Alike()
    assert ask(house, house.similar, "请问怎么办理老年卡") == Alike()


def test_two_thousand_cases_are_quick(house: House, decided: Callable[..., list[int]]) -> None:
    """Among 2,000 decided cases the similar ones are found within 20 milliseconds."""
    texts = [example.text for example in read_examples(CORPUS / "reports.jsonl")][:CASES]
    decided(texts, "facility/manhole", "dept-urban")
    ask(house, house.similar, texts[0])
    taken = []
    for text in texts[:30]:
        started = time.perf_counter()
        ask(house, house.similar, text)
        taken.append(time.perf_counter() - started)
    assert sorted(taken)[len(taken) // 2] < QUICK_SECONDS
