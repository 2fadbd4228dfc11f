"""The released classifiers as the dialogue uses them: what kind of matter, what the message wants, what danger.

They may be missing or broken: then every answer is "no guess", `state` says why, and cases still open.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import classifier
from bot.emergency import plain
from bot.intents import Intent
from cases import learning
from cases.routing import Guess
from classifier.package import current_version

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


KEPT, ALL = 3, 100
# What is longer is no word.
WORD = 20
KNOWN = frozenset(map(str, Intent))


@dataclass(frozen=True)
class Reading:
    """The kinds that a text may be, best first, which model said so, and the words that spoke for the first."""

    guesses: tuple[Guess, ...] = ()
    model_version: str | None = None
    evidence: tuple[str, ...] = ()


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
        self._dangers = Released(models_dir / learning.DANGERS)

    def matter(self, text: str) -> Reading:
        """Return the likeliest kinds of matter."""
        guesses = self._guess(self._matters, text)
        model = self._matters.model()
        if not guesses or model is None:
            return Reading()
        kinds = tuple(Guess(guess.label, guess.probability) for guess in guesses)
        return Reading(kinds, model.version, _evidence(model, text, kinds[0].code))

    def matters_model(self) -> classifier.Model | None:
        """Return the released model of kinds of matter, or None."""
        return self._matters.model()

    def intents(self, text: str) -> dict[str, float]:
        """Return how probable each thing is that the text may want, without strange labels; empty without a model."""
        guesses = self._guess(self._intents, text, top=ALL)
        return {guess.label: guess.probability for guess in guesses if guess.label in KNOWN}

    def danger(self, text: str) -> tuple[str, float] | None:
        """Return the likeliest kind of danger and how probable any is, or None without a model."""
        chances = {guess.label: guess.probability for guess in self._guess(self._dangers, plain(text), top=ALL)}
        none = chances.pop(learning.NO_DANGER, None)
        return (max(chances, key=lambda kind: chances[kind]), 1 - none) if none is not None and chances else None

    def warm_up(self) -> None:
        """Load segmenter and models now, before a server forks."""
        self.matter("路灯坏了")
        self.intents("你好")
        self.danger("着火了")

    def faults(self) -> dict[str, str]:
        """Return for each model in trouble why."""
        models = {learning.MATTERS: self._matters, learning.INTENTS: self._intents, learning.DANGERS: self._dangers}
        for released in models.values():
            released.model()
        return {name: released.fault for name, released in models.items() if released.fault}

    @staticmethod
    def _guess(released: Released, text: str, top: int = KEPT) -> list[classifier.Guess]:
        model = released.model()
        if model is None or not text.strip():
            return []
        try:
            return model.predict([text], top=top)[0]
        except Exception:  # a broken model must not cost a resident the case
            log.exception("classifier failed")
            return []


def _evidence(model: classifier.Model, text: str, label: str) -> tuple[str, ...]:
    """Return the words that spoke for a label; none when they cannot be told, for the guess stands without them."""
    try:
        return tuple(word for word in model.evidence(text, label) if len(word) <= WORD)
    except Exception:
        log.exception("classifier cannot say why")
        return ()
