"""Backups of everything: the database, the media files, the classifiers, the key. Taken while the service runs.

A folder of backups has one folder for each, by its moment, and one `media/` for all: a file there never changes, so it
is copied once, and goes when no backup lists it any more. What a backup consists of stands in its `files.sha256`, with
a digest each; the digest of that list, the moment and the schema's version stand in `manifest.json`. A backup has its
name only once it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cases.storage import backup as database
from cases.storage.backup import BackupError, Staged
from cases.storage.engine import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

FORMAT = 1
STAMP = "%Y%m%dT%H%M%SZ"
MANIFEST, LIST, MEDIA, MODELS, KEY = "manifest.json", "files.sha256", "media", "models", "secret.key"
# Who was forgotten: what lies at the place is newer, and stays.
ERASURES = "erasures.jsonl"
DUMPS = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
DRAFT = ".draft-"
CHUNK = 1024 * 1024
OWNER_ONLY = 0o700


@dataclass(frozen=True)
class Places:
    """Where everything that is backed up lies."""

    database_url: str
    media: Path
    data_dir: Path


@dataclass(frozen=True)
class Backup:
    """One whole backup, by its manifest."""

    folder: Path
    made_at: datetime
    kind: str
    schema: str
    cases: int
    digest: str

    @property
    def pool(self) -> Path:
        """The media files of all backups."""
        return self.folder.parent / MEDIA


@dataclass(frozen=True)
class Made:
    """What came of a backup."""

    backup: Backup
    files: int
    new_files: int
    dropped: int


# -- taking one -------------------------------------------------------------------------------------------------


def take(places: Places, into: Path, now: datetime, *, keep: int, daily: int) -> Made:
    """Take a backup, then drop those that are not to be kept. Raises BackupError, and leaves nothing half done then."""
    into.mkdir(parents=True, exist_ok=True)
    into.chmod(OWNER_ONLY)
    with _alone(into):
        for left in into.glob(f"{DRAFT}*"):
            shutil.rmtree(left)
        known = _digests(newest(into))
        folder = into / now.astimezone(UTC).strftime(STAMP)
        if folder.exists():
            raise BackupError(f"{folder.name} 已经有了：同一秒只备份一次。")
        draft = into / f"{DRAFT}{folder.name}"
        draft.mkdir(mode=OWNER_ONLY)
        try:
            new_files = _fill(places, draft, into / MEDIA, known, now)
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        _settle(into)
        made = read(folder)
        dropped = prune(into, keep=keep, daily=daily)
    return Made(made, len(_digests(made)), new_files, dropped)


def _fill(places: Places, draft: Path, pool: Path, known: dict[str, str], now: datetime) -> int:
    """Put everything into a draft: the database first, because files are there before a row names them."""
    kind = database.kind(places.database_url)
    database.dump(places.database_url, draft / DUMPS[kind])
    schema, cases = database.facts(places.database_url)
    digests, new_files = _pooled(places.media, pool, known)
    models = places.data_dir / MODELS
    if models.is_dir():
        shutil.copytree(models, draft / MODELS, ignore=shutil.ignore_patterns(".*"))
    for name in (KEY, ERASURES):
        if (places.data_dir / name).exists():
            shutil.copy(places.data_dir / name, draft / name)
    digests |= {path.relative_to(draft).as_posix(): digest(path) for path in _files(draft)}
    _write(draft / LIST, "".join(f"{each}  {name}\n" for name, each in sorted(digests.items())))
    facts = {"format": FORMAT, "made_at": now.isoformat(), "database": kind, "schema": schema, "cases": cases}
    _write(draft / MANIFEST, json.dumps({**facts, "files": digest(draft / LIST)}, indent=1))
    for path in _files(draft):
        _to_disk(path)
    return new_files


def _pooled(media: Path, pool: Path, known: dict[str, str]) -> tuple[dict[str, str], int]:
    """Copy the files that no backup has yet, and return all digests and how many were new."""
    digests, new_files = {}, 0
    for path in _files(media):
        name = f"{MEDIA}/{path.relative_to(media).as_posix()}"
        kept = pool / path.relative_to(media)
        if name in known and kept.exists():
            digests[name] = known[name]
            continue
        try:
            _copy(path, kept)
        except FileNotFoundError:  # a resident was forgotten just now
            continue
        digests[name], new_files = digest(kept), new_files + 1
    return digests, new_files


def kept(names: Iterable[str], keep: int, daily: int) -> set[str]:
    """Return which backups stay: the newest ones, and of the last days the last one each."""
    newest_first = sorted(names, reverse=True)
    last_of_day: dict[str, str] = {}
    for name in newest_first:
        last_of_day.setdefault(name[:8], name)
    return {*newest_first[: max(1, keep)], *list(last_of_day.values())[:daily]}


def prune(into: Path, *, keep: int, daily: int) -> int:
    """Drop the backups that are not to be kept, and the media files that none of the others lists. Returns how many."""
    backups = [path for path in into.iterdir() if (path / MANIFEST).exists()]
    stay = kept((path.name for path in backups), keep, daily)
    drop = [path for path in backups if path.name not in stay]
    for path in drop:
        (path / MANIFEST).unlink()  # from here on it is none
        shutil.rmtree(path)
    if drop:
        listed = {name for path in backups if path.name in stay for name in _digests(read(path))}
        for file in _files(into / MEDIA):
            if f"{MEDIA}/{file.relative_to(into / MEDIA).as_posix()}" not in listed:
                file.unlink()
    return len(drop)


# -- reading one ------------------------------------------------------------------------------------------------


def newest(into: Path) -> Backup | None:
    """Return the newest whole backup in a folder of backups, or None."""
    names = sorted(path.parent.name for path in into.glob(f"*/{MANIFEST}") if not path.parent.name.startswith("."))
    return read(into / names[-1]) if names else None


def read(folder: Path) -> Backup:
    """Read a backup's manifest. Raises BackupError."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise BackupError(f"{folder.name} 是别的版本做的备份，这个版本读不了。")
        made_at = datetime.fromisoformat(found["made_at"])
        return Backup(folder, made_at, found["database"], found["schema"], int(found["cases"]), found["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{folder} 不是完整的备份：manifest.json 读不了。") from error


def chosen(path: Path) -> Backup:
    """Return the backup that is meant: this one, or the newest in a folder of backups. Raises BackupError."""
    found = read(path) if (path / MANIFEST).exists() else newest(path)
    if found is None:
        raise BackupError(f"{path} 里没有完整的备份。")
    return found


def check(backup: Backup) -> dict[str, str]:
    """Return the digests of all parts of a backup, after every one of them was looked at. Raises BackupError."""
    if not (backup.folder / LIST).exists() or digest(backup.folder / LIST) != backup.digest:
        raise BackupError(f"备份 {backup.folder.name} 的清单对不上，不能用。")
    digests = _digests(backup)
    for name, expected in digests.items():
        path = _part(backup, name)
        if not path.exists():
            raise BackupError(f"备份 {backup.folder.name} 少了 {name}，不能用。")
        if digest(path) != expected:
            raise BackupError(f"备份 {backup.folder.name} 的 {name} 被改过或者坏了，不能用。")
    return digests


def _part(backup: Backup, name: str) -> Path:
    base = backup.folder.parent if name.startswith(f"{MEDIA}/") else backup.folder
    path = base / name
    if not path.resolve().is_relative_to(base.resolve()):
        raise BackupError(f"备份 {backup.folder.name} 的清单里有不该有的路径。")
    return path


def _digests(backup: Backup | None) -> dict[str, str]:
    if backup is None:
        return {}
    lines = (backup.folder / LIST).read_text(encoding="utf-8").splitlines()
    return {name: each for each, _, name in (line.partition("  ") for line in lines)}


# -- putting one back -------------------------------------------------------------------------------------------


def restore(places: Places, path: Path, *, force: bool, then: Callable[[str], Collection[str]]) -> Backup:
    """Put a backup back, whole or not at all: everything is made ready beside, then takes its place.

    `then` is called with the address of the database that lies ready, before it takes its place: what it does is part
    of the whole, and the media files that it names are not put back. Raises BackupError.
    """
    backup = chosen(path)
    digests = check(backup)
    _allow(places, backup, force=force)
    media = {name.removeprefix(f"{MEDIA}/") for name in digests if name.startswith(f"{MEDIA}/")}
    staged = Staged(places.database_url, backup.folder / DUMPS[backup.kind])
    if (backup.folder / ERASURES).exists() and not (places.data_dir / ERASURES).exists():
        _copy(backup.folder / ERASURES, places.data_dir / ERASURES)
    try:
        forgotten = then(staged.url)
        media = {name for name in media if name.rpartition("/")[2] not in forgotten}
        for name in sorted(media):  # files have names of their own: beside others they harm nobody
            _copy(backup.pool / name, places.media / name, again=False)
        with _swapped(backup.folder / MODELS, places.data_dir / MODELS):
            staged.swap()
    except BaseException:
        staged.drop()
        raise
    if (backup.folder / KEY).exists():
        shutil.copy(backup.folder / KEY, places.data_dir / KEY)
    for file in list(_files(places.media)):
        if file.relative_to(places.media).as_posix() not in media:
            file.unlink()
    return backup


def _allow(places: Places, backup: Backup, *, force: bool) -> None:
    if backup.kind != database.kind(places.database_url):
        raise BackupError(f"备份是 {backup.kind} 的，DATABASE_URL 不是：两种数据库不能互相恢复。")
    if not database.knows(backup.schema):
        raise BackupError(f"备份的数据库版本（{backup.schema}）比这个程序新：请先换成新的程序。")
    try:
        _schema, cases = database.facts(places.database_url)
    except DatabaseError:
        cases = 0  # there is no such database yet
    if cases and not force:
        raise BackupError(f"这里的数据库已有 {cases} 个工单，没有动它。真要换掉，请停下网页和后台，加 --force。")


@contextmanager
def _swapped(source: Path, target: Path) -> Iterator[None]:
    """Put a copy of a folder in another's place; what was there comes back when what follows fails."""
    if not source.is_dir():
        yield
        return
    beside, before = target.with_name(f".{target.name}.restoring"), target.with_name(f".{target.name}.replaced")
    for left in (beside, before):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(source, beside)
    if target.exists():
        target.rename(before)
    beside.rename(target)
    try:
        yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        if before.exists():
            before.rename(target)
        raise
    shutil.rmtree(before, ignore_errors=True)


# -- files ------------------------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def older(backup: Backup, now: datetime) -> timedelta:
    """Return how old a backup is: what came since is not in it."""
    return now - backup.made_at


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; those that somebody is still writing begin with a dot."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.name.startswith("."):
            yield path


def _copy(source: Path, target: Path, *, again: bool = True) -> None:
    """Copy a file whole or not at all; not `again` when there is one of its name."""
    if not again and target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.copy")
    shutil.copy(source, draft)
    draft.replace(target)


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _settle(folder: Path) -> None:
    """Let the disk have everything that was written, and the name."""
    os.sync()
    _to_disk(folder)


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """Be the only one who takes a backup into this folder. Raises BackupError."""
    with (into / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupError("另一个备份正在做，这一次不做了。") from None
        yield
