from datetime import UTC, datetime

import pytest
from flask import Flask

from cases import accounts, passwords, sessions, totp
from cases.passwords import COMMON, DIGITS, KEYS, OWN, REPEATED, Owner
from cases.vault import Vault
from web.console.login import inside, origin

WANG = Owner("wang01", "王建国", "13852094617", "翠湖社区")
LONG = f"密码至少 {passwords.SHORTEST} 位"
# RFC 6238, appendix B, SHA-1: the secret in base 32, moments, and the last six digits of the codes.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = (
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148 MicroMessenger/8.0.50"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", LONG),
        ("a" * 9, LONG),
        ("好" * 9, LONG),
        ("a-b c" * 26, "最多 128 位"),
        ("1qaz2wsx3edc", COMMON),
        ("qwertyuiop", COMMON),
        ("Password2024!", COMMON),
        ("iloveyou1314520", COMMON),
        ("aaaaaaaaaab", REPEATED),
        ("abcdeabcde", REPEATED),
        ("5201314520", DIGITS),
        ("20261126083000", DIGITS),
        ("zaq12wsxcde3", KEYS),
        ("3edc4rfv5tgb6y", KEYS),
        ("abcdefghijkl", KEYS),
        ("jhgfdsa54321", KEYS),
        ("wanggetong", OWN),
        ("网格通网格通2026年", OWN),
        ("ｗａｎｇｇｅｔｏｎｇ1", OWN),
        ("wang01-2026!", OWN),
        ("WangJianGuo88", OWN),
        ("jianguowang1", OWN),
        ("a13852094617", OWN),
        ("翠湖社区2026!!", OWN),
        ("cuihushequ123", OWN),
        ("a-long-password", ""),
        ("correct horse battery", ""),
        ("春天的风吹过湖边的柳", ""),
        ("wangjianguo likes tea", ""),
    ],
)
def test_what_a_password_must_be(password: str, words: str) -> None:
    """A password is refused for being short, common, a row of keys or about its owner; the refusal is one sentence."""
    said = passwords.fault(password, WANG)
    assert words in said if words else said == ""
    assert said.count("。") == (1 if words else 0)


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("a-long-password", "大写字母、数字"),
        ("correct9horse", "大写字母、符号"),
        ("correct9-horse", ""),
        ("Correct9horse", ""),
        ("春天的风 Abc 吹过湖边", ""),
    ],
)
def test_classified_wants_three_kinds(password: str, missing: str) -> None:
    """Under classified protection three of four kinds of characters have to be there, and what is missing is named."""
    said = passwords.fault(password, WANG, classified=True)
    assert said == (f"小写字母、大写字母、数字、符号里至少要有 3 种，现在还没有{missing}。" if missing else "")


def test_passwords_to_begin_with_are_good() -> None:
    """What a new account begins with is taken by the strictest rules, and no two are alike."""
    made = {accounts.start_password() for _ in range(200)}
    assert len(made) == 200
    assert not any(passwords.fault(each, WANG, classified=True) for each in made)


@pytest.mark.parametrize(("at", "code"), VECTORS)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """A phone's code is that of RFC 6238, one step early or late is taken, two steps are not."""
    moment, step = datetime.fromtimestamp(at, UTC), at // 30
    assert totp.step_of(SECRET, code, moment) == step
    assert totp.step_of(SECRET, f"{code[:3]} {code[3:]}", datetime.fromtimestamp(at + 30, UTC)) == step
    assert totp.step_of(SECRET, code, datetime.fromtimestamp(at + 60, UTC)) is None
    assert totp.step_of(SECRET, code[:5], moment) is None


def test_recovery_codes_cannot_be_tried_out() -> None:
    """Of a recovery code a salted, slow digest is kept, however it is typed; no two people share one."""
    codes, salt = totp.recovery_codes(), totp.new_salt()
    kept = totp.digest_of(salt, codes[0])
    assert totp.salt_of(kept) == salt != totp.new_salt()
    assert kept == totp.digest_of(salt, codes[0].upper().replace("-", " "))
    assert kept not in {totp.digest_of(salt, codes[1]), totp.digest_of(totp.new_salt(), codes[0])}
    assert len(kept) == 64
    assert all(totp.may_be_recovery(code) for code in codes)
    assert not totp.may_be_recovery("123456")


def test_sealed_is_sealed() -> None:
    """A sealed secret is read with the same key only, and says nothing by itself."""
    sealed = Vault("k" * 40).seal(SECRET)
    assert SECRET not in sealed
    assert Vault("k" * 40).open(sealed) == SECRET
    assert Vault("l" * 40).open(sealed) == Vault("k" * 40).open("") == ""


@pytest.mark.parametrize(
    ("browser", "words"),
    [
        (IPHONE, "iPhone 微信"),
        (WINDOWS, "Windows Chrome"),
        (f"{WINDOWS} Edg/130", "Windows Edge"),
        ("curl", "别的设备"),
    ],
)
def test_devices_in_words(browser: str, words: str) -> None:
    """A device is called what its owner calls it."""
    assert sessions.device_of(browser) == words


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("nonsense", ""),
    ],
)
def test_of_an_address_the_network_is_kept(address: str, network: str) -> None:
    """What is kept of an address says whence somebody came, and not which of the neighbours it was."""
    assert sessions.network_of(address) == network


@pytest.mark.parametrize(
    "address",
    [
        *("https://evil.example/", "//evil.example/console/", "/console", "/sandbox/", "console/", ""),
        *(
            "/console/../sandbox/",
            "/console/%2e%2e/sandbox/",
            "/console/..%2Fsandbox",
            "/console/\\evil",
            "/console/\n",
        ),
    ],
)
def test_nobody_is_sent_away(address: str) -> None:
    """Where somebody goes after logging in lies within the console."""
    assert inside(address) == ""
    assert inside("/console/cases/100014?a=../b") == "/console/cases/100014?a=../b"


def test_the_address_behind_our_proxy() -> None:
    """A proxy on this machine is believed about the address it saw; what somebody further away writes is not."""
    app, told = Flask(__name__), {"X-Forwarded-For": "10.1.1.1, 203.0.113.7"}
    with app.test_request_context(headers=told, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert origin().address == "203.0.113.7"
    with app.test_request_context(headers=told, environ_base={"REMOTE_ADDR": "198.51.100.9"}):
        assert origin().address == "198.51.100.9"
