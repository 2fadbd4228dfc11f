"""Command line: `python -m classifier train | evaluate | predict`.

Exit codes: 0 done, 1 failed with one clear line on stderr, 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.data import DataError, read_examples
from classifier.evaluation import Evaluation, evaluate
from classifier.package import PackageError, load, save
from classifier.training import label_counts, train

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    examples = read_examples(options.data)
    model, metrics = train(examples, seed=options.seed)
    counts = label_counts(examples)
    folder = save(model, options.out, seed=options.seed, metrics=metrics, label_counts=counts)
    print(f"{folder}  {len(examples)} examples, {len(counts)} labels, cross-validated: {_figures(metrics)}")


def _evaluate(options: argparse.Namespace) -> None:
    result = evaluate(load(options.model), read_examples(options.data))
    print(json.dumps(result.as_dict(), ensure_ascii=False) if options.json else _table(result))


def _predict(options: argparse.Namespace) -> None:
    model = load(options.model)
    for line in sys.stdin:
        guesses = model.predict([line.rstrip("\n")], top=options.top)[0]
        top = [{"label": guess.label, "probability": round(guess.probability, 4)} for guess in guesses]
        print(json.dumps({**top[0], "top": top}, ensure_ascii=False), flush=True)


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
    lines += [f"{name:<32} {value:>9.3f}" for name, value in summary.items()]
    lines.append(f"{'texts per second':<32} {result.texts_per_second:>9.0f}")
    return "\n".join(lines)


COMMANDS = {"train": _train, "evaluate": _evaluate, "predict": _predict}

if __name__ == "__main__":
    sys.exit(main())
