"""Text in, labels with probabilities out: train, evaluate and package text classifiers.

Knows nothing of cities, cases or WeChat: any JSONL file of texts and labels will do. The command line is
`python -m classifier`; from Python, `train` returns a `Model`, `save` and `load` move it through a folder.
"""

from classifier.data import DataError, Example, ExampleFile, read_examples
from classifier.evaluation import Evaluation, evaluate
from classifier.model import Guess, Model
from classifier.package import PackageError, load, save
from classifier.training import train

__all__ = [
    "DataError",
    "Evaluation",
    "Example",
    "ExampleFile",
    "Guess",
    "Model",
    "PackageError",
    "evaluate",
    "load",
    "read_examples",
    "save",
    "train",
]
