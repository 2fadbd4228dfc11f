"""The guides say what is really on the screens."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cases.words import ROLES
from web.console.guides import FOLDER, GUIDES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(FOLDER.glob("*.html"))
TEMPLATES = ROOT / "web/templates/console"
# Where names of buttons, lists and pages stand besides the templates.
CATALOGUES = (
    "cases/words.py",
    "cases/handling.py",
    "web/console/forms.py",
    "web/console/nav.py",
    "cases/registry/*.py",
)
LABEL = re.compile("「([^」]+)」")
NAMED = re.compile(r'(?:src|href)="([^":/#][^":]*)"')
KEY = re.compile(r"<kbd>([^<]+)</kbd>")
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
WHOLE = r"(?<![\u4e00-\u9fff]){}(?![\u4e00-\u9fff])"


def strings_of(path: Path) -> str:
    """Return the texts in a Python file, one a line; its comments are no text."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.fixture(scope="module")
def screens() -> str:
    """Give all words of the console's templates and catalogues."""
    templates = [COMMENT.sub("", path.read_text(encoding="utf-8")) for path in sorted(TEMPLATES.glob("*.html"))]
    catalogues = [strings_of(path) for name in CATALOGUES for path in sorted(ROOT.glob(name))]
    return "\n".join([*templates, *catalogues])


def test_every_role_has_its_guide() -> None:
    """Each role has one of the guides, each guide is somebody's, and the index names them all."""
    assert set(GUIDES) == set(ROLES)
    assert {page.name for page in PAGES} == set(GUIDES.values())
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"]({page.name})" in index for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_guide_names_is_there(page: Path, screens: str) -> None:
    """Every file is there; every label stands, as a whole, on some screen; every key is in a list of keys."""
    text = page.read_text(encoding="utf-8")
    files = NAMED.findall(text)
    assert files
    assert [name for name in files if not (FOLDER / name).is_file()] == []
    labels = set(LABEL.findall(text))
    assert labels
    assert [label for label in sorted(labels) if not re.search(WHOLE.format(re.escape(label)), screens)] == []
    assert [key for key in KEY.findall(text) if f"<kbd>{key}</kbd>" not in screens] == []


def test_every_picture_is_somewhere() -> None:
    """No picture is kept that no guide shows, and together they are small."""
    pictures = {path.name: path.stat().st_size for path in (FOLDER / "images").iterdir()}
    shown = {name for page in PAGES for name in re.findall(r"images/([\w.-]+)", page.read_text(encoding="utf-8"))}
    assert set(pictures) == shown
    assert sum(pictures.values()) < 1_500_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_guide_obeys_the_policy(page: Path) -> None:
    """A guide has no style or script of its own: the console's content policy forbids them."""
    text = page.read_text(encoding="utf-8")
    assert re.search(r"style=|<style|<script|\son\w+=", text) is None
