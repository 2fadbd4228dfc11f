"""`make bench`: how quick the parts are, as milliseconds and as ratios within one run.

The webhook is measured on the whole product over HTTP (web processes, worker, embedded Redis, SQLite), one request at
a time and then eight at a time, against `/healthz` on the same server: the ratio is what survives a change of machine.
"""

from __future__ import annotations

import itertools
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import requests

import classifier
import settings as configuration
from bot.emergency import danger_in
from bot.understanding import Understanding
from cases.city_files import CORPUS
from cases.learning import MATTERS, starter_sets, train_starters
from tests import language
from tests.integration.people import message_xml, signed
from tests.services import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier import Evaluation

REQUESTS = 400
TEXTS = 2000


def timed(call: Callable[[int], object], count: int, threads: int = 1) -> list[float]:
    """Return the sorted milliseconds of `count` calls."""

    def one(at: int) -> float:
        started = time.perf_counter()
        call(at)
        return (time.perf_counter() - started) * 1000

    with ThreadPoolExecutor(threads) as pool:
        return sorted(pool.map(one, range(count)))


def show(name: str, times: list[float], base: float | None = None) -> float:
    """Print median and 99th percentile, and the median's ratio to `base`; return the median."""
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    ratio = f"   {median / base:5.1f} × the trivial request" if base else ""
    print(f"{name:<44} median {median:7.2f} ms   p99 {p99:7.2f} ms{ratio}")
    return median


def webhook(models: Path) -> None:
    """Measure `/wechat` with texts that open cases, beside a request that does nothing."""
    token = configuration.SANDBOX_WECHAT["WECHAT_TOKEN"]
    texts = [example.text for example in classifier.read_examples(CORPUS / "reports.jsonl") if len(example.text) > 12]
    senders = itertools.count()
    with Service(models) as service, requests.Session() as session:

        def report(at: int) -> None:
            xml = message_xml(f"oBench{next(senders):022d}", "text", Content=texts[at % len(texts)])
            answer = session.post(service.url("/wechat"), params=signed(token), data=xml.encode(), timeout=10)
            assert "工单" in answer.text, answer.text

        timed(report, 20)
        base = show("/healthz, one at a time", timed(lambda _at: session.get(service.url("/healthz")), REQUESTS))
        show("/wechat opens a case, one at a time", timed(report, REQUESTS), base)
        started = time.perf_counter()
        show("/wechat opens a case, eight at a time", timed(report, REQUESTS, threads=8), base)
        print(f"{'throughput, eight at a time':<44} {REQUESTS / (time.perf_counter() - started):7.0f} a second")


def classification() -> None:
    """Measure the classifier on the starter corpus: single texts, and many at once."""
    sets = starter_sets()
    started = time.perf_counter()
    model, metrics = classifier.train(sets[MATTERS])
    print(
        f"{'training on the starter corpus':<44} {time.perf_counter() - started:7.1f} s for {len(sets[MATTERS])} texts"
    )
    texts = [example.text for example in sets[MATTERS]][:TEXTS]
    single = show("classifier, one text", timed(lambda at: model.predict([texts[at]]), 500))
    result: Evaluation = classifier.evaluate(model, sets[MATTERS][:TEXTS])
    batched = 1000 / result.texts_per_second
    print(f"{'classifier, many at once':<44} {result.texts_per_second:7.0f} a second   {single / batched:.1f} × singly")
    figures = f"accuracy {metrics['accuracy']:.3f}   macro F1 {metrics['macro_f1']:.3f}"
    print(f"{'cross-validated on the starter corpus':<44} {figures}")


def hearing(folder: Path) -> None:
    """Measure what the bot understands of sentences that nobody foresaw, and how quickly."""
    models = Understanding(folder)
    for part in ("dev", "held_out"):
        for name, heard in (("", language.dangers(part, models)), (", patterns alone", language.dangers(part))):
            alarms = f"recall {heard.recall:.3f}   false alarms {heard.false_alarms:.3f}"
            print(f"{f'dangers, {part}{name}':<44} {alarms}   right kind {heard.kinds:.3f}")
        counts = language.wishes(part, models)
        print(f"{f'wishes, {part}':<44} accuracy {counts.accuracy:.3f}   reports {counts.of('report'):.3f}")
    texts = [line["text"] for line in language.lines("emergencies", "dev")]
    show("danger, by patterns", timed(lambda at: danger_in(texts[at]), len(texts)))
    show("danger, by the model", timed(lambda at: models.danger(texts[at]), len(texts)))
    show("wish, by the model", timed(lambda at: models.intents(texts[at]), len(texts)))


def main() -> None:
    """Run all measurements."""
    classification()
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        assert list(train_starters(Path(folder)))
        print(f"{'training all starter models':<44} {time.perf_counter() - started:7.1f} s")
        hearing(Path(folder))
        webhook(Path(folder))


if __name__ == "__main__":
    main()
