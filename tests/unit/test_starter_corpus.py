"""What the starter corpus promises, and how well a model of it alone routes real matters."""

from collections import Counter
from pathlib import Path

import pytest

import classifier
from cases import learning
from cases.city_files import CORPUS
from tests import starter
from tests.unit.test_sample_city import CATEGORIES

REPORTS, OTHERS, TERMS = (classifier.read_examples(CORPUS / f"{name}.jsonl") for name in ("reports", "others", "terms"))
CODES = {row["code"] for row in CATEGORIES}
SAMPLE = 6000


def test_there_is_enough_to_learn_from() -> None:
    """There are thousands of reports and of messages that are none, and no kind is thin."""
    assert len(REPORTS) >= 4000
    assert len(OTHERS) >= 1000
    counts = Counter(example.label for example in REPORTS)
    assert set(counts) == CODES
    assert {code: count for code, count in counts.items() if count < 25} == {}


def test_no_text_stands_twice() -> None:
    """A report or a term has one kind, stands once, and is not padded."""
    learnt = Counter(example.text for example in REPORTS + TERMS)
    assert [text for text, count in learnt.items() if count > 1] == []
    assert [text for text in learnt if text != text.strip()] == []
    assert {example.label for example in TERMS} == CODES


def test_the_table_of_departments_is_complete() -> None:
    """Each kind of the city leads to one department of the hotline, and no other kind is named."""
    table = starter.departments()
    assert set(table) == CODES
    assert all(table.values())


@pytest.mark.skipif(not starter.HOTLINE.exists(), reason="no hotline data: ../shared/data is not beside the repository")
def test_a_model_of_the_corpus_routes_real_matters(trained_models: Path) -> None:
    """Trained on the corpus alone, the model leads more than half of a real hotline's matters to their departments."""
    model = classifier.load(trained_models / learning.MATTERS)
    assert starter.starter_accuracy(model, SAMPLE) >= 0.55


@pytest.mark.skipif(not starter.HOTLINE.exists(), reason="no hotline data: ../shared/data is not beside the repository")
def test_no_line_was_taken_from_the_hotline() -> None:
    """Not one line of the corpus is a ticket's text: it was written for the project."""
    taken = {text for text, _ in starter.tickets()}
    assert [example.text for example in REPORTS + OTHERS if len(example.text) >= 8 and example.text in taken] == []
