"""`/healthz`, `/readyz` and `/metrics`: alive, ready with the state of each part, and numbers for Prometheus."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from bot.assembly import utc_now
from bot.errcodes import FAULT_KEY
from cases import absence
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from bot.assembly import House

log = logging.getLogger(__name__)
# So many units without anybody on duty are named.
NAMED = 5
# What is missing soon, and not now: it is told, and is no fault of the service yet.
IN_ADVANCE = frozenset({"calendar"})


def blueprint(house: House) -> Blueprint:
    """Return the routes for machines that watch over us."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return Response("ok", content_type="text/plain")

    @routes.get("/readyz")
    def ready() -> tuple[Response, int]:
        checks = states(house)
        usable = checks["database"] == "ok" and checks["city"] == "ok"
        whole = all(state == "ok" for part, state in checks.items() if part not in IN_ADVANCE)
        status = "ready" if whole else "degraded" if usable else "unavailable"
        return jsonify(status=status, checks=checks), 200 if usable else 503

    @routes.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        registry.register(BookMetrics(house))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes


def states(house: House) -> dict[str, str]:
    """Return the state of each part: `ok`, or what is wrong. Only database and city make the service unusable."""
    database, city, account, staff, calendar = "ok", "ok", "unknown", "unknown", "ok"
    try:
        with house.store.read() as book:
            account = book.meta(FAULT_KEY) or "ok"
            known = house.cities.current(book)
            city = "ok" if known.units else "没有载入城市：flask --app web load-city"
            missing = known.calendar.missing(utc_now().astimezone(CHINA).date())
            calendar = f"{missing} 年的放假安排还没有" if missing is not None else "ok"
            deserted = absence.deserted(book, known, utc_now())
            staff = "、".join(each.unit.name for each in deserted[:NAMED]) + " 没人当班" if deserted else "ok"
    except SQLAlchemyError as error:
        log.warning("database not ready: %s", type(error).__name__)
        database, city = type(error).__name__, "unknown"
    faults = house.understanding.faults()
    return {
        "database": database,
        "city": city,
        "wechat": account,
        "redis": house.bell.fault() or "ok",
        "media": house.media.fault() or "ok",
        "staff": staff,
        "calendar": calendar,
        "classifier": "；".join(f"{name}: {fault}" for name, fault in faults.items()) or "ok",
    }


class BookMetrics:
    """Numbers read from the case book at each scrape, so that every process gives the same."""

    def __init__(self, house: House) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        with self._house.store.read() as book:
            states_count, backlog = book.counts_by_state(), book.backlog()
        cases = GaugeMetricFamily("wanggetong_cases", "Cases by state.", labels=["state"])
        for state, count in states_count.items():
            cases.add_metric([state], count)
        yield cases
        waiting = GaugeMetricFamily("wanggetong_waiting", "Rows that wait for the worker.", labels=["queue"])
        for queue, count in backlog.items():
            waiting.add_metric([queue], count)
        yield waiting
        healthy = GaugeMetricFamily("wanggetong_part_ok", "Whether a part works (1) or not (0).", labels=["part"])
        for part, state in states(self._house).items():
            healthy.add_metric([part], float(state == "ok"))
        yield healthy
