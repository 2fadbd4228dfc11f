"""Tracing by OpenTelemetry, where a collector is set: requests, transactions, calls to WeChat, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases import spans

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from settings import Settings


class NotInstalledError(Exception):
    """Tracing is switched on, and its packages are not there; the message says what to do."""


def start(settings: Settings, part: str) -> None:
    """Trace this process, if a collector is set. To be called after a fork: what sends the spans is a thread.

    Raises NotInstalledError.
    """
    if not settings.otel_endpoint:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError:
        raise NotInstalledError("设了 OTEL_EXPORTER_OTLP_ENDPOINT，还要先运行 make tracing 装上需要的包。") from None
    provider = TracerProvider(resource=Resource.create({"service.name": "wanggetong", "service.part": part}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{settings.otel_endpoint}/v1/traces")))
    tracer = provider.get_tracer("wanggetong")

    def opened(name: str, ids: dict[str, str | int]) -> AbstractContextManager[object]:
        # An exception's words may be a resident's: they are not recorded.
        return tracer.start_as_current_span(name, attributes=ids, record_exception=False)

    spans.use(opened)
