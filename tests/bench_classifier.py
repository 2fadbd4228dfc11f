"""The classifier measured: accuracy on real messages, speed beside fastText, growth up to a million texts.

The real messages lie beside the project, not in it; without them those lines are left out, and that is said.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import fasttext
import jieba

import classifier
from cases.city_files import CORPUS
from classifier.evaluation import BATCH
from classifier.text import Places, Segmenter, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from classifier import Evaluation, Example

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
SEED = 20
FOLDS = 5
SIZES = (125_000, 250_000, 500_000, 1_000_000)
LENGTH, TIMED = 200, 300
MEGABYTE = 2**20


def letters() -> list[dict[str, str]]:
    """Return the citizens' letters, each once."""
    rows = map(json.loads, (SHARED / "letters.train.jsonl").read_text(encoding="utf-8").splitlines())
    return list({(row["title"], row["body"]): row for row in rows}.values())


def tickets() -> list[dict[str, str]]:
    """Return the hotline's tickets whose department is known, each matter once."""
    rows = map(json.loads, (SHARED / "hotline.train.jsonl").read_text(encoding="utf-8").splitlines())
    known = [row for row in rows if row.get("dept") not in {None, "其他"} and row.get("text_res", "").strip()]
    return list({row["text_res"]: row for row in known}.values())


def parts(rows: Sequence[dict[str, str]]) -> Iterable[tuple[list[dict[str, str]], list[dict[str, str]]]]:
    """Give five parts of some rows, each with all others, in an order of its own."""
    rows = random.Random(SEED).sample(rows, len(rows))  # noqa: S311 - a repeatable order
    for fold in range(FOLDS):
        yield [row for at, row in enumerate(rows) if at % FOLDS != fold], rows[fold::FOLDS]


def examples(rows: Iterable[dict[str, str]], text: Callable[[dict[str, str]], str], label: str) -> list[Example]:
    """Return rows as labelled texts; those without a text are left out."""
    return [classifier.Example(text(row), row[label]) for row in rows if text(row).strip()]


def show(name: str, results: Sequence[Evaluation]) -> None:
    """Print the means of some evaluations."""
    figures = {
        "accuracy": [each.accuracy for each in results],
        "macro F1": [each.macro_f1 for each in results],
        "top 2": [each.top2_accuracy for each in results],
        "ECE": [each.ece for each in results],
        "at 80 %": [each.coverage["0.8"] for each in results],
    }
    print(f"{name:<44} " + "   ".join(f"{key} {statistics.mean(values):.4f}" for key, values in figures.items()))


def whole(row: dict[str, str]) -> str:
    """Return a letter as it arrives: title and body joined by a newline."""
    return f"{row['title']}\n{row['body']}"


VIEWS: dict[str, Callable[[dict[str, str]], str]] = {
    "title and body": whole,
    "title alone": lambda row: row["title"],
    "first 30 characters of the body": lambda row: row["body"][:30],
    "first 60 characters of the body": lambda row: row["body"][:60],
}


def on_letters() -> None:
    """Cross-validate on letters: whole ones, and what a resident would send of them."""
    found: dict[str, list[Evaluation]] = {name: [] for name in VIEWS}
    for known, unseen in parts(letters()):
        model, _ = classifier.train(examples(known, whole, "label"))
        for name, view in VIEWS.items():
            found[name].append(classifier.evaluate(model, examples(unseen, view, "label")))
    for name, results in found.items():
        show(f"letters, {name}", results)


def on_tickets() -> None:
    """Cross-validate on the hotline's tickets."""
    results = []
    for known, unseen in parts(tickets()):
        model, _ = classifier.train(examples(known, lambda row: row["text_res"], "dept"))
        results.append(classifier.evaluate(model, examples(unseen, lambda row: row["text_res"], "dept")))
    show("hotline, 25 departments", results)


def beside_fasttext(data: list[Example]) -> None:
    """Compare the speed with fastText's supervised classifier: the same texts, from raw text to label, one thread."""
    model, _ = classifier.train(data)
    texts = [example.text for example in data][:4000]
    cut, none = Segmenter(), Places()

    def words(text: str) -> str:
        return " ".join(cut.cut(prepare(text, none).text))

    def signs(text: str) -> str:
        return " ".join(prepare(text, none).text.replace(" ", ""))

    def ask() -> None:
        for at in range(0, len(texts), BATCH):
            model.probabilities(texts[at : at + BATCH])

    ours = _rate(ask, len(texts))
    print(f"{'texts a second, ours':<44} {ours:8.0f}")
    jieba.setLogLevel("ERROR")
    original = jieba.Tokenizer()
    original.cache_file = None
    original.initialize()

    def slowly(text: str) -> str:
        return " ".join(original.cut(prepare(text, none).text))

    for name, shape, grams in (("our words", words, 2), ("characters", signs, 4), ("jieba's words", slowly, 2)):
        rival = _fasttext(data, shape, grams)
        theirs = _rate(partial(_ask, rival, shape, texts), len(texts))
        print(f"{f'texts a second, fastText on {name}':<44} {theirs:8.0f}   ours {ours / theirs:.2f} ×")


def _ask(rival: fasttext.FastText._FastText, shape: Callable[[str], str], texts: list[str]) -> object:
    return rival.predict([shape(text) for text in texts])


def _fasttext(data: list[Example], shape: Callable[[str], str], grams: int) -> fasttext.FastText._FastText:
    labels = {label: f"__label__{at}" for at, label in enumerate(sorted({example.label for example in data}))}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(f"{labels[each.label]} {shape(each.text)}\n" for each in data), encoding="utf-8")
        return fasttext.train_supervised(str(path), wordNgrams=grams, epoch=25, lr=0.5, thread=1, verbose=0)


def _rate(call: Callable[[], object], count: int) -> float:
    """Return how many a second, the best of three runs."""
    call()
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return count / min(seconds)


def single(data: list[Example]) -> None:
    """Measure one prediction of a text of 200 characters, the model's size, and its loading in a new process."""
    model, metrics = classifier.train(data)
    texts = [(example.text * (LENGTH // len(example.text) + 1))[:LENGTH] for example in data[:TIMED]]
    with TemporaryDirectory() as folder:
        path = classifier.save(model, Path(folder), seed=0, metrics=metrics, label_counts={})
        size = sum(file.stat().st_size for file in path.iterdir()) / MEGABYTE
        load = (
            "import time; s = time.perf_counter(); import pathlib, classifier; "
            f"classifier.load(pathlib.Path({str(path)!r})).predict(['路灯']); print(time.perf_counter() - s)"
        )
        seconds = float(subprocess.run([sys.executable, "-c", load], cwd=ROOT, check=True, capture_output=True).stdout)
    times = []
    for text in texts:
        started = time.perf_counter()
        model.predict([text])
        times.append((time.perf_counter() - started) * 1000)
    print(f"{'one text of 200 characters':<44} median {statistics.median(times):7.2f} ms")
    print(f"{'model on disk; loaded and asked':<44} {size:7.1f} MB   {seconds:.2f} s")


def growth() -> None:
    """Train on ever more texts, made of the starter corpus's sentences, each size in a process of its own."""
    for size in SIZES:
        command = [sys.executable, "-m", "tests.bench_classifier", str(size)]
        print(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout, end="", flush=True)


def grown(size: int) -> None:
    """Train on so many texts and print time and memory."""
    source = classifier.read_examples(CORPUS / "reports.jsonl")
    rng = random.Random(SEED)  # noqa: S311 - a repeatable choice
    fillers = [text for example in source for text in example.text.split("，") if len(text) > 3]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "many.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for _ in range(size):
                chosen = rng.choice(source)
                text = "，".join([rng.choice(fillers), chosen.text, rng.choice(fillers)])
                stream.write(
                    json.dumps({"text": text, "label": chosen.label.partition("/")[0]}, ensure_ascii=False) + "\n"
                )
        started = time.perf_counter()
        _, metrics = classifier.train(classifier.ExampleFile(path))
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speed = f"{seconds:6.0f} s   {1e6 * seconds / size:5.0f} µs a text"
    print(f"{f'training on {size:,} texts':<44} {speed}   {memory:6.0f} MB   accuracy {metrics['accuracy']:.3f}")


def main() -> None:
    """Run all of the classifier's measurements."""
    starter = classifier.read_examples(CORPUS / "reports.jsonl")
    single(starter)
    beside_fasttext(starter)
    if SHARED.exists():
        on_letters()
        on_tickets()
        print("letters, for speed:")
        beside_fasttext(examples(letters(), whole, "label"))
    else:
        print("letters and hotline: left out, ../shared/data is not there")
    growth()


if __name__ == "__main__":
    grown(int(sys.argv[1])) if len(sys.argv) > 1 else main()
