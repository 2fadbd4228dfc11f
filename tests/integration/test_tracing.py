"""Traces go to a collector when one is set, with ids only; without one nothing happens."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot import sweeping, tracing
from cases import spans
from settings import load
from tests.integration.phone import MANHOLE
from tests.services import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from bot.assembly import House
    from cases.storage.tables import OutboxRow
    from tests.integration.people import Resident
    from tests.integration.phone import Phone


class Collector:
    """A real HTTP server that takes traces."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                zipped = self.headers.get("Content-Encoding") == "gzip"
                collector.bodies.append(gzip.decompress(body) if zipped else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[Span]:
        """Return all spans that came."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Give a collector that spans are sent to at once; afterwards nothing is traced any more."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    made = Collector()
    tracing.start(load({"OTEL_EXPORTER_OTLP_ENDPOINT": made.address}), "tests")
    yield made
    spans.stop()
    made.close()


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: what is traced does not hang on the database."""
    return f"sqlite:///{tmp_path}/traced.sqlite3"


def test_a_message_and_its_reply_are_traced(
    collector: Collector, house: House, phone: Phone, resident: Resident, reply: Callable[[str], OutboxRow]
) -> None:
    """Requests, transactions, jobs and calls are spans of one another; no word, phone or openid is in any."""
    assert phone
    resident.say(MANHOLE + "，13812345678")
    reply("师傅下午到")
    sweeping.sweep(house)
    wanted = {"request", "write", "read", "job", "call"}
    wait_until(lambda: wanted <= {span.name for span in collector.spans()}, what="the spans")
    found = collector.spans()
    requests = {span.span_id: span for span in found if span.name == "request"}
    assert any(span.parent_span_id in requests for span in found if span.name == "write")
    jobs = {span.span_id for span in found if span.name == "job"}
    assert any(span.parent_span_id in jobs for span in found if span.name == "call")
    sent = b"".join(collector.bodies).decode(errors="replace")
    assert not [words for words in ("井盖", "13812345678", resident.openid, "access_token", "师傅") if words in sent]


def test_without_a_collector_nothing_is_traced(house: House, resident: Resident) -> None:
    """Nobody set one: no tracer is put to work."""
    tracing.start(house.settings, "tests")
    resident.say(MANHOLE)
    assert not spans.traced()
