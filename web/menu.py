"""The official account's menu."""

from __future__ import annotations

from typing import Any

from bot.links import PAGES


def menu(public_url: str) -> dict[str, Any]:
    """Return the official account's menu; residents' pages are in it when phones can reach them."""
    pages = [{"type": "view", "name": "我的事", "url": public_url + PAGES}] if public_url else []
    more = [{"type": "click", "name": name, "key": key} for name, key in (("办事指南", "GUIDE"), ("怎么用", "HELP"))]
    return {
        "button": [
            {"type": "click", "name": "我要上报", "key": "REPORT"},
            {"type": "click", "name": "查进度", "key": "PROGRESS"},
            {"name": "更多", "sub_button": [*pages, *more]},
        ]
    }
