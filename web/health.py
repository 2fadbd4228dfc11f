"""`/healthz`, `/readyz` and `/metrics`: alive, ready with the state of each part, and numbers for Prometheus."""

from __future__ import annotations

import hmac
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from bot.assembly import utc_now
from bot.errcodes import FAULT_KEY
from bot.meters import meters
from bot.watch import look
from cases import absence, watch
from cases.worktime import CHINA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from bot.assembly import House
    from cases.watch import Seen

log = logging.getLogger(__name__)
# So many units without anybody on duty are named.
NAMED = 5
DAY = timedelta(days=1)
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
        found = watch.alarms(look(house, utc_now()))
        whole = whole and not any(each.key in watch.GRAVE for each in found)
        status = "ready" if whole else "degraded" if usable else "unavailable"
        listed = [{"key": each.key, "words": each.words, "todo": each.todo, "page": each.page} for each in found]
        return jsonify(status=status, checks=checks, alarms=listed), 200 if usable else 503

    @routes.get("/metrics")
    def metrics() -> Response:
        _may_read_metrics(house)
        registry = CollectorRegistry()
        registry.register(BookMetrics(house))
        numbers = generate_latest(registry) + generate_latest(meters().all())
        return Response(numbers, content_type=CONTENT_TYPE_LATEST)

    return routes


def _may_read_metrics(house: House) -> None:
    """Let only those read the numbers who have METRICS_TOKEN; where none is set, only the sandbox shows them."""
    token = house.settings.metrics_token
    if not token:
        if not house.settings.sandbox:
            abort(404)
        return
    given = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {token}".encode()):
        abort(401)


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
        """Yield the metrics; without the database there are the alarms only, and that one is among them."""
        now = utc_now()
        seen = look(self._house, now)
        on = {each.key for each in watch.alarms(seen)}
        yield _gauge(
            "alarm", "Whether an alarm is on (1) or not (0).", "alarm", {key: key in on for key in watch.ALARMS}
        )
        yield _gauge("part_ok", "Whether a part works (1) or not (0).", "part", _parts_ok(self._house))
        if seen.database:
            return
        with self._house.store.read() as book:
            states_count, backlog = book.counts_by_state(), book.backlog()
            fates, refused = book.outbox_by_fate(now - DAY), book.logins_failed(now - DAY)
        yield _gauge("cases", "Cases by state.", "state", states_count)
        yield _gauge("waiting", "Rows that wait for the worker.", "queue", backlog)
        yield from _ages(seen)
        outbox = GaugeMetricFamily(
            "wanggetong_outbox_day", "Messages owed in the last 24 hours by fate and way.", labels=["state", "way"]
        )
        for (state, way), count in fates.items():
            outbox.add_metric([state, way or "none"], count)
        yield outbox
        yield GaugeMetricFamily(
            "wanggetong_logins_failed_day", "Refused log-ins to known accounts in the last 24 hours.", value=refused
        )


def _parts_ok(house: House) -> dict[str, bool]:
    return {part: state == "ok" for part, state in states(house).items()}


def _ages(seen: Seen) -> Iterator[Metric]:
    """Yield how old what waits is, and the signs of life."""
    oldest = {queue: _age(seen.now, since) for queue, since in seen.oldest.items()}
    yield _gauge("oldest_waiting_seconds", "How late the oldest row is that nobody has taken up.", "queue", oldest)
    beats = {process: _age(seen.now, at) for process, (at, _) in seen.beats.items()}
    yield _gauge("heartbeat_age_seconds", "Since a process gave its last sign of life.", "process", beats)
    if seen.backup is not None:
        age = _age(seen.now, seen.backup)
        yield GaugeMetricFamily("wanggetong_backup_age_seconds", "Since the last whole backup.", value=age)


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0


def _gauge(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"wanggetong_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
