"""Command line: `python -m classifier train | evaluate | predict`.

Exit codes: 0 done, 1 failed with one clear line on stderr, 2 bad usage.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.data import DataError, ExampleFile, oddities, read_examples
from classifier.evaluation import Evaluation, evaluate
from classifier.model import LEVELS, Language, two_levels
from classifier.package import PackageError, load, save
from classifier.text import Places
from classifier.training import label_counts, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.model import Model


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        COMMANDS[options.command](options)
    except (DataError, PackageError, OSError) as error:
        print(f"classifier: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="classifier", description="Train and use text classifiers.")
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="write a versioned model directory")
    training.add_argument("--data", type=Path, required=True, help='JSONL: {"text", "label", "time"?} a line')
    training.add_argument("--out", type=Path, required=True, help="folder of model versions")
    training.add_argument("--seed", type=_seed, default=0, help="a whole number from 0 on")
    training.add_argument("--places", type=Path, help="place names, one a line: hidden, so that matters are learnt")
    training.add_argument("--terms", type=Path, help="words to keep whole, one a line: jieba's user dictionary")
    evaluation = commands.add_parser("evaluate", help="measure a model on labelled texts")
    evaluation.add_argument("--model", type=Path, required=True)
    evaluation.add_argument("--data", type=Path, required=True)
    evaluation.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    prediction = commands.add_parser("predict", help="texts on stdin, one a line; JSON a line out")
    prediction.add_argument("--model", type=Path, required=True)
    prediction.add_argument("--top", type=_positive, default=1)
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _train(options: argparse.Namespace) -> None:
    examples = ExampleFile(options.data)
    for line in oddities(examples):
        print(f"note: {line}", file=sys.stderr)
    language = Language(Places(_lines(options.places)), _lines(options.terms))
    model, metrics = train(examples, seed=options.seed, language=language, progress=_say)
    counts = label_counts(examples)
    folder = save(model, options.out, seed=options.seed, metrics=metrics, label_counts=counts)
    total = sum(counts.values())
    print(f"{folder}  {total} examples, {len(counts)} labels, held-out: {_figures(metrics)}")


def _say(done: float, words: str) -> None:
    if sys.stderr.isatty():
        print(f"{done:4.0%}  {words}", file=sys.stderr)


def _lines(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    try:
        return tuple(filter(None, map(str.strip, path.read_text(encoding="utf-8-sig").splitlines())))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8") from error


def _evaluate(options: argparse.Namespace) -> None:
    result = evaluate(load(options.model), read_examples(options.data))
    if result.seen:
        print(f"note: the model was trained on {result.seen} of these texts: too kind a measure", file=sys.stderr)
    print(json.dumps(result.as_dict(), ensure_ascii=False) if options.json else _table(result))


def _predict(options: argparse.Namespace) -> None:
    model = load(options.model)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    for line in sys.stdin:
        guesses = model.predict([line.rstrip("\n")], top=options.top)[0]
        top = [{"label": guess.label, "probability": round(guess.probability, 4)} for guess in guesses]
        print(json.dumps({**top[0], **_group(model, line), "top": top}, ensure_ascii=False), flush=True)


def _group(model: Model, text: str) -> dict[str, object]:
    """Return the likeliest first level with its probability; nothing where labels have one level."""
    if not two_levels(model.labels):
        return {}
    chances: defaultdict[str, float] = defaultdict(float)
    for label, chance in zip(model.labels, model.probabilities([text])[0], strict=True):
        chances[label.partition(LEVELS)[0]] += float(chance)
    group, chance = max(chances.items(), key=lambda each: each[1])
    return {"group": group, "group_probability": round(chance, 4)}


def _figures(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())


def _table(result: Evaluation) -> str:
    lines = [f"{'label':<32} precision  recall      f1  support"]
    lines += [
        f"{label:<32} {row['precision']:>9.3f} {row['recall']:>7.3f} {row['f1']:>7.3f} {row['support']:>8}"
        for label, row in result.per_class.items()
    ]
    summary = {
        "accuracy": result.accuracy,
        "macro F1": result.macro_f1,
        "top-2 accuracy": result.top2_accuracy,
        "expected calibration error": result.ece,
    } | {f"accuracy at {float(share):.0%} coverage": value for share, value in result.coverage.items()}
    if result.group_accuracy is not None:
        summary["accuracy of the first level"] = result.group_accuracy
    lines += [f"{name:<32} {value:>9.3f}" for name, value in summary.items()]
    lines.append(f"{'texts per second':<32} {result.texts_per_second:>9.0f}")
    return "\n".join(lines)


COMMANDS = {"train": _train, "evaluate": _evaluate, "predict": _predict}

if __name__ == "__main__":
    sys.exit(main())
