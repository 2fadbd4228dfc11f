"""Files: checked by content, made plain and playable, kept under our own names."""

from __future__ import annotations

import io
import logging
import uuid
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import av
from av.error import FFmpegError
from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from av.container import InputContainer

log = logging.getLogger(__name__)

PHOTO_SIDE, THUMBNAIL_SIDE = 2560, 480
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
PIXELS = 80_000_000
FRAME_PIXELS = 9_000_000  # a frame of 4K, and a little
VOICE_SECONDS = 600
THUMBNAIL = ".thumb.jpg"
# A poster is looked for among so many frames; below this mean of 255 one is dark.
POSTER_FRAMES, DARK = 45, 24
MP4_MARK = b"ftyp"
# Playlists, session descriptions and the like name other files and addresses: they are neither voices nor videos.
PLAIN = {
    "format_whitelist": "aac,amr,amrnb,amrwb,flac,matroska,mov,mp3,mp4,ogg,wav,webm",
    "protocol_whitelist": "none",
}


class BadMedia(Exception):  # noqa: N818 - the house's word for a refusal
    """The content is not what it says it is; the message is for staff."""


@dataclass(frozen=True)
class Stored:
    """A file in the store; `seconds` for voices and videos."""

    file: str
    mime: str
    seconds: float | None = None


class MediaStore:
    """A folder of files whose names we choose; nothing of the sender's survives in them."""

    def __init__(self, media_url: str) -> None:
        self._folder = Path(urlsplit(media_url).path)

    def keep(self, kind: str, content: bytes) -> Stored:
        """Check and keep a file of this kind (photo, voice, video). Raises BadMedia."""
        return KEEPERS[kind](self, content)

    def path(self, file: str) -> Path:
        """Return where a kept file lies."""
        return self._folder / file.lstrip(".")[:2] / file

    def files(self, before: datetime) -> Iterator[str]:
        """Yield the names of the files, drafts too, that were written before then; not of what is made of others."""
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):  # somebody was quicker
                made = path.name.endswith(THUMBNAIL) and not path.name.startswith(".")
                if not made and path.stat().st_mtime < before.timestamp():
                    yield path.name

    def read(self, file: str) -> bytes:
        """Return a kept file's content."""
        return self.path(file).read_bytes()

    def remove(self, file: str) -> None:
        """Delete a kept file and what was made of it."""
        # What is known by the other's name goes first: whoever dies between leaves nothing that nobody finds.
        for name in reversed(names_of(file)):
            self.path(name).unlink(missing_ok=True)

    def fault(self) -> str:
        """Return why nothing can be kept here, or an empty string."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / f".probe-{uuid.uuid4().hex}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            return str(error.strerror)
        return ""

    def photo(self, content: bytes) -> Stored:
        """Keep a photo as an upright JPEG without EXIF, and a thumbnail beside it."""
        try:
            with Image.open(io.BytesIO(content), formats=PHOTO_FORMATS) as image:
                if image.width * image.height > PIXELS:
                    raise BadMedia("照片的像素太多")
                upright = ImageOps.exif_transpose(image).convert("RGB")
                upright.info.clear()  # comments and profiles would be written into the new file as they came
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise BadMedia("不是能看的照片") from error
        name = uuid.uuid4().hex
        upright.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
        self._write(f"{name}.jpg", _jpeg(upright))
        upright.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        self._write(name + THUMBNAIL, _jpeg(upright))
        return Stored(f"{name}.jpg", "image/jpeg")

    def voice(self, content: bytes) -> Stored:
        """Keep a voice as MP3, which every browser plays."""
        try:
            encoded, seconds = _to_mp3(content)
        except (FFmpegError, ValueError, IndexError) as error:
            raise BadMedia("不是能听的语音") from error
        name = f"{uuid.uuid4().hex}.mp3"
        self._write(name, encoded)
        return Stored(name, "audio/mpeg", seconds)

    def video(self, content: bytes) -> Stored:
        """Keep an MP4 as it is, once it has shown to hold a video stream, and a frame of it as its poster."""
        try:
            with av.open(io.BytesIO(content), "r", options=PLAIN) as container:
                if content[4:8] != MP4_MARK or not container.streams.video:
                    raise BadMedia("不是能播放的视频")
                shape = container.streams.video[0].codec_context
                if shape.width * shape.height > FRAME_PIXELS:
                    raise BadMedia("视频的像素太多")
                poster = _poster(container)
                seconds = container.duration / 1_000_000 if container.duration else None
        except (FFmpegError, ValueError) as error:
            raise BadMedia("不是能播放的视频") from error
        name = uuid.uuid4().hex
        self._write(f"{name}.mp4", content)
        if poster is not None:
            poster.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            self._write(name + THUMBNAIL, _jpeg(poster))
        name += ".mp4"
        return Stored(name, "video/mp4", seconds)

    def _write(self, file: str, content: bytes) -> None:
        path = self.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        draft.write_bytes(content)
        draft.replace(path)


KEEPERS: dict[str, Callable[[MediaStore, bytes], Stored]] = {
    "photo": MediaStore.photo,
    "voice": MediaStore.voice,
    "video": MediaStore.video,
}


def names_of(file: str) -> tuple[str, str]:
    """Return the names of a kept file and of what was made of it."""
    return file, Path(file).stem + THUMBNAIL


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85, optimize=True)
    return buffer.getvalue()


def _poster(container: InputContainer) -> Image.Image | None:
    """Return the first frame of a video that is not dark, or the last one looked at; None if none can be read."""
    found = None
    for frame in islice(container.decode(video=0), POSTER_FRAMES):
        found = Image.fromarray(frame.to_ndarray(format="rgb24"))
        if ImageStat.Stat(found.convert("L")).mean[0] > DARK:
            break
    return found


def _to_mp3(content: bytes) -> tuple[bytes, float]:
    """Return a sound file's first audio stream as mono MP3, and its length in seconds."""
    buffer = io.BytesIO()
    samples = 0
    with av.open(io.BytesIO(content), "r", options=PLAIN) as source, av.open(buffer, "w", format="mp3") as target:
        stream = target.add_stream("libmp3lame", rate=16000)
        stream.layout = "mono"
        resampler = av.AudioResampler(format="s16p", layout="mono", rate=16000)
        for frame in source.decode(source.streams.audio[0]):
            for part in resampler.resample(frame):
                samples += part.samples
                if samples > VOICE_SECONDS * 16000:
                    raise ValueError("the voice is too long")
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return buffer.getvalue(), round(samples / 16000, 1)
