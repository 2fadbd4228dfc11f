import json
from pathlib import Path

import pytest

import classifier
from classifier.__main__ import main
from classifier.package import MANIFEST
from classifier.text import MAX_CHARACTERS, prepare

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
    for name in ("weights.npz", "vocabulary.json"):
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
    assert error.count("\n") == 1
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
    """Full width, case, control characters, numbers and repeats do not make texts different."""
    assert prepare("ＡＢＣ　１２３４号\u200b！！！！") == prepare("abc 99号!!")
    assert len(prepare("啊喂" * 100_000)) <= MAX_CHARACTERS
