"""Choices that can be tapped: a line "回复 1 解决了" becomes WeChat's menu link, and stays readable as it is.

Source: 微信公众平台「客服消息」, `weixin://bizmsgmenu`: tapping sends `msgmenucontent` as the resident's own text.
"""

from __future__ import annotations

import re
from html import escape

TEXT_BYTES = 2048
_CHOICE = re.compile(r"^回复 (\d) (\S.*)$", re.MULTILINE)


def tappable(text: str) -> str:
    """Return a text with its choices as links, or as it is where WeChat would not take so many bytes."""
    linked = _CHOICE.sub(_link, text)
    return linked if len(linked.encode()) <= TEXT_BYTES else text


def _link(match: re.Match[str]) -> str:
    digit, words = match[1], escape(match[2])
    return f'回复 {digit} <a href="weixin://bizmsgmenu?msgmenucontent={words}&msgmenuid={digit}">{words}</a>'
