"""The guides as they come out of a printer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import pictures

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from playwright.sync_api import Browser


def test_each_guide_is_one_page(browser: Browser, tmp_path: Path) -> None:
    """Printed in a browser, each guide takes one page of A4, with all its pictures and a little room."""
    page = browser.new_page()
    assert list(pictures.faults_of(page, tmp_path)) == []
    assert {path.stem for path in tmp_path.glob("*.pdf")} == {path.stem for path in pictures.guides()}
    page.close()


def test_what_is_wrong_is_said(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guide that is too long, or names a picture that is not there, is named with what is wrong."""
    (tmp_path / "images").mkdir()
    (tmp_path / "long.html").write_text("<p>一行</p>" * 200 + '<img src="images/no.png" alt="">', encoding="utf-8")
    monkeypatch.setattr(pictures, "GUIDES", tmp_path)
    page = browser.new_page()
    found = list(pictures.faults_of(page, None))
    page.close()
    assert found[0] == "long.html: no such picture: images/no.png"
    assert found[1].startswith("long.html: takes ")
    assert len(found) == 2
