"""`怎么用` in the console: everybody's own page, and nothing but the guides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.people import Staff

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: files hang on no database."""
    return f"sqlite:///{tmp_path}/help.sqlite3"


@pytest.mark.parametrize(
    ("login", "page", "words"),
    [
        ("cuihu01", "officer", "网格员的一天"),
        ("cuihu01b", "officer", "网格员的一天"),
        ("urban", "department", "部门的一天"),
        ("cuihusq", "centre", "社区和街道的一天"),
        ("city", "centre", "社区和街道的一天"),
        ("dispatcher", "dispatcher", "派单员的一天"),
        ("leader", "leader", "分管领导的一天"),
        ("admin", "admin", "系统管理员怎么用"),
    ],
)
def test_everybody_finds_their_own_page(app: Flask, login: str, page: str, words: str) -> None:
    """From 我 a link leads to the page of one's role, which comes under the console's content policy."""
    client = Staff(app, login).client
    assert 'href="/console/help"' in client.get("/console/me").text
    answer = client.get("/console/help", follow_redirects=True)
    assert answer.request.path == f"/console/help/{page}.html"
    assert words in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert client.get("/console/help/images/officer-list.png").mimetype == "image/png"
    assert client.get("/console/help/guide.css").mimetype == "text/css"


@pytest.mark.parametrize("name", ["README.md", "../README.md", "../../settings.py", "%2e%2e/glossary.md", "images", ""])
def test_nothing_but_the_guides(app: Flask, name: str) -> None:
    """What is no page, style or picture of the folder, or lies beside it, is not there."""
    assert Staff(app, "urban").client.get(f"/console/help/{name}").status_code == 404
