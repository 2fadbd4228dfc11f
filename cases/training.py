"""Training a new version of the classifier from the city's labels, and putting versions to use.

A dispatcher asks; the worker trains, compares with the version in use, and keeps both figures and version; a
dispatcher looks and releases, or does not. Labels that measure are never learnt from: of the new labels of each kind
the newest fifth joins the frozen test set, so that the test is the future and no version has seen it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import classifier
from cases import audit, learning
from cases.comparison import comparison, objections
from cases.labels import OWN_WORD
from cases.ledger import NotAllowed
from cases.numbers import number_of
from cases.storage.learning import ReleaseRow, TrainingRow
from classifier.package import current_version, set_current
from classifier.training import label_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cases.access import Actor
    from cases.city import City, CityCache
    from cases.storage import Book, Store
    from classifier import Example, Model
    from classifier.model import Language

TRAINERS = frozenset({"dispatcher", "admin"})
# With fewer labels of people than this there is nothing to learn.
LEAST_LABELS = 10
TEST_SHARE, MOST_TEST = 5, 4_000
# A training whose worker has not been heard of for so long is taken up again, so often.
LOST, ATTEMPTS = timedelta(minutes=2), 3
BEAT_SECONDS = 3.0
LOG_LINES = 60
# The learning curve's parts of the labels; all of them are the version itself.
PARTS = (8, 4, 2)
LATELY, MOST_CASES, SHOWN_CASES = timedelta(days=31), 1_000, 100
# So many releases are looked back on.
HISTORY = 50


class Cancelled(Exception):  # noqa: N818 - no error
    """A dispatcher wants the training no more."""


@dataclass(frozen=True)
class Workshop:
    """What a training works with."""

    store: Store
    cities: CityCache
    models_dir: Path
    clock: Callable[[], datetime]

    @property
    def folder(self) -> Path:
        """Where the versions of the classifier of matters lie."""
        return self.models_dir / learning.MATTERS


# -- asking -------------------------------------------------------------------------------------------------------


def may_train(actor: Actor) -> None:
    """Raise NotAllowed for those whom the classifier does not belong to."""
    if actor.role not in TRAINERS:
        raise NotAllowed("分类器由派单员和管理员管。")


def ask(book: Book, actor: Actor, now: datetime) -> TrainingRow:
    """Ask for a training. Raises NotAllowed while one is in work, or when there are too few labels."""
    may_train(actor)
    if book.training_in_work() is not None:
        raise NotAllowed("已经有一次训练在排队或进行，等它结束再来。")
    count = book.labels_since(None)
    if count < LEAST_LABELS:
        raise NotAllowed(f"标注太少（{count} 条），至少 {LEAST_LABELS} 条再训练。")
    return book.add(TrainingRow(state="waiting", asked_by=actor.staff_id, asked_at=now, log=[]))


def cancel(book: Book, actor: Actor, training_id: int, now: datetime) -> None:
    """Stop a training: at once while it waits, at its worker's next look while it runs."""
    may_train(actor)
    row = book.lock_row(TrainingRow, training_id)
    if row is None or row.state not in {"waiting", "running"}:
        raise NotAllowed("这次训练已经结束了。")
    row.cancel = True
    if row.state == "waiting":
        _end(row, "cancelled", now)


def _end(row: TrainingRow, state: str, now: datetime, error: str = "") -> None:
    row.state, row.ended_at, row.error = state, now, error


# -- the frozen test set --------------------------------------------------------------------------------------------


def deal(book: Book) -> None:
    """Give every new label its part: of each kind the newest fifth tests, the rest teaches; nothing is dealt twice.

    The same text is in one part only, else the test would ask what was taught. What merely follows the classifier's own
    guess never tests. When the test set grows too large, its oldest teach.
    """
    taught = {row.text for row in book.labels(part="train")}
    tested = {row.text for row in book.labels(part="test")}
    fresh = list(book.labels(part=""))
    judged = sorted(
        (row for row in fresh if row.origin not in OWN_WORD), key=lambda row: (row.label, row.said_at, row.id)
    )
    for _, rows in groupby(judged, key=lambda row: row.label):
        texts = [text for text in dict.fromkeys(row.text for row in rows) if text not in taught]
        tested |= set(texts[len(texts) - len(texts) // TEST_SHARE :])
    for row in fresh:
        row.part = "test" if row.text in tested else "train"
        row.active = row.part == "train" or row.origin not in OWN_WORD
    book.flush()
    for row in sorted(book.labels(part="test"), key=lambda row: row.said_at, reverse=True)[MOST_TEST:]:
        row.part = "train"


# -- the work -----------------------------------------------------------------------------------------------------


def next_training(book: Book, now: datetime) -> int | None:
    """Return the id of the training to do now, or None."""
    return book.training_to_do(now - LOST)


def run(shop: Workshop, training_id: int) -> None:
    """Do one training to its end; leaves quietly when another worker has it or it is done."""
    with shop.store.write() as book:
        row, now = book.lock_row(TrainingRow, training_id), shop.clock()
        if row is None or not _free(row, now):
            return
        if row.attempts >= ATTEMPTS:
            _end(row, "failed", now, "训练中断了三次，请联系管理员。")
            return
        row.state, row.beat_at, row.attempts = "running", now, row.attempts + 1
        deal(book)
    with _watched(shop, training_id) as watch:
        try:
            version, champion, report = _train(shop, watch)
        except Cancelled:
            watch.finish("cancelled")
        except classifier.DataError as error:
            watch.finish("failed", f"训练不成：{error}")
        except Exception:
            watch.finish("failed", "训练出错，详情在日志里。")
            raise
        else:
            watch.finish("done", version=version, champion=champion, report=report)


def _free(row: TrainingRow, now: datetime) -> bool:
    lost = row.state == "running" and row.beat_at is not None and now - row.beat_at > LOST
    return row.state == "waiting" or lost


class Watch:
    """Says how far a training is, hears whether it is still wanted."""

    def __init__(self, shop: Workshop, training_id: int) -> None:
        self._shop, self._id = shop, training_id
        self._done, self._words = 0.0, ""
        self._log: list[list[str]] = []
        self.unwanted = threading.Event()
        self.over = threading.Event()

    def say(self, done: float, words: str) -> None:
        """Note the progress; ends the training when it is unwanted."""
        if self.unwanted.is_set():
            raise Cancelled
        self._done = done
        if words != self._words:
            self._words = words
            self._log.append([self._shop.clock().isoformat(timespec="seconds"), words])

    def part(self, begin: float, end: float, name: str) -> Callable[[float, str], None]:
        """Return a teller for a part of the whole."""
        return lambda done, _words: self.say(begin + (end - begin) * done, name)

    def beat(self) -> None:
        """Write down the progress, and hear whether the training is still wanted."""
        with self._shop.store.write() as book:
            row = book.lock_row(TrainingRow, self._id)
            if row is None or row.cancel or row.state != "running":
                self.unwanted.set()
            if row is not None and row.state == "running":
                row.beat_at, row.progress, row.log = self._shop.clock(), self._done, self._log[-LOG_LINES:]

    def keep_beating(self) -> None:
        """Beat until the training is over, whatever it is doing."""
        while not self.over.wait(BEAT_SECONDS):
            self.beat()

    def finish(self, state: str, error: str = "", **found: Any) -> None:  # noqa: ANN401 - the row's own fields
        """Write down how it ended."""
        with self._shop.store.write() as book:
            row = book.lock_row(TrainingRow, self._id)
            if row is None or row.state != "running":
                return
            row.log, row.progress = self._log[-LOG_LINES:], 1.0 if state == "done" else self._done
            for name, value in found.items():
                setattr(row, name, value)
            _end(row, state, self._shop.clock(), error)


@contextmanager
def _watched(shop: Workshop, training_id: int) -> Iterator[Watch]:
    watch = Watch(shop, training_id)
    thread = threading.Thread(target=watch.keep_beating, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.over.set()
        thread.join()


def _train(shop: Workshop, watch: Watch) -> tuple[str, str | None, dict[str, Any]]:
    """Return the new version, the version in use, and their comparison."""
    watch.say(0.01, "读取标注")
    with shop.store.read() as book:
        city = shop.cities.current(book)
        language = learning.language(book)
        taught, tests = (_examples(book, part, city) for part in ("train", "test"))
        cases = [(case.id, case.text) for case in book.recent_texts(shop.clock() - LATELY, MOST_CASES)]
    base = [each for each in learning.starter_sets()[learning.MATTERS] if each.label in city.categories]
    model, metrics = classifier.train(
        base + taught, seed=learning.SEED, language=language, progress=watch.part(0.05, 0.6, "学习全部标注")
    )
    curve = _curve(base, taught, tests, language, watch)
    watch.say(0.85, "和正在用的版本比较")
    champion = _in_use(shop.folder)
    after = classifier.evaluate(model, tests) if tests else None
    watch.say(0.95, "保存新版本")
    counts = label_counts(base + taught)
    folder = classifier.save(
        model, shop.folder, seed=learning.SEED, metrics=metrics, label_counts=counts, release=False
    )
    report = {"taught": len(taught), "starter": len(base)}
    if after is not None:
        texts = [each.text for each in tests]
        before = classifier.evaluate(champion, tests) if champion is not None else None
        curve = [*curve, (len(taught), after.accuracy)]
        moved = _moved(champion, model, cases)
        report |= comparison(before, after, [each.label for each in tests], _best(model, texts), curve, moved)
    return folder.name, champion.version if champion is not None else None, report


def _examples(book: Book, part: str, city: City) -> list[Example]:
    rows = (row for row in book.labels(part=part) if row.label in city.categories)
    return [classifier.Example(row.text, row.label, row.said_at.isoformat(), row.id) for row in rows]


def _curve(
    base: list[Example], taught: list[Example], tests: list[Example], language: Language, watch: Watch
) -> list[tuple[int, float]]:
    """Return how right a version would be that had learnt only from an eighth, a quarter, half of the labels."""
    if not tests:
        return []
    points = []
    for at, part in enumerate(PARTS):
        begin = 0.6 + 0.08 * at
        some = taught[::part]
        progress = watch.part(begin, begin + 0.08, f"学习曲线：只用 {len(some)} 条标注")
        model, _ = classifier.train(
            base + some, seed=learning.SEED, language=language, progress=progress, measure=False
        )
        points.append((len(some), classifier.evaluate(model, tests).accuracy))
    return points


def _in_use(folder: Path) -> Model | None:
    try:
        return classifier.load(folder)
    except classifier.PackageError:  # missing or broken: there is nothing to be compared with
        return None


def _best(model: Model, texts: Sequence[str]) -> list[str]:
    return [guesses[0].label for guesses in model.predict(texts)]


def _moved(champion: Model | None, model: Model, cases: Sequence[tuple[int, str]]) -> list[dict[str, str]]:
    """Return the recent cases that would get another kind now; no words of theirs, only the numbers."""
    if champion is None or not cases:
        return []
    texts = [text for _, text in cases]
    pairs = zip(cases, _best(champion, texts), _best(model, texts), strict=True)
    moved = [(case_id, old, new) for (case_id, _), old, new in pairs if old != new]
    return [{"number": number_of(case_id), "from": old, "to": new} for case_id, old, new in moved[:SHOWN_CASES]]


# -- releases -----------------------------------------------------------------------------------------------------


def release(
    book: Book, folder: Path, actor: Actor, training: TrainingRow, names: dict[str, str], now: datetime, *, reason: str
) -> None:
    """Put a trained version to use; against objections of the figures only with a reason. Raises NotAllowed."""
    may_train(actor)
    if training.state != "done" or training.version is None:
        raise NotAllowed("这次训练还没有可以上线的版本。")
    against = objections(training.report, names) if training.report and "after" in training.report else []
    if against and not reason.strip():
        raise NotAllowed("新版本有变差的地方，要上线请写明理由。")
    _put_to_use(
        book, folder, ReleaseRow(training_id=training.id, version=training.version, kind="release"), actor, now, reason
    )


def roll_back(book: Book, folder: Path, actor: Actor, version: str, now: datetime) -> None:
    """Put an earlier version back to use. Raises NotAllowed."""
    may_train(actor)
    if version not in versions(book):
        raise NotAllowed("没有这个版本。")
    _put_to_use(book, folder, ReleaseRow(version=version, kind="rollback"), actor, now, "")


def versions(book: Book) -> list[str]:
    """Return the versions that were in use once, the newest first."""
    rows = book.releases(HISTORY)
    return list(dict.fromkeys(version for row in rows for version in (row.version, row.from_version) if version))


def _put_to_use(book: Book, folder: Path, row: ReleaseRow, actor: Actor, now: datetime, reason: str) -> None:
    """Let every process use a version from its next question on: they all look at the folder's `current`."""
    try:
        classifier.load(folder / row.version)
    except classifier.PackageError as error:
        raise NotAllowed("这个版本的文件不在或损坏了，不能用。") from error
    row.from_version, row.staff_id, row.at, row.reason = (
        current_version(folder),
        actor.staff_id,
        now,
        reason.strip()[:300],
    )
    if row.from_version == row.version:
        raise NotAllowed("现在用的就是这个版本。")
    book.add(row)
    audit.note(book, actor, "release", row.version, "上线" if row.kind == "release" else "退回到这个版本", now)
    set_current(folder, row.version)
