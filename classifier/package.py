"""Models on disk: versioned folders with a manifest, written atomically, loaded only when every hash agrees.

`<folder>/<version>/` holds `weights.npz` (numbers only), `words.json` (labels, places, terms) and `manifest.json`;
`<folder>/current` names the version in use. Nothing in a package is code: no pickle is ever read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import numpy as np

from classifier.features import GROUPS, Vocabulary
from classifier.model import Calibration, Language, Model
from classifier.text import Places

FORMAT = 2
MANIFEST = "manifest.json"
CURRENT = "current"
WEIGHTS, WORDS = "weights.npz", "words.json"
LIBRARIES = ("numpy", "opencc", "rjieba", "scikit-learn", "scipy")


class PackageError(Exception):
    """A model folder is missing, damaged or not ours; the message says which file and why."""


def save(
    model: Model,
    folder: Path,
    *,
    seed: int,
    metrics: dict[str, float],
    label_counts: dict[str, int],
    release: bool = True,
) -> Path:
    """Write `model` below `folder` as a new version, make it the current one if `release`, and return its folder."""
    files = _files(model)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    created = datetime.now(UTC)
    digest = hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:8]
    name = f"{created:%Y%m%d-%H%M%S}-{digest}"
    manifest = {
        "format": FORMAT,
        "version": name,
        "created": created.isoformat(timespec="seconds"),
        "seed": seed,
        "metrics": metrics,
        "label_counts": label_counts,
        "files": {file: {"sha256": hashes[file], "bytes": len(files[file])} for file in files},
        "libraries": {"python": platform.python_version()}
        | {library: library_version(library) for library in LIBRARIES},
    }
    files[MANIFEST] = _json(manifest)
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    try:
        for file, content in files.items():
            (draft / file).write_bytes(content)
        draft.chmod(0o755)
        target = folder / name
        if target.exists():  # the same content within the same second
            shutil.rmtree(draft)
        else:
            draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if release:
        set_current(folder, name)
    return target


def set_current(folder: Path, version: str) -> None:
    """Make `version` the one that `load(folder)` gives."""
    draft = folder / f".{CURRENT}.{os.getpid()}"
    draft.write_text(version + "\n", encoding="utf-8")
    draft.replace(folder / CURRENT)


def current_version(folder: Path) -> str | None:
    """Return the version in use below `folder`, or None when there is none."""
    try:
        return (folder / CURRENT).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def load(folder: Path) -> Model:
    """Load a version folder, or the current version below a folder of versions.

    Raises PackageError for anything missing, changed or unknown. Reads numbers and strings only.
    """
    folder = _version_folder(folder)
    manifest = _read_manifest(folder)
    contents = {name: _checked(folder, name, manifest) for name in (WEIGHTS, WORDS)}
    try:
        return _model(manifest["version"], contents)
    except (KeyError, ValueError, TypeError) as error:
        raise PackageError(f"{folder}: not a model of this format ({error})") from error


def labels_of(folder: Path) -> tuple[str, ...]:
    """Return the labels that a model was trained on, by its manifest alone. Raises PackageError as `load` does."""
    return tuple(_read_manifest(_version_folder(folder)).get("label_counts", {}))


def _version_folder(folder: Path) -> Path:
    if (folder / MANIFEST).exists():
        return folder
    version = current_version(folder)
    if version is None or "/" in version or version.startswith("."):
        raise PackageError(f"{folder}: no model here (neither {MANIFEST} nor {CURRENT})")
    return folder / version


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackageError(f"{folder / MANIFEST}: cannot be read ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PackageError(f"{folder / MANIFEST}: unknown format")
    return manifest


def _checked(folder: Path, name: str, manifest: dict[str, Any]) -> bytes:
    expected = manifest.get("files", {}).get(name, {}).get("sha256")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise PackageError(f"{folder / name}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise PackageError(f"{folder / name}: is not the file that the manifest names")
    return content


def _files(model: Model) -> dict[str, bytes]:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        weights=model.weights.astype(np.float16),
        bias=model.bias,
        calibration=np.array(model.calibration),
        hashes=model.vocabulary.hashes,
        idf=model.vocabulary.idf,
        groups=model.vocabulary.groups,
        seen=model.seen,
    )
    words = {
        "labels": list(model.labels),
        "groups": [list(group) for group in GROUPS],
        "places": list(model.language.places.names),
        "terms": list(model.language.terms),
    }
    return {WEIGHTS: buffer.getvalue(), WORDS: _json(words)}


def _model(version: str, contents: dict[str, bytes]) -> Model:
    words = json.loads(contents[WORDS])
    if words["groups"] != json.loads(_json({"groups": [list(group) for group in GROUPS]}))["groups"]:
        raise ValueError("its features are of another kind")
    with np.load(io.BytesIO(contents[WEIGHTS]), allow_pickle=False) as arrays:
        return Model(
            labels=tuple(words["labels"]),
            language=Language(Places(tuple(words["places"])), tuple(words["terms"])),
            vocabulary=Vocabulary.of(arrays["hashes"], arrays["idf"], arrays["groups"]),
            weights=arrays["weights"].astype(np.float32),
            bias=arrays["bias"],
            calibration=Calibration(*map(float, arrays["calibration"])),
            seen=arrays["seen"],
            version=version,
        )


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False).encode()
