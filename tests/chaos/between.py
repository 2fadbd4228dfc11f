"""A network that misbehaves as told: it stands between the product and one of its parts."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

CHUNK = 65536


class Between:
    """Listens on TCP and passes on to a unix socket. `mode`: pass, refuse, hang (takes and never answers) or slow."""

    def __init__(self, path: str, delay: float = 0.1) -> None:
        self._path, self._delay = path, delay
        self._mode = "pass"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def set(self, mode: str) -> None:
        """Behave so from now on; connections that are open are cut."""
        was, self._mode = self._mode, mode
        if mode == "refuse":
            _close(self._listener)
        elif was == "refuse":
            self._listener = self._listen(self.port)
        if mode != "hang":
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            cut, self._open = self._open, set()
        for each in cut:
            _close(each)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                try:
                    far.connect(self._path)
                except OSError:
                    _close(near)
                    continue
                with self._lock:
                    self._open |= {near, far}
                for here, there in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(here, there), daemon=True).start()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(CHUNK):
                if self._mode == "slow":
                    time.sleep(self._delay)
                while self._mode == "hang":
                    time.sleep(0.02)
                there.sendall(data)
        _close(here)
        _close(there)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mode = "refuse"
        _close(self._listener)
        self._cut()


def _close(each: socket.socket) -> None:
    """Close a socket, also under those who wait for it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
