"""`python -m tests.security.fuzz --runs N`: atheris mutates what WeChat's door reads, led by the code that it reaches.

`parse_fields`, `Cipher.decrypt` and `Gate.admit` may refuse, and do nothing else: any other exception ends the run, and
the bytes that raised it lie in the file that libFuzzer names. What is admitted is rendered as a reply and read again.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import inspect
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree

import settings as configuration
from bot import protocol
from bot.protocol import Cipher, Gate, Refused, parse_fields, render_text, signature
from tests.security.samples import payloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLOWEST_SECONDS = 10
# What mutations put together from, besides what they find: libFuzzer's dictionary.
TOKENS = (
    *(
        "<xml>",
        "</xml>",
        "<![CDATA[",
        "]]>",
        "&#0;",
        "&#xD800;",
        "&amp;",
        "<a/><a/>",
        "<?xml?>",
        "<!DOCTYPE x>",
        "²",
        "９",
        "\ufffe",
    ),
    *("<CreateTime>", "</CreateTime>", "<CreateTime>²</CreateTime>", "<MsgId>", "<Encrypt>", "<Event>", "9" * 60, "-1"),
)
# The first byte of an input says to whom it goes.
Target = Any


class Door:
    """Both modes' gates, and what opens an envelope."""

    def __init__(self) -> None:
        settings = configuration.load({})
        self.token = settings.wechat_token
        self.gate, self.cipher = Gate(settings), Cipher(settings.wechat_appid, settings.wechat_aes_key)
        self.targets: tuple[Callable[[bytes], None], ...] = (
            self.parse,
            self.decrypt,
            self.sealed,
            self.admit,
            self.any,
        )

    def one(self, data: bytes) -> None:
        """Give an input to the target that it names."""
        if data:
            with suppress(Refused):
                self.targets[data[0] % len(self.targets)](data[1:])

    def parse(self, data: bytes) -> None:
        """Read a body."""
        parse_fields(data.decode("utf-8", "replace"))

    def decrypt(self, data: bytes) -> None:
        """Open an envelope that is none of ours."""
        self.cipher.decrypt(base64.b64encode(data).decode())
        self.cipher.decrypt(data.decode("latin-1"))

    def sealed(self, data: bytes) -> None:
        """Take what is in a well-signed envelope."""
        envelope = self.cipher.encrypt(data.decode("utf-8", "replace"))
        body = f"<xml><Encrypt>{envelope}</Encrypt></xml>".encode()
        self._take(self._query(envelope) | {"encrypt_type": "aes"}, body)

    def admit(self, data: bytes) -> None:
        """Take a well-signed body."""
        self._take(self._query(), data)

    def any(self, data: bytes) -> None:
        """Take a request whose query is made up too; nobody gets in with that."""
        parts = data.decode("utf-8", "replace").split("|", 5)
        names = ("timestamp", "nonce", "signature", "msg_signature", "encrypt_type")
        query = dict(zip(names, parts, strict=False))
        query["timestamp"] = query["timestamp"] if data[:1] == b"!" else str(int(time.time()))
        self.gate.admit(query, parts[-1].encode("utf-8", "replace"))
        raise AssertionError("somebody got in without the secret")

    def _query(self, *more: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        signed = signature(self.token, stamp, "n", *more)
        return {"timestamp": stamp, "nonce": "n", "msg_signature" if more else "signature": signed}

    def _take(self, query: dict[str, str], body: bytes) -> None:
        message = self.gate.admit(query, body)
        if message is not None:
            assert message.key
            parse_fields(render_text(message, message.text("Content") or "好"))


def corpus(folder: Path) -> None:
    """Write what to begin with: real payloads, for each target."""
    for number, body in enumerate(payloads()):
        for target in (0, 2, 3):
            (folder / f"{number}-{target}").write_bytes(bytes([target]) + body)
    (folder / "envelope").write_bytes(b"\x01" + base64.b64decode(Door().cipher.encrypt("<xml><a>1</a></xml>")))
    (folder / "moment").write_bytes(
        b"\x03<xml><FromUserName>o</FromUserName><MsgType>text</MsgType><CreateTime>1</CreateTime></xml>"
    )
    (folder / "query").write_bytes(b"\x041700000000|nonce|0000|0000|aes|<xml><Encrypt>x</Encrypt></xml>")


def main(arguments: list[str]) -> int:
    """Fuzz for so many runs, with coverage where atheris is there; say so where it is not. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    wanted = parser.parse_args(arguments)
    try:
        atheris: Target = importlib.import_module("atheris")
    except ImportError:
        sys.stdout.write("atheris is not installed: its wheels are for Linux on x86-64\n")
        return 0
    for function in functions():
        atheris.instrument_func(function)
    return _run(atheris, wanted.runs)


def functions() -> Iterator[Callable[..., object]]:
    """Yield the functions whose branches lead the mutations, so that these find their way through them."""
    for module in (protocol, ElementTree, sys.modules[__name__]):
        for owner in (module, *(each for each in vars(module).values() if inspect.isclass(each))):
            found = (each.__func__ if isinstance(each, staticmethod) else each for each in vars(owner).values())
            yield from (each for each in found if inspect.isfunction(each) and each.__module__ == module.__name__)


def quoted(token: str) -> str:
    """Return a token as libFuzzer's dictionary holds it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in token.encode()) + '"'


def _run(atheris: Target, runs: int) -> int:
    door = Door()
    with tempfile.TemporaryDirectory(prefix="wgt-fuzz-") as place:
        folder, words = Path(place, "corpus"), Path(place, "words")
        folder.mkdir()
        corpus(folder)
        words.write_text("\n".join(map(quoted, TOKENS)))
        begun = time.monotonic()
        options = [
            f"-runs={runs}",
            f"-timeout={SLOWEST_SECONDS}",
            "-max_len=70000",
            f"-artifact_prefix={os.sep}tmp{os.sep}",
        ]
        atheris.Setup(["fuzz", f"-dict={words}", *options, str(folder)], door.one)
        atheris.Fuzz()
        sys.stdout.write(f"{runs} runs in {time.monotonic() - begun:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
