"""The JSON API at `/api/v1`: the same use cases as the console's, for the hotline and other platforms.

Every call carries a key (`Authorization: Bearer …`) and acts as that member of staff; browsers' sessions do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, request

from bot import logs
from bot.assembly import utc_now
from cases import accounts, tokens
from web.api import cases, problems
from web.api.openapi import document
from web.api.shape import Call, Problem, Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from bot.assembly import House

ROUTES: tuple[Route, ...] = cases.ROUTES
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def blueprint(house: House) -> Blueprint:
    """Return all routes of the API."""
    routes = Blueprint("api", __name__, url_prefix="/api/v1")
    problems.register(routes)
    for route in ROUTES:
        path = route.path.replace("{", "<").replace("}", ">")
        routes.add_url_rule(path, route.name, _guarded(house, route), methods=[route.method])

    @routes.get("/openapi.json", endpoint="openapi")
    def openapi() -> Response:
        return problems.answer(200, document(ROUTES))

    @routes.route("/", endpoint="nowhere", defaults={"rest": ""}, methods=METHODS)
    @routes.route("/<path:rest>", endpoint="nowhere", methods=METHODS)
    def nowhere(rest: str) -> Response:
        raise Problem(404, f"没有 {request.method} /{rest} 这个接口，接口清单在 /api/v1/openapi.json。")

    return routes


def _guarded(house: House, route: Route) -> Callable[..., Response]:
    """Return the view of a route: who calls is known by the key, and has a role that may."""

    def view(**parts: str) -> Response:
        now = utc_now()
        staff_id = tokens.owner(house.store, _key(), now, samples_allowed=house.settings.sandbox)
        with house.store.read() as book:
            city = house.cities.current(book)
            actor = accounts.actor_of(book, city, staff_id, now) if staff_id is not None else None
        logs.begin(**({"staff": staff_id} if staff_id is not None else {}))
        if actor is None:
            raise Problem(401, "请在 Authorization 里带上有效的令牌：Bearer wgt_…")
        if actor.role not in route.roles:
            raise Problem(403, "这个令牌的账号不能用这个接口。")
        return problems.answer(*route.view(Call(house, actor, parts, now)))

    return view


def _key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
