"""What real deliveries look like, to be changed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.people import message_xml

COLLECTION = Path(__file__).resolve().parents[3] / "shared" / "wechat"
MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


def payloads() -> list[bytes]:
    """Return real payloads, where the collection lies beside the project; else a few as WeChat writes them."""
    if (COLLECTION / "index.json").exists():
        entries = json.loads((COLLECTION / "index.json").read_text(encoding="utf-8"))
        return [(COLLECTION / entry["file"]).read_bytes() for entry in entries if entry["file"].endswith(".xml")]
    openid = "oFuzz00000000000000000000001"
    made = [
        message_xml(openid, "text", Content=MANHOLE),
        message_xml(openid, "image", MediaId="m", PicUrl="http://x"),
        message_xml(openid, "location", Location_X="36.6", Location_Y="117.0", Label="翠湖"),
        message_xml(openid, "event", Event="subscribe", EventKey="qrscene_1"),
    ]
    return [body.encode() for body in made]
