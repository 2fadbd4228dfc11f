"""`/console/setup/start`: where the first administrator makes their account, by a one-time link of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.assembly import utc_now
from cases import setup
from web.console.login import enter

if TYPE_CHECKING:
    from flask import Blueprint

    from bot.assembly import House
    from settings import Settings
    from web.console.session import Page

PATH = "/console/setup/start"
FIELDS = {"login": 60, "name": 40, "phone": 40, "city": 80}
MISMATCH = "两次写的密码不一样，请再写一遍。"


def register(routes: Blueprint, house: House) -> None:
    """Add the page and its form."""

    @routes.get("/setup/start")
    def setup_start() -> Page:
        return _page(house, {}, _fault(house), "")

    @routes.post("/setup/start")
    def setup_start_submit() -> Page:
        if gone := _fault(house):
            return _page(house, {}, gone, "")
        form = {
            name: request.form.get(name, "").replace("\0", "").strip()[:longest] for name, longest in FIELDS.items()
        }
        password = request.form.get("password", "")
        if password != request.form.get("again", ""):
            return _page(house, form, "", MISMATCH)
        account_id, fault = setup.first_admin(
            house.store, _secret(house.settings), form | {"password": password}, utc_now(),
            classified=house.settings.classified,
        )  # fmt: skip
        if not account_id:
            return _page(house, form, _fault(house), fault)
        return enter(house, account_id, "password", url_for("console.setup"))


def address_of(settings: Settings, secret: str) -> str:
    """Return the address with this secret in it."""
    return f"{settings.public_url or settings.own_address}{PATH}?token={_signer(settings).dumps(secret)}"


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.signing_key, salt="setup-link")


def _secret(settings: Settings) -> str:
    """Return what is in the address's token; empty for one that is not ours, or too old."""
    try:
        return str(_signer(settings).loads(request.args.get("token", ""), max_age=setup.LINK_SECONDS))
    except BadData:
        return ""


def _fault(house: House) -> str:
    """Return why this link does not count; empty for the one that does."""
    with house.store.read() as book:
        return setup.link_fault(book, _secret(house.settings))


def _page(house: House, form: dict[str, str], gone: str, error: str) -> Page:
    with house.store.read() as book:
        nowhere = not book.units()
    page = render_template(
        "console/setup_start.html", me=None, form=form, gone=gone, error=error, nowhere=nowhere,
        token=request.args.get("token", ""),
    )  # fmt: skip
    return page, 403 if gone else 422 if error else 200
