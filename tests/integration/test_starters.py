from pathlib import Path

import classifier
from bot.understanding import Understanding
from cases import learning


def test_a_model_of_before_is_trained_anew(tmp_path: Path, trained_models: Path) -> None:
    """A released intent model whose labels mean nothing any more is no hindrance, and is replaced at the next start."""
    for name in (learning.MATTERS, learning.DANGERS):
        (tmp_path / name).symlink_to(trained_models / name)
    words = {"chat/greeting": "你好啊", "report": "路灯坏了没人修"}
    examples = [classifier.Example(f"{text}{at}", label) for label, text in words.items() for at in range(10)]
    model, metrics = classifier.train(examples, seed=1)
    folder = tmp_path / learning.INTENTS
    classifier.save(model, folder, seed=1, metrics=metrics, label_counts={"chat/greeting": 10, "report": 10})
    assert set(Understanding(tmp_path).intents("你好啊")) == {"report"}
    assert [name for name, _ in learning.train_starters(tmp_path)] == [learning.INTENTS]
    assert "greeting" in Understanding(tmp_path).intents("你好啊")
