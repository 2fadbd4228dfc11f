"""The proxy as it is shipped, in front of a web process that says what it was asked: what passes, what does not."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.services import free_port
from tests.unit.test_deploy import nginx_conf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 10
LINK = "WzEsImFiY2RlZiIsIiJd.Z0VqCg.q3x"


@dataclass
class Proxy:
    """nginx with its two ports, its folder, and what came through to the web process."""

    folder: Path
    tls: int
    plain: int
    came: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """Ask over TLS; the certificate is the test's own."""
        context = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        context.check_hostname = False
        return _answer(HTTPSConnection("127.0.0.1", self.tls, timeout=SECONDS, context=context), method, path, headers)

    def ask_plainly(self, path: str) -> HTTPResponse:
        """Ask without TLS."""
        return _answer(HTTPConnection("127.0.0.1", self.plain, timeout=SECONDS), "GET", path, None)

    def logged(self) -> str:
        """Return all that was logged."""
        return "".join(path.read_text(encoding="utf-8") for path in self.folder.glob("*.log"))


def _answer(connection: HTTPConnection, method: str, path: str, headers: dict[str, str] | None) -> HTTPResponse:
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Start nginx with the shipped configuration before a web process that answers everything."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("no nginx")
    found = Proxy(tmp_path_factory.mktemp("proxy"), free_port(), free_port())

    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.came.append({"path": self.path, "forwarded": self.headers["X-Forwarded-For"]})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    ports = (f"127.0.0.1:{found.tls}", f"127.0.0.1:{found.plain}", [f"127.0.0.1:{web.server_port}"])
    conf = nginx_conf(found.folder, *ports)
    nginx = subprocess.Popen(["nginx", "-p", str(found.folder), "-c", str(conf), "-g", "daemon off;"])
    try:
        _wait(found.tls)
        yield found
    finally:
        nginx.terminate()
        nginx.wait(SECONDS)
        web.shutdown()
        web.server_close()


def _wait(port: int) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("nginx did not come up")


@pytest.mark.parametrize(
    "path", ["/metrics", "/readyz", "/sandbox", "/sandbox/api/x", "/.git/config", "/.env", "/static/.hidden"]
)
def test_what_the_outside_may_not_see(proxy: Proxy, path: str) -> None:
    """What is for machines inside, the sandbox and hidden files are not there, and reach no web process."""
    assert proxy.ask("GET", path).status == 404
    assert path not in [each["path"] for each in proxy.came]


def test_what_passes(proxy: Proxy) -> None:
    """Pages and security.txt pass; every answer says that TLS is to be kept, and none which nginx it was."""
    for path, status in (("/console/home", 200), ("/.well-known/security.txt", 200), ("/.env", 404)):
        answer = proxy.ask("GET", path)
        assert answer.status == status
        assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]
        assert answer.headers["Server"] == "nginx"
    assert proxy.ask("TRACE", "/").status == 405


def test_people_are_led_to_tls_and_machines_refused(proxy: Proxy) -> None:
    """Without TLS a page leads on to the same one with it; the webhook and the API are refused."""
    led = proxy.ask_plainly("/console/login?next=/console/")
    assert (led.status, led.headers["Location"]) == (301, "https://127.0.0.1/console/login?next=/console/")
    assert proxy.ask_plainly("/wechat?signature=x").status == 403
    assert proxy.ask_plainly("/api/v1/cases").status == 403


def test_nobody_chooses_their_address(proxy: Proxy) -> None:
    """What a client claims to come from is thrown away: the web process hears what the proxy saw, alone."""
    proxy.ask("GET", "/console/whoami", {"X-Forwarded-For": "203.0.113.9, 10.0.0.1"})
    assert [each["forwarded"] for each in proxy.came if each["path"] == "/console/whoami"] == ["127.0.0.1"]


def test_the_log_lets_nobody_in(proxy: Proxy) -> None:
    """The log has neither the links of residents nor any query; each line is JSON."""
    proxy.ask("GET", f"/h5/s/{LINK}")
    proxy.ask("GET", "/console/find?q=%E7%8E%8B%E9%98%BF%E5%A7%A8&code=secret-code")
    until = time.monotonic() + SECONDS
    while "/console/find" not in proxy.logged() and time.monotonic() < until:
        time.sleep(0.05)
    said = proxy.logged()
    assert "/h5/s/-" in said
    for secret in (LINK, "secret-code", "%E7%8E%8B", "王阿姨"):
        assert secret not in said
    assert all(json.loads(line)["request"] for line in said.splitlines())


@pytest.mark.parametrize("path", ["/console/login", "/console/login/code"])
def test_guesses_are_slowed_and_looks_are_not(proxy: Proxy, path: str) -> None:
    """Who posts many passwords or codes at once is told to slow down; a whole office may open the page."""
    assert {proxy.ask("GET", path).status for _ in range(40)} == {200}
    tried = [proxy.ask("POST", path).status for _ in range(40)]
    assert tried.count(429) >= 20


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(proxy: Proxy, version: ssl.TLSVersion) -> None:
    """TLS below 1.2 is not spoken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = version, version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", proxy.tls), timeout=SECONDS) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw)


def test_new_tls_has_forward_secrecy(proxy: Proxy) -> None:
    """TLS 1.2 agrees on an ephemeral key and authenticated encryption, and 1.3 is there."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(proxy.folder / "fullchain.pem"))
        context.check_hostname = False
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", proxy.tls), timeout=SECONDS) as raw,
            context.wrap_socket(raw) as tls,
        ):
            agreed = tls.cipher()
        assert agreed
        assert agreed[0].startswith(("ECDHE-", "TLS_"))
        assert "GCM" in agreed[0] or "POLY1305" in agreed[0]
