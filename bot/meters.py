"""What is counted while it happens: calls from WeChat and to it, jobs that failed, log-ins that were refused.

What can be counted in the case book is counted there, at each scrape (`web/health.py`). These numbers cannot, so every
process keeps its own; where PROMETHEUS_MULTIPROC_DIR names a folder that all processes of a machine share, `/metrics`
adds them up. Labels are words of ours, never anything that somebody sent.
"""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

# WeChat waits five seconds.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
WAYS = {
    "/cgi-bin/message/custom/send": "message",
    "/cgi-bin/message/template/send": "template",
    "/cgi-bin/message/subscribe/bizsend": "subscription",
    "/cgi-bin/media/get": "file",
    "/cgi-bin/media/upload": "upload",
    "/cgi-bin/stable_token": "token",
}


class Meters:
    """The counters of one process."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.webhook = Histogram(
            "wanggetong_webhook_seconds",
            "How long WeChat waited for the answer to a delivery, by what it was.",
            ["outcome"],
            registry=own,
            buckets=BUCKETS,
        )
        self.calls = Counter("wanggetong_wechat_calls", "Calls to WeChat's API.", ["way", "outcome"], registry=own)
        self.failures = Counter("wanggetong_job_failures", "Jobs that failed unexpectedly.", ["kind"], registry=own)
        self.logins = Counter("wanggetong_logins_refused", "Log-ins that were refused.", registry=own)

    def called(self, path: str, outcome: str) -> None:
        """Count a call to WeChat."""
        self.calls.labels(WAYS.get(path, "other"), outcome).inc()

    def all(self) -> CollectorRegistry:
        """Return what this process counted, or where they share a folder, what all of the machine did."""
        if not os.environ.get(FOLDER):
            return self.registry
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return together


@cache
def meters() -> Meters:
    """Return this process's counters, made at the first use."""
    return Meters()
