import io
import json
from pathlib import Path

import jieba
import pytest
from scipy.sparse import vstack

import classifier
from cases.city_files import CORPUS
from classifier.__main__ import main
from classifier.data import ExampleFile
from classifier.features import learn
from classifier.model import Language
from classifier.package import MANIFEST
from classifier.text import MAX_CHARACTERS, PLACE, Places, Segmenter, prepare

KINDS = {
    "灯": ["路灯不亮", "路灯坏了", "这条路的灯全黑了", "灯杆歪了", "路灯一闪一闪", "路灯白天也亮"],
    "水": ["下水道堵了", "路面积水", "污水冒出来", "下雨就淹水", "排水口堵死", "水漫到门口"],
    "狗": ["狗不牵绳", "流浪狗追人", "狗咬人了", "邻居的狗叫一夜", "大狗乱跑", "遛狗不捡屎"],
}
EXAMPLES = [classifier.Example(text, label) for label, texts in KINDS.items() for text in texts]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a small file of labelled texts."""
    return write(tmp_path / "data.jsonl", [{"text": each.text, "label": each.label} for each in EXAMPLES])


@pytest.fixture
def model_dir(tmp_path: Path, data: Path) -> Path:
    """Return a folder with one trained version."""
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "models"), "--seed", "3"]) == 0
    return tmp_path / "models"


def test_train_evaluate_predict(model_dir: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The three commands work on any file, and evaluate's object has the promised keys."""
    capsys.readouterr()
    assert main(["evaluate", "--model", str(model_dir), "--data", str(data), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    keys = {"accuracy", "macro_f1", "per_class", "top2_accuracy", "ece", "coverage", "texts_per_second"}
    assert set(result) == keys
    assert result["accuracy"] > 0.9
    assert set(result["per_class"]) == set(KINDS)


def test_predict_reads_lines(
    model_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each line on stdin gives one JSON line with the best labels and probabilities that sum to at most 1."""
    lines = tmp_path / "lines.txt"
    lines.write_text("路灯不亮了\n谁家的狗\n", encoding="utf-8")
    capsys.readouterr()
    with lines.open(encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["predict", "--model", str(model_dir), "--top", "2"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["label"] for row in rows] == ["灯", "狗"]
    for row in rows:
        assert len(row["top"]) == 2
        assert sum(guess["probability"] for guess in row["top"]) <= 1.001


def test_a_version_says_what_it_is(model_dir: Path) -> None:
    """The manifest has hashes, metrics, label counts and library versions; the version folder loads as well."""
    version = next(path for path in model_dir.iterdir() if path.is_dir())
    manifest = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["label_counts"] == {label: len(texts) for label, texts in sorted(KINDS.items())}
    assert {"accuracy", "macro_f1"} <= set(manifest["metrics"])
    assert all(len(entry["sha256"]) == 64 for entry in manifest["files"].values())
    assert "scikit-learn" in manifest["libraries"]
    assert classifier.load(version).version == classifier.load(model_dir).version == manifest["version"]


def test_a_changed_file_is_not_loaded(model_dir: Path) -> None:
    """One changed byte, and the model is refused with the file's name."""
    version = next(path for path in model_dir.iterdir() if path.is_dir())
    for name in ("weights.npz", "words.json"):
        kept = (version / name).read_bytes()
        (version / name).write_bytes(kept + b" ")
        with pytest.raises(classifier.PackageError, match=name):
            classifier.load(model_dir)
        (version / name).write_bytes(kept)
    assert classifier.load(model_dir).labels == ("水", "灯", "狗")


def test_the_same_seed_gives_the_same_model() -> None:
    """Training twice gives the same probabilities to the last bit, saved and loaded too."""
    texts = [example.text for example in EXAMPLES]
    first, second = (classifier.train(EXAMPLES, seed=1)[0] for _ in range(2))
    assert (first.probabilities(texts) == second.probabilities(texts)).all()


def test_saving_and_loading_changes_nothing(tmp_path: Path) -> None:
    """A loaded model predicts what the trained one did."""
    model, metrics = classifier.train(EXAMPLES)
    classifier.save(model, tmp_path, seed=0, metrics=metrics, label_counts={})
    texts = ["路灯", "全新的话", ""]
    assert (classifier.load(tmp_path).probabilities(texts) == model.probabilities(texts)).all()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "no examples"),
        (b'{"text": "a", "label": "x"}\n{"text": "", "label": "x"}\n', "row 2"),
        (b'{"text": "a", "label": "x"}\nnot json\n', "row 2"),
        (b'{"text": "a", "label": "x"}\n\xff\xfe\n', "row 2"),
        (b'["a"]\n', "row 1"),
        (b'{"text": "a", "label": "x"}\n{"text": "b", "label": "x "}\n', "two labels"),
        (b'{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n', "two examples"),
    ],
)
def test_bad_data_is_named_by_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, named: str
) -> None:
    """A faulty file gives exit code 1 and one line that names the row, and writes nothing."""
    (tmp_path / "bad.jsonl").write_bytes(content)
    out = tmp_path / "models"
    assert main(["train", "--data", str(tmp_path / "bad.jsonl"), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert named in error
    assert sum(line.startswith("classifier: ") for line in error.splitlines()) == 1
    assert not out.exists()


def test_bad_usage_is_2() -> None:
    """A call without its options ends with code 2."""
    with pytest.raises(SystemExit) as exit_:
        main(["train"])
    assert exit_.value.code == 2
    for seed in ("-1", "x", "1.5"):
        with pytest.raises(SystemExit) as exit_:
            main(["train", "--data", "d", "--out", "o", "--seed", seed])
        assert exit_.value.code == 2


def test_texts_are_folded_to_one_shape() -> None:
    """Full width, case, traditional characters, control characters, numbers, masks and repeats make no difference."""
    none = Places()
    assert prepare("ＡＢＣ　１２３４號\u200b！！！！樓下漏水", none) == prepare("abc 99号!!楼下漏水", none)
    assert prepare("电话138****1234", none) == prepare("电话13812341234", none)
    assert prepare("井盖坏了https://a.cn/x?y=1，快来", none) == prepare("井盖坏了，快来", none)
    assert len(prepare("啊喂" * 100_000, none).text) <= MAX_CHARACTERS


def test_a_title_is_told_from_the_rest() -> None:
    """The first of several lines is a title; a single line has none."""
    prepared = prepare(" 路灯坏了 \n\n 晚上很黑\n请修", Places())
    assert (prepared.text, prepared.title) == ("路灯坏了 晚上很黑 请修", 4)
    assert prepare("路灯坏了", Places()).title == 0


def test_places_are_hidden() -> None:
    """Known places, the longer first and in whatever script, become one sign; a model learns matters, not places."""
    places = Places(("翠湖", "翠湖小区", "井"))
    assert prepare("翠湖小區门口的井盖", places).text == f"{PLACE}门口的井盖"
    language = Language(places)
    examples = [*EXAMPLES, classifier.Example("翠湖小区", "水"), classifier.Example("翠湖小区又来了", "水")]
    model, _ = classifier.train(examples, language=language)
    assert (model.probabilities(["翠湖小区路灯"]) == model.probabilities(["翠湖路灯"])).all()


def test_terms_are_kept_whole() -> None:
    """Jieba's user dictionary keeps the city's terms together."""
    text = "楼道里飞线充电"
    assert "飞线充电" not in Segmenter().cut(text)
    assert "飞线充电" in Segmenter(("飞线充电",)).cut(text)


def test_segmentation_is_jiebas() -> None:
    """The quick port of jieba cuts as jieba does: at least 98 of 100 words of the sample corpus are the same."""
    jieba.setLogLevel("ERROR")
    original = jieba.Tokenizer()
    original.cache_file = None
    quick = Segmenter()
    texts = [each.text for each in classifier.read_examples(CORPUS / "reports.jsonl")][::10]
    pairs = [(set(original.cut(text)), set(quick.cut(text))) for text in texts]
    same = sum(len(ours & theirs) for ours, theirs in pairs) / sum(len(theirs) for theirs, _ in pairs)
    assert same >= 0.98


def test_training_and_serving_see_the_same_features() -> None:
    """A text alone, in a batch, and among the texts trained on has the very same features."""
    texts = [each.text for each in EXAMPLES] + ["路灯坏了\n翠湖路全黑", "", "🙂", "x" * 5000]
    model, _ = classifier.train(EXAMPLES)
    together = model.features(texts)
    for at, text in enumerate(texts):
        assert (model.features([text]) != together[at]).nnz == 0
    language = model.language
    chunks = [language.runs(language.prepared([text])) for text in texts]
    learnt = learn(chunks, len(texts), 1, 10**6)
    alone = [learnt.weigh(runs, 1) for runs in chunks]
    assert abs(vstack(alone) - learnt.weigh(language.runs(language.prepared(texts)), len(texts))).max() == 0


def test_what_spoke_for_a_label() -> None:
    """The words that made a guess are named, the strongest first; a label that the model does not know has none."""
    model, _ = classifier.train(EXAMPLES)
    assert "灯" in model.evidence("门口的路灯不亮了", "灯")[0]
    assert model.evidence("门口的路灯不亮了", "没有这类") == []


def test_two_levels(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where labels have two levels, the first is told as well and measured as well."""
    levels = {"灯": "设施/灯", "水": "设施/水", "狗": "民生/狗"}
    data = write(tmp_path / "two.jsonl", [{"text": each.text, "label": levels[each.label]} for each in EXAMPLES])
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "m")]) == 0
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.StringIO("路灯不亮了\n"))
    assert main(["predict", "--model", str(tmp_path / "m")]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["group"] == "设施"
    assert row["group_probability"] >= row["probability"]
    assert main(["evaluate", "--model", str(tmp_path / "m"), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["group_accuracy"] > 0.9


def test_probabilities_are_honest() -> None:
    """Among guesses of unseen texts, how sure the model is and how often it is right differ by little."""
    examples = classifier.read_examples(CORPUS / "reports.jsonl")
    model, _ = classifier.train([each for at, each in enumerate(examples) if at % 3])
    assert classifier.evaluate(model, examples[::3]).ece < 0.06


def test_what_is_odd_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Repeats, one text under two labels, lone labels, over-long texts, a test on known texts: said with rows."""
    rows = [{"text": each.text, "label": each.label} for each in EXAMPLES]
    rows += [rows[0], {"text": rows[1]["text"], "label": "水"}, {"text": "别的", "label": "单 个"}]
    rows += [{"text": "水" * 100_000, "label": "　水 "}]
    data = write(tmp_path / "odd.jsonl", rows)
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "m")]) == 0
    said = capsys.readouterr()
    for words in ("left out: rows 19", "another label, both are learnt: rows 20", "单个", "longer than 2000"):
        assert words in said.err, said.err
    assert "4 labels" in said.out
    assert main(["evaluate", "--model", str(tmp_path / "m"), "--data", str(data)]) == 0
    assert "trained on 20 of these texts" in capsys.readouterr().err


@pytest.mark.parametrize(("encoding", "named"), [("gbk", "GBK"), ("utf-16", "UTF-16")])
def test_other_encodings_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str, named: str
) -> None:
    """A file of another encoding is refused, and which one it probably is, is said."""
    path = tmp_path / "other.jsonl"
    path.write_text('{"text": "路灯坏了", "label": "灯"}\n' * 3, encoding=encoding)
    assert main(["train", "--data", str(path), "--out", str(tmp_path / "m")]) == 1
    assert named in capsys.readouterr().err


def test_many_texts_are_learnt_as_a_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A source too large for memory is only gone through, never held, and gives a model as good, the same each time."""
    rows = [{"text": f"{each.text}第{at}次", "label": each.label} for at in range(60) for each in EXAMPLES]
    source = ExampleFile(write(tmp_path / "many.jsonl", rows))
    monkeypatch.setattr("classifier.training.LARGE", 1000)
    (model, metrics), (again, _) = classifier.train(source, seed=2), classifier.train(source, seed=2)
    texts = [each.text for each in EXAMPLES]
    assert metrics["accuracy"] > 0.95
    assert (model.probabilities(texts) == again.probabilities(texts)).all()
    assert classifier.evaluate(model, EXAMPLES).accuracy == 1.0
    assert classifier.evaluate(model, EXAMPLES).seen is None


def test_a_training_can_be_stopped() -> None:
    """What the one who is told of the progress raises ends the training at once."""

    def stop(done: float, _words: str) -> None:
        if done > 0:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        classifier.train(EXAMPLES, progress=stop)
