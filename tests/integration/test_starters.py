import shutil
from pathlib import Path

import classifier
from bot.understanding import Understanding
from cases import learning
from classifier.package import current_version


def test_models_of_before_are_trained_anew(tmp_path: Path, trained_models: Path) -> None:
    """Released models of an earlier form, or with labels that mean nothing any more, are replaced at the next start."""
    (tmp_path / learning.DANGERS).symlink_to(trained_models / learning.DANGERS)
    (tmp_path / learning.MATTERS / "old").mkdir(parents=True)
    (tmp_path / learning.MATTERS / "old" / "manifest.json").write_text('{"format": 1}', encoding="utf-8")
    (tmp_path / learning.MATTERS / "current").write_text("old", encoding="utf-8")
    words = {"chat/greeting": "你好啊", "report": "路灯坏了没人修"}
    examples = [classifier.Example(f"{text}{at}", label) for label, text in words.items() for at in range(10)]
    model, metrics = classifier.train(examples, seed=1)
    folder = tmp_path / learning.INTENTS
    classifier.save(model, folder, seed=1, metrics=metrics, label_counts={"chat/greeting": 10, "report": 10})
    assert set(Understanding(tmp_path).intents("你好啊")) == {"report"}
    assert [name for name, _ in learning.train_starters(tmp_path)] == [learning.MATTERS, learning.INTENTS]
    assert Understanding(tmp_path).matter("路灯坏了").guesses[0].code == "facility/streetlight"
    assert "greeting" in Understanding(tmp_path).intents("你好啊")


def test_a_damaged_release_is_not_replaced_in_silence(tmp_path: Path, trained_models: Path) -> None:
    """A released version whose file is damaged stays the released one, and is named as a fault, until somebody acts."""
    shutil.copytree(trained_models, tmp_path, dirs_exist_ok=True)
    version = current_version(tmp_path / learning.MATTERS)
    (tmp_path / learning.MATTERS / str(version) / "weights.npz").write_bytes(b"x")
    assert list(learning.train_starters(tmp_path)) == []
    assert current_version(tmp_path / learning.MATTERS) == version
    assert "weights.npz" in Understanding(tmp_path).faults()[learning.MATTERS]
