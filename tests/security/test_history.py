"""No secret was ever written into the repository: not in a file of today, and not in one of any commit before."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from settings import SANDBOX_WECHAT
from tests.services import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 1_000_000
# What is a secret by its form alone.
FORMS = {
    "private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "AWS": re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "Aliyun": re.compile(rb"\bLTAI[0-9A-Za-z]{16,20}\b"),
    "Tencent Cloud": re.compile(rb"\bAKID[0-9A-Za-z]{32}\b"),
    "GitHub": re.compile(rb"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,})"),
    "Slack": re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    "Google": re.compile(rb"\bAIza[0-9A-Za-z_-]{35}\b"),
}
# What is one when it is random, and stands behind such a name.
NAMED = re.compile(
    rb"(?i)\b\w*(?:secret|passw(?:or)?d|token|api_?key|aes_?key|data_?key)\w*[\"']?\s*(?:=|:|=>)\s*[\"']?"
    rb"([0-9A-Za-z+/_=-]{24,})"
)
AES_KEY = re.compile(rb"(?<![0-9A-Za-z+/_=-])([0-9A-Za-z]{43})(?![0-9A-Za-z+/_=-])")
ADDRESS = re.compile(
    rb"\b(?:postgres(?:ql)?(?:\+\w+)?|redis|rediss|mysql|https?)://[^\s:/@\"'{}]*:([^\s/@\"'{}]{8,})@[^\s\"']+"
)
FILES = re.compile(r"(?:^|/)(?:\.env|id_(?:rsa|ed25519|ecdsa)|secret\.key|.*\.(?:pem|key|p12|pfx|jks|sqlite3))$")
# Bits for each character: 32 hexadecimal digits that were drawn have some 3.6, `aaaa…` has none.
RANDOM_BITS = 3.2
# Public, and refused by production (`settings.py`). And the example of RFC 6238.
SAMPLES = {*(value.encode() for value in SANDBOX_WECHAT.values()), b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}


def git(*words: str, given: bytes | None = None) -> bytes:
    """Return what a command of git says."""
    return subprocess.run(["git", *words], cwd=ROOT, input=given, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def history() -> list[tuple[str, str]]:
    """Give the id and path of everything that any commit of any branch has."""
    try:
        listed = git("rev-list", "--all", "--objects").decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no clone of the repository: there is no history to look through")
    pairs = [line.partition(" ")[::2] for line in listed.splitlines()]
    return [(name, path) for name, path in pairs if path]


def texts(history: list[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every text."""
    paths = dict(history)
    said = git("cat-file", "--batch", given="\n".join(paths).encode())
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        name, kind, size = said[at:end].decode().split(" ")
        content = said[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
        if kind == "blob" and int(size) <= LARGEST and b"\0" not in content[:8000]:
            yield paths[name], content


def bits(word: bytes) -> float:
    """Return how many bits each character of a word tells (Shannon), by how often each stands in it."""
    return -sum(many / len(word) * math.log2(many / len(word)) for many in Counter(word).values())


def drawn(word: bytes) -> bool:
    """Say whether a word looks as if it was drawn at random, and is no sample of ours."""
    mixed = re.search(rb"\d", word) and re.search(rb"[A-Za-z]", word)
    return bool(mixed) and bits(word) > RANDOM_BITS and not in_a_row(word) and word not in SAMPLES


def in_a_row(word: bytes) -> bool:
    """Say whether most characters just follow one another, as in `abcdef0123`."""
    steps = [later - earlier for earlier, later in itertools.pairwise(word)]
    return sum(step == 1 for step in steps) > len(steps) / 2


def found_in(content: bytes) -> list[str]:
    """Return which kinds of secrets a text has."""
    found = [kind for kind, form in FORMS.items() if form.search(content)]
    found += ["behind a name" for word in NAMED.findall(content) if drawn(word)]
    found += ["AES key" for word in AES_KEY.findall(content) if drawn(word)]
    return found + ["in an address" for word in ADDRESS.findall(content) if drawn(word)]


def test_no_secret_was_ever_committed(history: list[tuple[str, str]]) -> None:
    """No commit of any branch has a key, a token or a password, but the sandbox's, which are public."""
    looked = [(path, found_in(content)) for path, content in texts(history)]
    assert len(looked) > 300
    assert sorted({(path, kind) for path, kinds in looked for kind in kinds}) == []


def test_no_file_of_secrets_was_ever_committed(history: list[tuple[str, str]]) -> None:
    """No commit has a file that by its name holds secrets or people's data: environments, keys, databases."""
    assert [path for _, path in history if FILES.search(path)] == []


@pytest.mark.parametrize(
    "planted",
    [
        b"-----BEGIN " + b"RSA PRIVATE KEY-----",
        b"id = " + b"AKIA" + b"Q3EGRPW5TJX7ZB2M",
        b"WECHAT_SECRET=" + b"9f1c0b7e4d2a8835" + b"c6e1f0a97b3d5c24",
        b'"access_token": "' + b"46_kQ9zX2vLr" + b"T8mWc4Jb7Yp0HsNd" + b'"',
        b"key: " + b"Zk4Vt9QmX2bLs7RfYc1" + b"Hd8JwNg5PaTe3UoKi6Sx0y" + b"Bq",
        b"DATABASE_URL=postgresql://city:" + b"r7Kp2Vq9Zt4Xw1Lm" + b"@db/city",
    ],
)
def test_what_is_planted_is_found(planted: bytes) -> None:
    """The look itself finds each kind of secret."""
    assert found_in(b"some words\n" + planted + b"\nmore words\n")
