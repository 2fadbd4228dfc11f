"""What the product is made of: locked with hashes, listed whole, and looked up honestly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.security import supply
from tests.security.supply import HASH, LOCKS, NPM_LOCK, ROOT, CannotLookError
from tests.services import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, Any]
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
# How the answers of the service look for a version of which nothing is known, and for the one that all know.
CLEAN: dict[str, Any] = {}
BAD = {"vulns": [{"id": "GHSA-462w-v97r-4m45", "modified": "2025-01-14T11:00:00Z"}]}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_with_its_hashes(lock: str) -> None:
    """Each line of a lock file pins one version and its hashes; no line names a registry, an address or an option."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = text.splitlines()
    pinned = [line for line in lines if not line.startswith(" ")]
    assert len(pinned) == len(supply.PINNED.findall(text))
    assert all(HASH.search(line) for line in lines if line.startswith(" "))
    assert all(part.hashes for part in supply.parts())
    assert "://" not in text
    assert "--index" not in text
    assert "--extra" not in text


def test_the_front_end_is_locked_with_its_hashes() -> None:
    """The lock file of npm has a strong digest for each package, and names no registry."""
    packages = json.loads((ROOT / NPM_LOCK).read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 5
    for place, about in packages.items():
        assert not place or about["integrity"].startswith("sha512-")
        assert "resolved" not in about


def test_nothing_is_installed_without_hashes() -> None:
    """Wherever the project installs packages, it asks for their hashes, and runs no package's scripts."""
    for name in ("Makefile", "deploy/Containerfile", ".ci/run"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if re.search(r"\bpip install\b", line):
                assert "--require-hashes" in line, (name, line)
            if re.search(r"\bnpm ci\b|\"ci\"", line):
                assert "--ignore-scripts" in line, (name, line)


def test_what_is_wanted_is_locked() -> None:
    """Everything that pyproject.toml asks for is locked, and tests run with the versions that production has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {found[0].lower() for each in project["dependencies"] if (found := NAME.match(each))}
    production = {part.name for part in supply.parts() if "deploy/requirements.lock" in part.locks}
    assert wanted <= production
    for part in supply.parts():
        if "deploy/requirements.lock" in part.locks:
            assert "deploy/requirements-dev.lock" in part.locks, part.purl


def test_the_bill_is_whole() -> None:
    """Every locked package stands in the bill of materials once, with version and all hashes, twice the same."""
    made = supply.bom()
    assert made == supply.bom()
    listed = {each["purl"]: each for each in made["components"]}
    assert len(listed) == len(made["components"])
    for lock in LOCKS:
        text = (ROOT / lock).read_text(encoding="utf-8")
        for name, version in supply.PINNED.findall(text):
            component = listed[f"pkg:pypi/{name}@{version}"]
            assert lock in {each["value"] for each in component["properties"]}
        digests = {hash_["content"] for each in listed.values() for hash_ in each["hashes"]}
        assert set(HASH.findall(text)) <= digests
    for place, about in json.loads((ROOT / NPM_LOCK).read_text(encoding="utf-8"))["packages"].items():
        name = place.removeprefix("node_modules/").replace("@", "%40")
        assert not place or f"pkg:npm/{name}@{about['version']}" in listed
    assert listed[f"pkg:npm/axe-core@{_version(listed, 'axe-core')}"]["scope"] == "excluded"
    assert all(each["hashes"] for each in listed.values())


def _version(listed: dict[str, Any], name: str) -> str:
    [version] = [each["version"] for each in listed.values() if each["name"] == name]
    return str(version)


def test_the_bill_is_cyclonedx() -> None:
    """Where the schema of CycloneDX 1.6 is installed, the bill keeps to it, strictly."""
    schema = pytest.importorskip("cyclonedx.schema", reason="cyclonedx-python-lib[json-validation] is not installed")
    validation = pytest.importorskip("cyclonedx.validation.json")
    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(supply.bom())) is None


@pytest.fixture
def osv() -> Iterator[Callable[[Callable[[list[Any]], Answer]], str]]:
    """Give a way to let a server stand in for OSV: called with how it answers, gives its address."""
    servers: list[HTTPServer] = []

    def serve(answer: Callable[[list[Any]], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                status, said = answer(json.loads(self.rfile.read(length))["queries"])
                body = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def known_bad(query: dict[str, Any]) -> bool:
    """Say whether this is the version that everybody knows to be vulnerable."""
    return (query["package"]["name"], query["version"]) == supply.KNOWN_BAD[1:]


def test_nothing_known_is_said_after_looking(osv: Callable[..., str]) -> None:
    """A service that knows the known one and nothing of ours is believed; it was asked about every package."""
    asked: list[Any] = []

    def answer(queries: list[Any]) -> Answer:
        asked.extend(queries)
        return 200, {"results": [BAD if known_bad(query) else CLEAN for query in queries]}

    assert supply.audit(osv(answer)) == {}
    assert len(asked) == len(supply.parts()) + 1
    assert {"package": {"ecosystem": "npm", "name": "@picocss/pico"}, "version": "2.1.1"} in asked


def test_what_is_known_is_named_page_by_page(osv: Callable[..., str]) -> None:
    """A vulnerability of one of ours is named, those of further pages too."""

    def answer(queries: list[Any]) -> Answer:
        return 200, {"results": [page(query) for query in queries]}

    def page(query: dict[str, Any]) -> dict[str, Any]:
        if query.get("page_token") == "2":
            return {"vulns": [{"id": "CVE-2"}]}
        if query["package"]["name"] == "flask":
            return {"vulns": [{"id": "CVE-1"}], "next_page_token": "2"}
        return BAD if known_bad(query) else CLEAN

    [(purl, ids)] = supply.audit(osv(answer)).items()
    assert purl.startswith("pkg:pypi/flask@")
    assert ids == ["CVE-1", "CVE-2"]


@pytest.mark.parametrize(
    "said",
    [
        (200, lambda queries: {"results": [CLEAN for _ in queries]}),  # has not looked
        (200, lambda queries: {"results": [BAD for _ in queries[1:]]}),  # one is missing
        (200, lambda _: {}),
        (200, lambda _: b"<html>welcome to this network</html>"),
        (200, lambda queries: {"results": ["ok" for _ in queries]}),
        (302, lambda queries: {"results": [BAD for _ in queries]}),
        (503, lambda queries: {"results": [BAD for _ in queries]}),
        (200, lambda queries: {"results": [BAD | {"next_page_token": "again"} for _ in queries]}),
    ],
)
def test_who_has_not_looked_is_not_believed(
    osv: Callable[..., str], said: tuple[int, Callable[[list[Any]], Any]]
) -> None:
    """Whatever a service says that did not look everything up, the outcome is never that nothing is known."""
    status, body = said
    with pytest.raises(CannotLookError):
        supply.audit(osv(lambda queries: (status, body(queries))))


def test_without_a_network_it_fails_loudly() -> None:
    """Where nobody answers, the command says that it has not looked, and ends with 2."""
    command = [sys.executable, "-m", "tests.security.supply", "audit", "--service", f"http://127.0.0.1:{free_port()}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("NOT LOOKED")
    assert done.stdout == ""
