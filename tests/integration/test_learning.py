"""The learning loop through the console: labels, training, comparison, release, rolling back; on both databases."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook

import classifier
from bot import sweeping
from bot.assembly import House, build, utc_now
from cases import erasure, learning, training
from cases.city import VERSION_KEY
from cases.comparison import objections
from cases.labels import Origin
from cases.storage.learning import LabelRow, ReleaseRow, TrainingRow
from cases.storage.tables import CategoryRow
from classifier.package import current_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from tests.integration.people import Resident, Staff


# What the city's people say and the starter has never heard.
SAID = {
    "facility/streetlight": ["灯杆不亮{}", "{}的照明黑了", "晚上{}一片黑没有灯"],
    "noise/business": ["{}店家音响震天", "{}烧烤摊吵到半夜", "{}音箱放得太响"],
    "sanitation/garbage": ["{}垃圾桶满了没人收", "{}生活垃圾堆成山", "{}垃圾没清"],
}


@pytest.fixture(autouse=True)
def _small_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train beside a part of the starter corpus: the loop is tested here, not the corpus."""
    whole = learning.starter_sets()[learning.MATTERS]
    kinds = {"facility/streetlight", "noise/business", "sanitation/garbage", "facility/manhole", "order/stall"}
    some = [each for each in whole if each.label in kinds][::4]
    monkeypatch.setattr(learning, "starter_sets", lambda: {learning.MATTERS: some})


@pytest.fixture
def dispatcher(staff: Callable[[str], Staff]) -> Staff:
    """Give the dispatcher at the console."""
    return staff("dispatcher")


def label(house: House, count: int, origin: Origin = Origin.IMPORT) -> None:
    """Put so many labels of each kind into the book, one an hour, the oldest first."""
    with house.store.write() as book:
        known = set(house.cities.current(book).categories)
        for at in range(count):
            for kind, lines in SAID.items():
                assert kind in known
                book.add(
                    LabelRow(
                        text=lines[at % len(lines)].format(f"幸福路{at}号"),
                        label=kind,
                        origin=origin,
                        said_at=utc_now() - timedelta(hours=count - at),
                        labelled_at=utc_now(),
                    )
                )


def ask(dispatcher: Staff) -> str:
    """Ask for a training by the button, and return the page that follows."""
    page = dispatcher.client.get("/console/learning")
    return dispatcher.post("/console/learning/trainings", page.text).text


def last(house: House) -> TrainingRow:
    """Return the newest training."""
    with house.store.read() as book:
        return book.trainings(1)[0]


def test_trained_compared_released_and_rolled_back(house: House, app: Flask, dispatcher: Staff) -> None:
    """A dispatcher trains, compares on one test, releases, goes back; every process follows at once."""
    label(house, 20)
    assert "在排队" in ask(dispatcher)
    assert sweeping.train(house) == 1
    row = last(house)
    assert (row.state, row.progress) == ("done", 1.0), row.error
    assert row.report is not None
    assert row.report["texts"] == 12
    page = dispatcher.client.get(f"/console/learning/trainings/{row.id}").text
    for part in ('id="compare"', 'id="curve"', 'id="heat"', 'id="moved"', 'id="release"'):
        assert part in page
    folder = house.settings.models_dir / learning.MATTERS
    starter = current_version(folder)
    assert row.version != starter
    other = build(house.settings)
    assert other.understanding.matter("路灯").model_version == starter
    with house.store.read() as book:
        reason = "测试" if objections(row.report, {}) else ""
    answer = dispatcher.post(f"/console/learning/trainings/{row.id}/release", page, reason=reason)
    assert "已上线" in answer.text
    assert other.understanding.matter("路灯").model_version == row.version
    answer = dispatcher.post("/console/learning/rollback", answer.text, version=starter)
    assert "已退回" in answer.text
    assert other.understanding.matter("路灯").model_version == starter
    with house.store.read() as book:
        assert [(each.kind, each.version) for each in book.releases(5)] == [
            ("rollback", starter),
            ("release", row.version),
        ]
    other.store.engine.dispose()
    assert app is not None


def test_the_test_set_is_the_future_and_never_taught(house: House) -> None:
    """Of each kind the newest fifth tests; what tests is never taught, and what was taught never tests."""
    label(house, 10)
    with house.store.write() as book:
        training.deal(book)
        tests = {row.text for row in book.labels(part="test")}
        taught = list(book.labels(part="train"))
    assert tests == {lines[at % 3].format(f"幸福路{at}号") for lines in SAID.values() for at in (8, 9)}
    assert len(taught) == 24
    label(house, 12)  # the first ten of each are the same texts again
    with house.store.write() as book:
        training.deal(book)
        assert {row.text for row in book.labels(part="test")} == tests
        assert not {row.text for row in book.labels(part="train")} & tests


def test_what_follows_the_classifier_never_tests(house: House) -> None:
    """Cases handled where the classifier sent them teach, but do not measure: the classifier would praise itself."""
    label(house, 10, Origin.HANDLED)
    with house.store.write() as book:
        training.deal(book)
        assert list(book.labels(part="test")) == []
        assert len(list(book.labels(part="train"))) == 30


def test_a_worse_version_needs_a_reason(house: House, dispatcher: Staff) -> None:
    """When a kind falls, the page objects, the release is refused, and with a reason it is done and remembered."""
    label(house, 20)
    ask(dispatcher)
    sweeping.train(house)
    with house.store.write() as book:
        row = book.trainings(1)[0]
        assert row.report is not None
        worse = {**row.report, "before": {**row.report["before"], "macro_f1": 1.0}}
        worse["after"] = {**row.report["after"], "macro_f1": 0.5}
        book.get(TrainingRow, row.id).report = worse  # type: ignore[union-attr]
    address = f"/console/learning/trainings/{row.id}"
    page = dispatcher.client.get(address).text
    assert 'id="against"' in page
    assert "请写明理由" in dispatcher.post(f"{address}/release", page).text
    with house.store.read() as book:
        assert book.releases(5) == []
    assert "已上线" in dispatcher.post(f"{address}/release", page, reason="新来的类别更要紧").text
    with house.store.read() as book:
        assert book.releases(1)[0].reason == "新来的类别更要紧"


def test_a_training_is_cancelled_while_it_waits_and_while_it_runs(
    house: House, dispatcher: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiting training ends at once, a running one at its next step; nothing of it is kept."""
    label(house, 20)
    page = ask(dispatcher)
    assert "已经有一次训练" in ask(dispatcher)
    dispatcher.post(f"/console/learning/trainings/{last(house).id}/cancel", page)
    assert last(house).state == "cancelled"
    assert sweeping.train(house) == 0
    ask(dispatcher)
    begun, go_on = threading.Event(), threading.Event()
    real = classifier.train

    def slowly(*args: object, **options: object) -> object:
        begun.set()
        assert go_on.wait(30)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(classifier, "train", slowly)
    monkeypatch.setattr(training, "BEAT_SECONDS", 0.05)
    thread = threading.Thread(target=sweeping.train, args=(house,))
    thread.start()
    assert begun.wait(30)
    row = last(house)
    assert row.state == "running"
    dispatcher.post(f"/console/learning/trainings/{row.id}/cancel", page)
    shop = training.Workshop(house.store, house.cities, house.settings.models_dir, utc_now)
    watch = training.Watch(shop, row.id)
    watch.beat()
    assert watch.unwanted.is_set()
    go_on.set()
    thread.join(60)
    ended = last(house)
    assert ended.state == "cancelled" or ended.cancel
    assert ended.version is None


def test_a_training_whose_worker_died_begins_again(house: House, dispatcher: Staff) -> None:
    """A training not heard of is taken up again, one at work is left alone; in the end it fails visibly."""
    label(house, 5)
    ask(dispatcher)
    now = utc_now()
    with house.store.write() as book:
        row = book.trainings(1)[0]
        row.state, row.beat_at, row.attempts = "running", now - timedelta(seconds=10), 1
    assert sweeping.train(house) == 0
    with house.store.write() as book:
        book.trainings(1)[0].beat_at = now - timedelta(minutes=10)
    assert sweeping.train(house) == 1
    assert last(house).state == "done"
    with house.store.write() as book:
        row = book.trainings(1)[0]
        row.state, row.beat_at, row.attempts, row.ended_at = (
            "running",
            now - timedelta(minutes=10),
            training.ATTEMPTS,
            None,
        )
    sweeping.train(house)
    assert (last(house).state, "中断" in last(house).error) == ("failed", True)


def test_too_few_labels_are_refused(dispatcher: Staff) -> None:
    """Without labels of people there is nothing to learn, and the page says how many are wanted."""
    assert f"至少 {training.LEAST_LABELS} 条" in ask(dispatcher)


def test_others_do_not_train(staff: Callable[[str], Staff]) -> None:
    """The classifier belongs to dispatchers and the administrator; others see none of its pages."""
    for path in (
        "learning",
        "learning/labels",
        "learning/import",
        "learning/conflicts",
        "learning/kinds/facility/streetlight",
    ):
        assert staff("urban").client.get(f"/console/{path}").status_code == 403
        assert staff("admin").client.get(f"/console/{path}").status_code == 200


# -- labels -------------------------------------------------------------------------------------------------------


def test_what_people_say_becomes_labels(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A dispatcher's other kind is a correction, with the guess beside it; the words are masked; erasing deletes it."""
    resident.say("那个东西又坏了，请派人，我电话13812345678")
    case = resident.case()
    staff("dispatcher").act(case, "send", unit="dept-urban", category="facility/streetlight")
    with house.store.read() as book:
        row = book.label_of(case.id)
    assert row is not None
    assert (row.label, row.origin) == ("facility/streetlight", Origin.CORRECTION)
    assert "138" not in row.text
    assert row.guess == (resident.case().guesses[0]["code"] if resident.case().guesses else None)
    staff("urban").act(case, "return", reason="not_ours")
    staff("dispatcher").act(case, "send", unit="dept-urban", category="facility/manhole")
    with house.store.write() as book:
        row = book.label_of(case.id)
        assert row is not None
        assert (row.label, row.origin) == ("facility/manhole", Origin.RETURN)
        erasure.erase_resident(book, resident.openid, utc_now())
        assert book.label_of(case.id) is None


def test_handled_where_it_was_sent_is_a_label_too(
    house: House, resident: Resident, staff: Callable[[str], Staff]
) -> None:
    """A case that is finished where the classifier sent it counts as rightly guessed, if nobody said otherwise."""
    resident.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒")
    case = resident.case()
    urban = staff("urban")
    urban.act(case, "accept")
    urban.act(case, "report_result", text="已换新井盖")
    with house.store.read() as book:
        row = book.label_of(case.id)
    assert row is not None
    assert (row.label, row.origin, row.guess) == (case.category_code, Origin.HANDLED, case.category_code)


def test_a_new_kind_is_added_labelled_and_switched_on(house: House, resident: Resident, dispatcher: Staff) -> None:
    """A new kind waits for people; cases found by search are labelled, not touched; then it may go by itself."""
    resident.say("天天有人在楼顶放无人机，嗡嗡响")
    case = resident.case()
    page = dispatcher.client.get("/console/learning/labels").text
    form = {"name": "无人机扰民", "group": "市政设施", "queue": "dept-urban"}
    page = dispatcher.post("/console/learning/kinds", page, **form).text
    assert "加好了" in page
    assert "已经有“无人机扰民”" in dispatcher.post("/console/learning/kinds", page, **form).text
    with house.store.read() as book:
        city = house.cities.current(book)
    [code] = [code for code, category in city.categories.items() if category.name == "无人机扰民"]
    found = dispatcher.client.get(f"/console/learning/kinds/{code}?question=无人机").text
    assert "楼顶放无人机" in found
    number = resident.case().id
    picked = dispatcher.post(
        f"/console/learning/kinds/{code}/label", found, number=[_number(case.id)], question="无人机"
    ).text
    assert "标好 1 件" in picked
    with house.store.read() as book:
        row = book.label_of(number)
        assert row is not None
        assert row.label == code
    assert resident.case().category_code == case.category_code
    answer = dispatcher.post(f"/console/learning/kinds/{code}/auto", picked, auto="1", confident="60")
    assert "有把握的自动派" in answer.text
    with house.store.read() as book:
        category = house.cities.current(book).categories[code]
    assert (category.auto, category.confident) == (True, 0.6)


def _number(case_id: int) -> str:
    from cases.numbers import number_of  # noqa: PLC0415 - one use

    return number_of(case_id)


def test_conflicts_are_settled(house: House, dispatcher: Staff) -> None:
    """One text under two kinds is shown; the dispatcher decides, one label stays and the other is set aside."""
    with house.store.write() as book:
        for kind in ("facility/streetlight", "noise/business"):
            book.add(LabelRow(text="吵", label=kind, origin=Origin.IMPORT, said_at=utc_now(), labelled_at=utc_now()))
        [rows] = book.conflicts(5)
    page = dispatcher.client.get("/console/learning/conflicts").text
    assert "已定下来" in dispatcher.post(f"/console/learning/conflicts/{rows[0].id}", page, label="noise/business").text
    with house.store.read() as book:
        assert book.conflicts(5) == []
        assert [row.label for row in book.labels()] == ["noise/business"]


def workbook(rows: list[tuple[str, ...]]) -> io.BytesIO:
    """Return an Excel file with these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    buffer = io.BytesIO()
    book.save(buffer)
    buffer.seek(0)
    return buffer


ORDERS = [
    ("工单号", "诉求内容", "类别", "受理时间"),
    ("A1", "路灯不亮，电话13812345678", "路灯不亮", "2026-05-01 08:30"),
    ("A2", "广场舞太吵", "扰民", "2026/05/02"),
    ("A3", "", "路灯不亮", ""),
]


@pytest.mark.parametrize("form", ["xlsx", "csv-gbk", "jsonl"])
def test_past_orders_are_imported_once(house: House, dispatcher: Staff, form: str) -> None:
    """A file is looked at, faults by row, imported with numbers masked, deleted; again nothing is new."""
    with house.store.read() as book:
        lamp = house.cities.current(book).categories["facility/streetlight"].name
    rows = [tuple(lamp if cell == "路灯不亮" else cell for cell in row) for row in ORDERS]
    for expected in (2, 0):
        page = dispatcher.client.get("/console/learning/import").text
        shown = dispatcher.post("/console/learning/import", page, file=_file(rows, form))
        address = shown.request.path
        assert "第 4 行" in shown.text or form == "jsonl"
        assert "扰民" in shown.text
        assert "13812345678" not in shown.text
        answer = dispatcher.post(
            address,
            shown.text,
            text="诉求内容",
            label="类别",
            time="受理时间",
            key="工单号",
            **{"kind-1": "noise/business"},
        )
        assert f"导入了 {expected} 条" in answer.text
        assert list((house.settings.data_dir / "imports").iterdir()) == []
    with house.store.read() as book:
        assert {(row.label, row.origin) for row in book.labels()} == {
            ("facility/streetlight", "import"),
            ("noise/business", "import"),
        }


def _file(rows: list[tuple[str, ...]], form: str) -> tuple[io.BytesIO, str]:
    if form == "xlsx":
        return workbook(rows), "工单.xlsx"
    if form == "csv-gbk":
        return io.BytesIO("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode("gbk")), "工单.csv"
    lines = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    import json  # noqa: PLC0415 - one use

    return io.BytesIO("\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()), "工单.jsonl"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", b"x", "只认"),
        ("a.csv", b"\xff\xfe\xff\x81\x30", "UTF-8"),
        ("a.xlsx", b"no", "不是完好的"),
        ("a.csv", b"", "没有数据"),
        ("a.jsonl", b"[1]\n", "第 1 行"),
    ],
)
def test_bad_files_are_refused_in_words(house: House, dispatcher: Staff, name: str, content: bytes, words: str) -> None:
    """A file that cannot be used is refused with the reason, under its own name, and nothing of it stays."""
    page = dispatcher.client.get("/console/learning/import").text
    answer = dispatcher.post("/console/learning/import", page, file=(io.BytesIO(content), name))
    assert answer.status_code == 400
    assert words in answer.text
    assert list((house.settings.data_dir / "imports").iterdir()) == []


def test_the_page_without_anything_says_what_to_do(dispatcher: Staff) -> None:
    """Before the first label each part says that there is nothing yet, and how it comes."""
    page = dispatcher.client.get("/console/learning").text
    assert "还没有人工核过的工单" in page
    assert "一直用的是出厂自带的版本" in page


def test_a_damaged_version_is_not_put_to_use(house: House, dispatcher: Staff, tmp_path: Path) -> None:
    """A version whose file was changed is refused in words, and the one in use stays."""
    label(house, 20)
    ask(dispatcher)
    sweeping.train(house)
    row = last(house)
    folder = house.settings.models_dir / learning.MATTERS
    before = current_version(folder)
    (folder / str(row.version) / "weights.npz").write_bytes(b"x")
    page = dispatcher.client.get(f"/console/learning/trainings/{row.id}").text
    answer = dispatcher.post(f"/console/learning/trainings/{row.id}/release", page, reason="x")
    assert "不在或损坏" in answer.text
    assert current_version(folder) == before
    assert tmp_path.exists()
    with house.store.read() as book:
        assert book.get(ReleaseRow, 1) is None


def test_kinds_that_the_city_does_not_have_are_no_guesses(house: House, resident: Resident) -> None:
    """After a change of kinds the classifier may name one that is gone: it is passed over, and the case still opens."""
    with house.store.write() as book:
        book.drop(book.get(CategoryRow, "facility/manhole"))  # type: ignore[arg-type]
        book.set_meta(VERSION_KEY, "without")
    resident.say("翠湖小区3栋楼下井盖坏了，老人差点摔倒")
    case = resident.case()
    assert case.model_version is not None
    assert all(guess["code"] != "facility/manhole" for guess in case.guesses)
    with house.store.read() as book:
        assert case.holder_id == house.cities.current(book).dispatch.id
