from pathlib import Path

import pytest

import settings as configuration
from settings import SettingsError

PRODUCTION = {
    "PROFILE": "production",
    "WECHAT_TOKEN": "a-token",
    "WECHAT_APPID": "wx1234567890",
    "WECHAT_SECRET": "a-secret",
    "WECHAT_AES_KEY": "a" * 43,
    "SECRET_KEY": "0123456789abcdef" * 4,
}


def test_nothing_set_is_the_sandbox() -> None:
    """With an empty environment everything has a value, and the sandbox talks to this machine only."""
    settings = configuration.load({})
    assert settings.sandbox
    assert settings.wechat_api_base.startswith(settings.own_address)
    assert settings.database_url.startswith("sqlite:///")
    assert settings.embedded_redis


def test_all_faults_are_reported_together() -> None:
    """Three wrong settings give three lines, each with its name."""
    with pytest.raises(SettingsError) as error:
        configuration.load({"PORT": "abc", "WECHAT_MODE": "x", "WECHAT_AES_KEY": "short"})
    assert len(error.value.faults) == 3
    for name in ("PORT", "WECHAT_MODE", "WECHAT_AES_KEY"):
        assert any(name in fault for fault in error.value.faults)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://h:abc/z"),
        ("DATABASE_URL", "postgresql://u:p@ss:word@h/z"),
        ("DATABASE_URL", "mysql://h/z"),
        ("REDIS_URL", "redis://h:abc"),
        ("REDIS_URL", "redis://[h"),
        ("REDIS_URL", "redis://h?db=x"),
        ("WECHAT_API_BASE", "http://h:99999999"),
    ],
)
def test_addresses_that_cannot_be_read(name: str, value: str) -> None:
    """An address with a broken port or host is one fault with its name, without what may be a password in it."""
    with pytest.raises(SettingsError) as error:
        configuration.load({name: value})
    [fault] = error.value.faults
    assert name in fault
    assert value not in fault


def test_production_wants_its_own_secrets() -> None:
    """Production refuses missing secrets and the sandbox's public ones."""
    assert not configuration.load(PRODUCTION).sandbox
    samples = {**PRODUCTION, **configuration.SANDBOX_WECHAT}
    with pytest.raises(SettingsError) as error:
        configuration.load(samples)
    assert len(error.value.faults) == len(configuration.SANDBOX_WECHAT)
    with pytest.raises(SettingsError) as error:
        configuration.load({"PROFILE": "production"})
    assert {fault.split(" ")[0] for fault in error.value.faults} >= {"WECHAT_TOKEN", "WECHAT_SECRET", "SECRET_KEY"}


def test_a_plain_postgresql_address_names_the_driver() -> None:
    """DATABASE_URL is taken as administrators write it."""
    settings = configuration.load({"DATABASE_URL": "postgresql://u:p@db/city"})
    assert settings.database_url == "postgresql+psycopg://u:p@db/city"


def test_settings_do_not_show_themselves() -> None:
    """Printing the settings shows no secret."""
    assert "a-secret" not in repr(configuration.load(PRODUCTION))


def test_the_sandbox_keeps_its_key(tmp_path: Path) -> None:
    """The sandbox's secret key is made once and readable by its owner only."""
    key = configuration.sandbox_secret_key(tmp_path)
    assert len(key) >= configuration.SECRET_KEY_MINIMUM
    assert configuration.sandbox_secret_key(tmp_path) == key
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


def test_a_long_data_folder_keeps_a_short_socket(tmp_path: Path) -> None:
    """Unix sockets allow about 100 bytes of path: a long DATA_DIR moves the socket, the same one each time."""
    long = str(tmp_path / ("x" * 120))
    first, again = configuration.load({"DATA_DIR": long}), configuration.load({"DATA_DIR": long})
    assert first.redis_url == again.redis_url
    assert len(first.redis_url) < 107


def test_the_public_address_is_an_origin() -> None:
    """PUBLIC_URL is this machine in the sandbox; in production nothing until it is set, then TLS without a path."""
    assert configuration.load({"PORT": "8123"}).public_url == "http://127.0.0.1:8123"
    assert configuration.load(PRODUCTION).public_url == ""
    given = {**PRODUCTION, "PUBLIC_URL": "https://city.example/"}
    assert configuration.load(given).public_url == "https://city.example"
    for wrong in ("https://city.example/grid", "city.example", "ftp://city.example", "http://city.example"):
        with pytest.raises(SettingsError) as error:
            configuration.load({**PRODUCTION, "PUBLIC_URL": wrong})
        assert len(error.value.faults) == 1
        assert "PUBLIC_URL" in error.value.faults[0]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SECURITY": "secret"}, "SECURITY=secret 不认识"),
        ({"SESSION_IDLE_MINUTES": "0"}, "1 到 1440"),
        ({"SECURITY": "classified", "SESSION_IDLE_MINUTES": "31"}, "1 到 30"),
        ({"SESSION_HOURS": "169"}, "1 到 168"),
        ({"OIDC_ISSUER": "https://id.example"}, "OIDC_CLIENT_ID、OIDC_CLIENT_SECRET 没有设置"),
        ({"WECOM_CORP_ID": "ww1", "WECOM_SECRET": "s"}, "WECOM_AGENT_ID 没有设置"),
        ({"WECOM_API_BASE": "ftp://x"}, "WECOM_API_BASE 应以"),
        (
            {**PRODUCTION, "OIDC_ISSUER": "http://id.example", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"},
            "OIDC_ISSUER 应以 https://",
        ),
    ],
)
def test_settings_of_signing_in(environ: dict[str, str], words: str) -> None:
    """What is half set, unknown, too long for its rules or unsafe is one fault that names the setting."""
    with pytest.raises(SettingsError) as error:
        configuration.load(environ)
    [fault] = error.value.faults
    assert words in fault


def test_the_stricter_rules() -> None:
    """Sessions last as the law asks under classified protection, and an issuer is kept as it is written."""
    assert configuration.load({}).session_idle_minutes == 120
    strict = configuration.load({"SECURITY": "classified"})
    assert (strict.classified, strict.session_idle_minutes, strict.session_hours) == (True, 30, 12)
    oidc = {"OIDC_ISSUER": "https://id.example/", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}
    assert configuration.load(oidc).oidc_issuer == "https://id.example/"


@pytest.mark.parametrize("key", ["k" * 40, "12341234" * 5])
@pytest.mark.parametrize("name", ["SECRET_KEY", "DATA_KEY"])
def test_production_wants_keys_that_were_drawn(name: str, key: str) -> None:
    """A key that somebody typed, long as it is, is refused in production, and said how to make one."""
    with pytest.raises(SettingsError) as error:
        configuration.load({**PRODUCTION, name: key})
    [fault] = error.value.faults
    assert fault.startswith(name)
    assert "openssl rand" in fault
    assert configuration.load({name: key}).sandbox


def test_production_is_not_debugged() -> None:
    """With Flask's debugger on, production does not start; off, or in the sandbox, nobody minds."""
    for on in ("1", "true"):
        with pytest.raises(SettingsError) as error:
            configuration.load({**PRODUCTION, "FLASK_DEBUG": on})
        assert "FLASK_DEBUG" in error.value.faults[0]
    assert not configuration.load({**PRODUCTION, "FLASK_DEBUG": "0"}).sandbox
    assert configuration.load({"FLASK_DEBUG": "1"}).sandbox


@pytest.mark.parametrize(
    "contact", ["security@city.example", "http://city.example", "mailto:a b@city.example", "mailto:网格"]
)
def test_a_contact_is_an_address(contact: str) -> None:
    """What security.txt could not show is a fault; what it can is taken as it is."""
    with pytest.raises(SettingsError) as error:
        configuration.load({"SECURITY_CONTACT": contact})
    assert "SECURITY_CONTACT" in error.value.faults[0]
    assert configuration.load({"SECURITY_CONTACT": "mailto:x@city.example"}).security_contact == "mailto:x@city.example"
