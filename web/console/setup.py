"""`/console/setup` (开通向导): what has to be there before the city can work with it, each step looked at anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import abort, flash, redirect, render_template, request, url_for

from bot import checkup
from bot.assembly import utc_now
from bot.errcodes import WeChatError
from cases import audit, setup
from cases.limits import spoken_time
from cases.setup import DONE, TODO, WRONG, Step
from cases.storage.tables import StaffRow
from cases.worktime import CHINA
from web.console.frame import frame
from web.console.session import Page, actor, admins_only
from web.menu import menu

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from cases.access import Actor
    from cases.city import City
    from cases.storage import Book
    from settings import Settings

# Of each step: its name, its icon, what the link says, and where it leads (an endpoint, and a table of the registry).
PLACES = {
    "account": ("账号", "person-lock", "去改密码、开两步验证", "me_security", ""),
    "wechat": ("微信接口", "wechat", "", "", ""),
    "units": ("单位", "building", "去单位表", "registry_list", "units"),
    "grids": ("网格", "bounding-box", "去网格页", "registry_grids", ""),
    "people": ("人员", "people", "去人员表", "registry_list", "staff"),
    "kinds": ("类别和去向", "tags", "去类别表", "registry_list", "categories"),
    "limits": ("时限和放假", "calendar-check", "去放假安排", "registry_calendar", ""),
    "menu": ("公众号菜单", "list", "", "", ""),
    "posters": ("二维码海报", "qr-code", "去打印海报", "posters", ""),
}
STATES = {"done": "做好了", "todo": "还没做", "wrong": "不对", "skipped": "先跳过"}
MODES = {"plain": "明文模式", "compat": "兼容模式", "safe": "安全模式"}


@dataclass(frozen=True)
class Line:
    """A step as the page shows it."""

    step: Step
    name: str
    icon: str
    link: str
    href: str

    @property
    def state_name(self) -> str:
        """Its state in words."""
        return STATES[self.step.state]


def register(routes: Blueprint, house: House) -> None:
    """Add the page, skipping, testing WeChat, and publishing the menu."""

    def show(book: Book, city: City, me: Actor) -> Page:
        return _page(house, book, city, me)

    routes.get("/setup", endpoint="setup")(admins_only(show, house, writes=False))
    routes.post("/setup/skip", endpoint="setup_skip")(admins_only(_skip, house, writes=True))

    @routes.post("/setup/wechat")
    def setup_wechat() -> Page:
        """Ask WeChat now; no transaction is open meanwhile."""
        _admin(house)
        found = checkup.ask(house.settings)
        with house.store.write() as book:
            book.set_meta(setup.WECHAT_KEY, found.text())
        fault, _ = checkup.words(found)
        flash(f"测过了：{fault}。" if fault else "测过了，微信接口是通的。", "warn" if fault else "ok")
        return _back("wechat")

    @routes.post("/setup/menu")
    def setup_menu() -> Page:
        """Publish the menu; no transaction is open meanwhile."""
        me, wanted = _admin(house), menu(house.settings.public_url)
        try:
            house.wechat.create_menu(wanted)
        except WeChatError as error:
            flash(f"没有发布成：{error.words}。先把“微信接口”测通。", "error")
            return _back("menu")
        with house.store.write() as book:
            setup.published(book, wanted)
            audit.changed(book, me, "公众号菜单", "发布", utc_now())
        flash("菜单发布了，居民那边几分钟内能看到。", "ok")
        return _back("menu")


def _admin(house: House) -> Actor:
    """Return the administrator who asks; others get 403."""
    with house.store.read() as book:
        me = actor(book, house.cities.current(book))
    return me if me.role == "admin" else abort(403)


def _skip(book: Book, _city: City, _me: Actor) -> Page:
    key = request.form.get("step", "")
    if key in setup.STEPS:
        setup.skip(book, key, on=request.form.get("on") == "1")
    return _back(key)


def _back(key: str) -> Page:
    return redirect(url_for("console.setup", _anchor=f"step-{key}"))


def lines_of(settings: Settings, book: Book, city: City, me: Actor, now: datetime) -> list[Line]:
    """Return all steps as they are now."""
    account = book.get(StaffRow, me.staff_id) or abort(404)
    found = setup.steps(book, city, account, _wechat(book, now), menu(settings.public_url), now)
    return [Line(step, *PLACES[step.key][:3], href=_href(step.key)) for step in found]


def _href(key: str) -> str:
    *_, page, table = PLACES[key]
    return url_for(f"console.{page}", code=table or None) if page else ""


def _wechat(book: Book, now: datetime) -> Step:
    """Return how the connection is: what WeChat answered last, and whether it has called us."""
    found, received = checkup.read(book.meta(setup.WECHAT_KEY)), book.last_received()
    if found is None:
        return Step("wechat", TODO, "还没有测过", "点“现在测”，几秒就知道哪里不对。")
    tested = f"（{spoken_time(datetime.fromisoformat(found.at), now)}测的）"
    fault, todo = checkup.words(found)
    if fault:
        return Step("wechat", WRONG, fault + tested, todo)
    if received is None:
        todo = "请把下面几样填进公众号后台，再用手机给公众号发一句话。"
        return Step("wechat", TODO, f"我们连得上微信{tested}，还没收到过微信来的消息", todo)
    words = f"两边都通{tested}，最近一条消息是 {received.astimezone(CHINA):%m-%d %H:%M} 收到的"
    return Step("wechat", DONE, words)


def _page(house: House, book: Book, city: City, me: Actor) -> Page:
    settings = house.settings
    lines = lines_of(settings, book, city, me, utc_now())
    return render_template(
        "console/setup.html",
        **frame(book, city, me, "setup"),
        lines=lines,
        left=sum(line.step.left for line in lines),
        callback=(
            ("服务器地址(URL)", f"{settings.public_url}/wechat" if settings.public_url else ""),
            ("令牌(Token)", settings.wechat_token),
            ("消息加解密方式", MODES[settings.wechat_mode]),
        ),
        has_key=bool(settings.wechat_aes_key),
    )
