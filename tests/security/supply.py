"""What the product is made of, as the lock files have it: a bill of materials, and a look for known vulnerabilities.

    python -m tests.security.supply sbom > sbom.json
    python -m tests.security.supply audit

`sbom` writes CycloneDX 1.6 and is the same for the same lock files. `audit` asks OSV (https://osv.dev) about every
locked version: 0, nothing is known of any; 1, something is; 2, it could not look. What is locked is told there.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
# In this order: who stands in an earlier file is needed more.
LOCKS = {
    "deploy/requirements.lock": "required",
    "deploy/requirements-extras.lock": "optional",
    "deploy/requirements-node.lock": "excluded",
    "deploy/requirements-dev.lock": "excluded",
}
NPM_LOCK = "web/package-lock.json"
PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+?)(?: *;[^\\]*)? \\$", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
ALGORITHMS = {"sha512": "SHA-512", "sha384": "SHA-384", "sha256": "SHA-256"}
SERVICE = "https://api.osv.dev"
# One version that everybody knows to be vulnerable: a service that finds nothing there has not looked.
KNOWN_BAD = ("PyPI", "jinja2", "2.4.1")
ROUNDS = 20
SECONDS = 30
OK = 200


class CannotLookError(Exception):
    """The service did not answer, or not as one that has looked; the message says why."""


@dataclass
class Part:
    """One locked version of one package: where it comes from, how much it is needed, what its files hash to."""

    ecosystem: str
    name: str
    version: str
    scope: str
    hashes: list[tuple[str, str]] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)
    licence: str = ""

    @property
    def purl(self) -> str:
        """The package's address in the form that all tools share."""
        kind = {"PyPI": "pypi", "npm": "npm"}[self.ecosystem]
        return f"pkg:{kind}/{self.name.replace('@', '%40')}@{self.version.replace('+', '%2B')}"


def parts(root: Path = ROOT) -> list[Part]:
    """Return every locked version, each once, in the order of ecosystem and name."""
    found: dict[str, Part] = {}
    for lock, scope in LOCKS.items():
        for part in _python((root / lock).read_text(encoding="utf-8"), scope):
            known = found.setdefault(part.purl, part)
            known.locks.append(lock)
            known.hashes = sorted({*known.hashes, *part.hashes})
    for part in _front((root / NPM_LOCK).read_text(encoding="utf-8")):
        found[part.purl] = part
    return sorted(found.values(), key=lambda part: (part.ecosystem, part.name, part.version))


def _python(text: str, scope: str) -> Iterator[Part]:
    """Yield what a requirements file pins."""
    starts = [*PINNED.finditer(text)]
    for at, match in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(text)
        hashes = [("SHA-256", each) for each in HASH.findall(text[match.end() : end])]
        yield Part("PyPI", match[1], match[2], scope, hashes)


def _front(text: str) -> Iterator[Part]:
    """Yield what npm's lock file pins."""
    for place, about in json.loads(text)["packages"].items():
        if not place:  # ourselves
            continue
        kind, _, digest = about["integrity"].partition("-")
        hashes = [(ALGORITHMS[kind], base64.b64decode(digest).hex())]
        scope = "excluded" if about.get("dev") else "required"
        name = place.rpartition("node_modules/")[2]
        yield Part("npm", name, about["version"], scope, hashes, [NPM_LOCK], about.get("license", ""))


def bom(root: Path = ROOT) -> dict[str, Any]:
    """Return the bill of materials. Nothing in it tells of the machine or the moment that made it."""
    about = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = parts(root)
    ourselves = f"pkg:generic/{about['name']}@{about['version']}"
    mark = "\n".join(f"{part.purl} {part.hashes}" for part in found)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, mark)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ourselves,
                "name": about["name"],
                "version": about["version"],
                "description": about["description"],
            }
        },
        "components": [_component(part) for part in found],
    }


def _component(part: Part) -> dict[str, Any]:
    """Return a part as the bill has it. A wheel for each platform has a hash of its own: all are there."""
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "scope": part.scope,
        "hashes": [{"alg": algorithm, "content": content} for algorithm, content in part.hashes],
        "purl": part.purl,
        "properties": [{"name": "wanggetong:lock", "value": lock} for lock in part.locks],
    }
    if part.licence:
        component["licenses"] = [{"expression": part.licence}]
    return component


def audit(service: str = SERVICE, root: Path = ROOT) -> dict[str, list[str]]:
    """Return what is known of the locked versions: ids of vulnerabilities by package, nothing for the others.

    Raises CannotLookError unless the service answered for every one of them, and knew the one that all know.
    """
    found = parts(root)
    asked = [KNOWN_BAD, *((part.ecosystem, part.name, part.version) for part in found)]
    queries = [
        {"package": {"ecosystem": ecosystem, "name": name}, "version": version} for ecosystem, name, version in asked
    ]
    sample, *ids = _ask(service, queries)
    if not sample:
        name = f"{KNOWN_BAD[1]} {KNOWN_BAD[2]}"
        raise CannotLookError(f"{service} knows of no vulnerability of {name}: it has not looked")
    return {part.purl: known for part, known in zip(found, ids, strict=True) if known}


def _ask(service: str, queries: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Return the ids for each query, all pages of each."""
    ids: list[list[str]] = [[] for _ in queries]
    open_pages = dict.fromkeys(range(len(queries)), "")
    for _ in range(ROUNDS):
        asked = [queries[at] | ({"page_token": page} if page else {}) for at, page in open_pages.items()]
        results = _post(f"{service}/v1/querybatch", asked)
        further = {}
        for at, result in zip(open_pages, results, strict=True):
            ids[at] += [str(each["id"]) for each in result.get("vulns") or []]
            if result.get("next_page_token"):
                further[at] = str(result["next_page_token"])
        open_pages = further
        if not open_pages:
            return ids
    raise CannotLookError(f"{service} has no last page")


def _post(address: str, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return as many results as were asked for, or raise CannotLookError."""
    try:
        answer = requests.post(address, json={"queries": asked}, timeout=SECONDS, allow_redirects=False)
        if answer.status_code != OK:
            raise CannotLookError(f"{address}: status {answer.status_code}")
        results = answer.json()["results"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise CannotLookError(f"{address}: {type(error).__name__}") from None
    if not isinstance(results, list) or len(results) != len(asked):
        raise CannotLookError(f"{address}: not one result for each question")
    if not all(isinstance(each, dict) for each in results):
        raise CannotLookError(f"{address}: results that are none")
    return results


@click.group()
def main() -> None:
    """Say what the product is made of."""


@main.command("sbom")
def sbom_command() -> None:
    """Write the bill of materials (CycloneDX 1.6)."""
    click.echo(json.dumps(bom(), ensure_ascii=False, indent=1))


@main.command("audit")
@click.option("--service", default=SERVICE, show_default=True, help="who is asked, or a mirror within")
def audit_command(service: str) -> None:
    """Ask what is known of every locked version."""
    try:
        known = audit(service.rstrip("/"))
    except CannotLookError as error:
        click.echo(f"NOT LOOKED, so nothing is known: {error}", err=True)
        sys.exit(2)
    for purl, ids in known.items():
        click.echo(f"{purl}: {', '.join(ids)}")
    if known:
        click.echo(f"{len(known)} of {len(parts())} packages have known vulnerabilities", err=True)
        sys.exit(1)
    click.echo(f"{len(parts())} packages looked up at {service}: nothing is known")


if __name__ == "__main__":
    main()
