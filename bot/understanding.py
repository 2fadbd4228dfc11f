"""The two released classifiers as the dialogue uses them: what kind of matter, and what the message wants.

They may be missing or broken: then every answer is "no guess", `state` says why, and cases still open.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import classifier
from cases import learning
from cases.routing import Guess
from classifier.package import current_version

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


KEPT = 3


@dataclass(frozen=True)
class Reading:
    """The kinds of matter that a text may be, best first, and which model said so."""

    guesses: tuple[Guess, ...] = ()
    model_version: str | None = None


class Released:
    """The released version of one model; a new release is picked up at the next question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._seen: str | None = ""
        self._model: classifier.Model | None = None
        self.fault = ""

    def model(self) -> classifier.Model | None:
        """Return the model in use, or None with `fault` saying why."""
        version = current_version(self._folder)
        if version != self._seen:
            with self._lock:
                if version != self._seen:
                    self._load()
                    self._seen = version
        return self._model

    def _load(self) -> None:
        try:
            self._model, self.fault = classifier.load(self._folder), ""
        except classifier.PackageError as error:
            self._model, self.fault = None, str(error)
            log.exception("classifier %s cannot be loaded", self._folder.name)


class Understanding:
    """Asks the released models; never raises."""

    def __init__(self, models_dir: Path) -> None:
        self._matters = Released(models_dir / learning.MATTERS)
        self._intents = Released(models_dir / learning.INTENTS)

    def matter(self, text: str) -> Reading:
        """Return the likeliest kinds of matter."""
        guesses = self._guess(self._matters, text)
        model = self._matters.model()
        if not guesses or model is None:
            return Reading()
        return Reading(tuple(Guess(guess.label, guess.probability) for guess in guesses), model.version)

    def intent(self, text: str) -> tuple[str, float] | None:
        """Return what the text most likely wants and how surely, or None without a model."""
        guesses = self._guess(self._intents, text)
        return (guesses[0].label, guesses[0].probability) if guesses else None

    def warm_up(self) -> None:
        """Load segmenter and models now, before a server forks."""
        self.matter("路灯坏了")
        self.intent("你好")

    def faults(self) -> dict[str, str]:
        """Return for each model in trouble why."""
        models = {learning.MATTERS: self._matters, learning.INTENTS: self._intents}
        for released in models.values():
            released.model()
        return {name: released.fault for name, released in models.items() if released.fault}

    @staticmethod
    def _guess(released: Released, text: str) -> list[classifier.Guess]:
        model = released.model()
        if model is None or not text.strip():
            return []
        try:
            return model.predict([text], top=KEPT)[0]
        except Exception:  # a broken model must not cost a resident the case
            log.exception("classifier failed")
            return []
