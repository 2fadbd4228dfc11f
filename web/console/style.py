"""`/console/style`: colours, type and every component of the console on one living page; in the sandbox only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, render_template

from cases import words
from web.console.frame import frame
from web.console.present import CaseLine, Choice, Delivery, Entry, Field, MapView, Media
from web.console.session import Page, anybody

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book

COLOURS = {
    "ground": "底",
    "paper": "纸",
    "ink": "字",
    "soft": "次要的字",
    "line": "线",
    "line-strong": "深一点的线",
    "accent": "主色",
    "accent-wash": "主色淡",
    "red": "红牌、险情",
    "yellow": "黄牌",
    "note": "内部备注",
}
LINE = CaseLine(
    number="100018", spoken="100 018", title="临江路128号门口井盖没了，晚上看不见，差点摔了", category="井盖缺损",
    place="临江路128号", state="accepted", state_name="办理中", holder="城市管理局", due="今天下午5点半前办结", card="",
    urgent=False, urges=0, heat=1, attention="", photos=2, opened="2小时前",
)  # fmt: skip
LATE = CaseLine(**{**vars(LINE), "number": "100025", "spoken": "100 025", "card": "red", "urgent": True, "urges": 2,
                   "due": "已超时3小时", "heat": 4})  # fmt: skip
SOON = CaseLine(**{**vars(LINE), "number": "100032", "spoken": "100 032", "card": "yellow", "state": "assigned",
                   "state_name": "待受理", "attention": "居民不满意"})  # fmt: skip
THREAD = (
    Entry("11-26 09:12", "resident", "居民 0007", "门口的井盖没了，差点摔了", public=True),
    Entry("11-26 09:12", "bot", "小助手", "收到了，工单号 100 018。已交给城市管理局，下午两点前联系您。", public=True),
    Entry("11-26 10:05", "staff", "韩雪（城市管理局）", "师傅已经出发，半小时到。", public=True,
          deliveries=(Delivery("sent", "已送达 · 微信消息 11-26 10:05"),)),
    Entry("11-26 10:06", "staff", "韩雪（城市管理局）", "带一个 700 的井盖。", public=False),
    Entry("11-26 10:40", "staff", "韩雪（城市管理局）", "换好了，您看看。", public=True,
          deliveries=(Delivery("undeliverable", "没送到：居民48小时没来消息", "请打电话告诉居民"),)),
)  # fmt: skip
BEFORE = Media("photo", "stored", "/static/sample-before.svg", "", "", "", "", phase="before")
AFTER = Media("photo", "stored", "/static/sample-after.svg", "", "", "", "", phase="after")
MEDIA = (
    Media("photo", "waiting", "", "", "", "", ""),
    Media("photo", "failed", "", "", "", "", "过了三天，微信不再保存"),
    Media("voice", "withheld", "", "", "楼下天天吵", "", "居民要求匿名，语音只给派单员听"),
)
MAP = MapView("M60 30L260 24L270 170L70 180Z", ("M0 30L60 30L70 180L0 190Z",), (160.0, 110.0), "翠湖社区第1网格")
REASONS = Field("radio", "reason", "原因", (("", (Choice("1", "不是我们管的"), Choice("2", "地点不清楚"))),))


def register(routes: Blueprint, house: House) -> None:
    """Add the page."""

    def show(book: Book, city: City, me: Actor) -> Page:
        if not house.settings.sandbox:
            abort(404)
        return render_template(
            "console/style.html", **frame(book, city, me), colours=COLOURS, lines=(LATE, SOON, LINE), thread=THREAD,
            media=MEDIA, pair=(BEFORE, AFTER), map=MAP, reasons=REASONS, states=words.STAFF_STATES,
        )  # fmt: skip

    routes.get("/style", endpoint="style")(anybody(show, house, writes=False))
