"""Every setting, read once from the environment; all faults are reported together at start.

README.md has the same table for people; a test holds the two together.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

from redis.connection import parse_url
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROFILES = ("sandbox", "production")
WECHAT_MODES = ("plain", "compat", "safe")
SWITCH = ("off", "on")
SECURITY = ("basic", "classified")
# How long a session may lie unused, in minutes; under the rules of classified protection this is also the longest.
IDLE_MINUTES = {"basic": 120, "classified": 30}
LONGEST_IDLE, LONGEST_HOURS = 24 * 60, 7 * 24
# How many days what tells of people is kept (`cases.retention`): raw messages until a fault could be looked into; words
# sent, until nobody takes the matter up again (thirty days) or complains of it; files, until the next year's review is
# over; who has not been here for two years, and what residents told, are not needed any more.
RETENTION_DAYS = {"inbox": 30, "outbox": 90, "media": 730, "residents": 730, "notices": 180}
LONGEST_KEPT = 3650
# Settings that are of use only together.
TOGETHER = (
    ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"),
    ("WECOM_CORP_ID", "WECOM_AGENT_ID", "WECOM_SECRET"),
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
CONTACTS = ("mailto:", "https://", "tel:")
AES_KEY_LENGTH = 43
SECRET_KEY_MINIMUM = 32
# A key that was drawn has more different characters than this; `aaaa…` and `12341234…` were typed.
SECRET_KEY_VARIETY = 8
METRICS_TOKEN_MINIMUM = 16
PORT_MAXIMUM = 65535

# What the sandbox uses when nothing is set. They are public, so production refuses them.
SANDBOX_WECHAT = {
    "WECHAT_TOKEN": "sandbox-token",
    "WECHAT_APPID": "wxsandbox00000001",
    "WECHAT_SECRET": "sandbox-secret",
    "WECHAT_AES_KEY": "c2FuZGJveGtleXNhbmRib3hrZXlzYW5kYm94a2V5MDA",
}
# The notices that the sandbox's stand-in for WeChat knows, as template messages and as subscription notices.
SANDBOX_TEMPLATES = ",".join(f"{kind}=sandbox-template-{kind}" for kind in ("accepted", "progress", "result"))
TEMPLATE_KINDS = ("accepted", "progress", "result")
# What a template's fields can show, and the fields of a template for which none are given.
TEMPLATE_VALUES = ("number", "title", "state", "holder", "time", "hint")
TEMPLATE_FIELDS = "character_string1=number&thing2=title&phrase3=state&time4=time&thing5=hint"

# name: what it means. The order is the order of README's table.
NAMES = (
    "WECHAT_TOKEN",
    "WECHAT_APPID",
    "WECHAT_SECRET",
    "WECHAT_AES_KEY",
    "WECHAT_AES_KEY_PREVIOUS",
    "WECHAT_MODE",
    "WECHAT_API_BASE",
    "WECHAT_TEMPLATES",
    "WECHAT_SUBSCRIPTIONS",
    "DATABASE_URL",
    "REDIS_URL",
    "MEDIA_URL",
    "SPEECH_MODEL",
    "OCR",
    "SECRET_KEY",
    "DATA_KEY",
    "DATA_KEYS_PREVIOUS",
    "RETENTION",
    "SECURITY",
    "SECURITY_CONTACT",
    "SESSION_IDLE_MINUTES",
    "SESSION_HOURS",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_NAME",
    "WECOM_CORP_ID",
    "WECOM_AGENT_ID",
    "WECOM_SECRET",
    "WECOM_API_BASE",
    "PROFILE",
    "PORT",
    "PUBLIC_URL",
    "DATA_DIR",
    "LOG_LEVEL",
    "METRICS_TOKEN",
    "ALARM_WEBHOOK",
    "ALARM_SILENCE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)


class SettingsError(Exception):
    """Some settings are wrong; `faults` has one line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("；".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Template:
    """One of the account's notices: its id, and which value (TEMPLATE_VALUES) each of its fields shows."""

    id: str
    fields: tuple[tuple[str, str], ...]


Templates = dict[str, Template]


@dataclass(frozen=True, repr=False)
class Settings:
    """The settings of one process. Never printed whole: they hold secrets."""

    profile: str
    port: int
    public_url: str
    data_dir: Path
    log_level: str
    wechat_token: str
    wechat_appid: str
    wechat_secret: str
    wechat_aes_key: str
    wechat_aes_key_previous: str
    wechat_mode: str
    wechat_api_base: str
    wechat_templates: Templates
    wechat_subscriptions: Templates
    database_url: str
    redis_url: str
    media_url: str
    speech_model: str
    ocr: str
    secret_key: str
    data_key: str
    data_keys_previous: tuple[str, ...]
    retention: dict[str, int]
    security: str
    security_contact: str
    session_idle_minutes: int
    session_hours: int
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_name: str
    wecom_corp_id: str
    wecom_agent_id: str
    wecom_secret: str
    wecom_api_base: str
    metrics_token: str
    alarm_webhook: str
    alarm_silence: str
    otel_endpoint: str

    @property
    def classified(self) -> bool:
        """Whether the stricter rules of classified protection (等级保护) hold."""
        return self.security == "classified"

    @property
    def sandbox(self) -> bool:
        """Whether this process may show the sandbox."""
        return self.profile == "sandbox"

    @property
    def own_address(self) -> str:
        """Where this machine reaches its own web server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def signing_key(self) -> str:
        """What signs sessions and links: SECRET_KEY, or the sandbox's own."""
        return self.secret_key or sandbox_secret_key(self.data_dir)

    @property
    def data_keys(self) -> tuple[str, ...]:
        """What seals phones and identities: the key in use, then those that only open what was sealed before.

        Without DATA_KEY it is the signing key; with one, the signing key still opens what it sealed.
        """
        keys = (self.data_key or self.signing_key, *self.data_keys_previous, self.signing_key)
        return tuple(dict.fromkeys(keys))

    @property
    def embedded_redis(self) -> bool:
        """Whether `make run` has to start the Redis that REDIS_URL names."""
        return self.redis_url == f"unix://{self.redis_socket}"

    @property
    def redis_socket(self) -> Path:
        """The embedded Redis's socket; unix sockets allow about 100 bytes of path."""
        return _redis_socket(self.data_dir)

    @property
    def erasures_file(self) -> Path:
        """Where it is written down who was forgotten: restoring an older database must not take it away."""
        return self.data_dir / "erasures.jsonl"

    @property
    def models_dir(self) -> Path:
        """Where released and candidate classifiers lie."""
        return self.data_dir / "models"


def _redis_socket(data_dir: Path) -> Path:
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= 100:  # noqa: PLR2004 - the system's limit is 108, less a margin
        return path
    name = f"wanggetong-{os.getuid()}-{crc32(os.fsencode(data_dir)):x}.sock"
    return Path("/run/user" if os.access("/run/user", os.W_OK) else "/var/tmp") / name  # noqa: S108


def sandbox_secret_key(data_dir: Path) -> str:
    """Return this data folder's own secret key, made at the first start and readable by its owner only."""
    path = data_dir / "secret.key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / f".secret.{os.getpid()}"
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        draft.chmod(0o600)
        try:
            os.link(draft, path)
        except FileExistsError:  # another process was first
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (the process's own by default).

    Raises SettingsError with every fault found, not only the first.
    """
    env = {name: value.strip() for name, value in (os.environ if environ is None else environ).items() if name in NAMES}
    env = {name: value for name, value in env.items() if value}
    faults: list[str] = []
    profile = _choice(env, "PROFILE", PROFILES, "sandbox", faults)
    sandbox = profile == "sandbox"
    data_dir = Path(env.get("DATA_DIR", "./data")).expanduser().resolve()
    port = _port(env, faults)
    own = f"http://127.0.0.1:{port}"
    faults += [*_sandbox_values(env, sandbox=sandbox), *_half_set(env)]
    faults += [] if sandbox else _debugging(os.environ if environ is None else environ)
    settings = Settings(
        profile=profile,
        port=port,
        public_url=_origin(env, own if sandbox else "", faults, sandbox=sandbox),
        data_dir=data_dir,
        log_level=_choice(env, "LOG_LEVEL", LOG_LEVELS, "INFO", faults),
        database_url=_database(env, data_dir, faults),
        redis_url=_redis(env, data_dir, faults),
        media_url=_url(env, "MEDIA_URL", f"file://{data_dir}/media", ("file",), faults),
        speech_model=env.get("SPEECH_MODEL", ""),
        ocr=_choice(env, "OCR", SWITCH, "off", faults),
        secret_key=env.get("SECRET_KEY", ""),
        data_key=env.get("DATA_KEY", ""),
        data_keys_previous=_keys(env, "DATA_KEYS_PREVIOUS"),
        retention=_retention(env, faults),
        **_wechat(env, own, faults, sandbox=sandbox),
        **_signing_in(env, faults, sandbox=sandbox),
        **_watching(env, faults, sandbox=sandbox),
    )
    if settings.wechat_mode == "safe" and not settings.wechat_aes_key:
        faults.append("WECHAT_AES_KEY 没有设置：WECHAT_MODE=safe 需要它")
    faults += [*_short(settings), *_typed(settings)]
    if faults:
        raise SettingsError(faults)
    return settings


def _short(settings: Settings) -> list[str]:
    """Return a fault for each key that is too short to be one."""
    keys = (("SECRET_KEY", settings.secret_key), ("DATA_KEY", settings.data_key))
    previous = (("DATA_KEYS_PREVIOUS", key) for key in settings.data_keys_previous)
    short = (name for name, key in (*keys, *previous) if 0 < len(key) < SECRET_KEY_MINIMUM)
    return [f"{name} 太短：至少 {SECRET_KEY_MINIMUM} 个字符" for name in dict.fromkeys(short)]


def _typed(settings: Settings) -> list[str]:
    """Return a fault for each key of production that nobody drew at random: it can be guessed."""
    keys = (("SECRET_KEY", settings.secret_key), ("DATA_KEY", settings.data_key))
    typed = [name for name, key in keys if len(key) >= SECRET_KEY_MINIMUM and len(set(key)) < SECRET_KEY_VARIETY]
    return [] if settings.sandbox else [f"{name} 不够随机：请用 openssl rand -hex 32 生成" for name in typed]


def _debugging(environ: Mapping[str, str]) -> list[str]:
    """Return a fault when Flask would show its debugger, from which anybody runs what they like."""
    on = environ.get("FLASK_DEBUG", "").strip().lower() not in {"", "0", "false", "no"}
    return ["FLASK_DEBUG（flask run --debug）不能在正式环境里开"] if on else []


def _keys(env: dict[str, str], name: str) -> tuple[str, ...]:
    """Return keys that are separated by commas."""
    return tuple(filter(None, (key.strip() for key in env.get(name, "").split(","))))


def _retention(env: dict[str, str], faults: list[str]) -> dict[str, int]:
    """Read `kind=days`, separated by commas; kinds that are not named keep their own days."""
    found = dict(RETENTION_DAYS)
    for part in _keys(env, "RETENTION"):
        kind, _, days = part.partition("=")
        if kind in found and days.isascii() and days.isdigit() and 0 < int(days) <= LONGEST_KEPT:
            found[kind] = int(days)
        else:
            kinds = "、".join(found)
            faults.append(f"RETENTION：“{part}”应写成 {kinds} 之一=天数（1 到 {LONGEST_KEPT}）")
    return found


def _sandbox_values(env: dict[str, str], *, sandbox: bool) -> list[str]:
    """Fill in what the sandbox brings; return what production must not take from it, and what it lacks."""
    if sandbox:
        for name, value in SANDBOX_WECHAT.items():
            env.setdefault(name, value)
        return []
    shipped = [name for name, value in SANDBOX_WECHAT.items() if env.get(name) == value]
    missing = [name for name in ("WECHAT_TOKEN", "WECHAT_APPID", "WECHAT_SECRET", "SECRET_KEY") if name not in env]
    return [
        *(f"{name} 还是沙箱的样例值，正式环境请换成公众号后台的值" for name in shipped),
        *(f"{name} 没有设置，正式环境必填" for name in missing),
    ]


def _wechat(env: dict[str, str], own: str, faults: list[str], *, sandbox: bool) -> dict[str, Any]:
    """Return the settings of the official account by the names of `Settings`."""
    templates = SANDBOX_TEMPLATES if sandbox else ""
    base = f"{own}/sandbox/api" if sandbox else "https://api.weixin.qq.com"
    return {
        "wechat_token": env.get("WECHAT_TOKEN", ""),
        "wechat_appid": env.get("WECHAT_APPID", ""),
        "wechat_secret": env.get("WECHAT_SECRET", ""),
        "wechat_aes_key": _aes_key(env, "WECHAT_AES_KEY", faults),
        "wechat_aes_key_previous": _aes_key(env, "WECHAT_AES_KEY_PREVIOUS", faults),
        "wechat_mode": _choice(env, "WECHAT_MODE", WECHAT_MODES, "plain" if sandbox else "safe", faults),
        "wechat_api_base": _url(env, "WECHAT_API_BASE", base, ("http", "https"), faults),
        "wechat_templates": _templates(env, "WECHAT_TEMPLATES", templates, faults),
        "wechat_subscriptions": _templates(env, "WECHAT_SUBSCRIPTIONS", templates, faults),
    }


def _signing_in(env: dict[str, str], faults: list[str], *, sandbox: bool) -> dict[str, Any]:
    """Return the settings of how staff sign in by the names of `Settings`."""
    security = _choice(env, "SECURITY", SECURITY, "basic", faults)
    idle = IDLE_MINUTES[security]
    longest = idle if security == "classified" else LONGEST_IDLE
    return {
        "security": security,
        "security_contact": _contact(env, faults),
        "session_idle_minutes": _whole(env, "SESSION_IDLE_MINUTES", idle, longest, faults),
        "session_hours": _whole(env, "SESSION_HOURS", 12, LONGEST_HOURS, faults),
        "oidc_issuer": _issuer(env, faults, sandbox=sandbox),
        "oidc_client_id": env.get("OIDC_CLIENT_ID", ""),
        "oidc_client_secret": env.get("OIDC_CLIENT_SECRET", ""),
        "oidc_name": env.get("OIDC_NAME", "单位统一登录"),
        "wecom_corp_id": env.get("WECOM_CORP_ID", ""),
        "wecom_agent_id": env.get("WECOM_AGENT_ID", ""),
        "wecom_secret": env.get("WECOM_SECRET", ""),
        "wecom_api_base": _url(env, "WECOM_API_BASE", "https://qyapi.weixin.qq.com", ("http", "https"), faults),
    }


def _watching(env: dict[str, str], faults: list[str], *, sandbox: bool) -> dict[str, Any]:
    """Return the settings of who watches over the service by the names of `Settings`."""
    token = env.get("METRICS_TOKEN", "")
    if token and len(token) < METRICS_TOKEN_MINIMUM:
        faults.append(f"METRICS_TOKEN 太短：至少 {METRICS_TOKEN_MINIMUM} 个字符")
    return {
        "metrics_token": token,
        "alarm_webhook": _address(env, "ALARM_WEBHOOK", faults),
        "alarm_silence": _choice(env, "ALARM_SILENCE", SWITCH, "off" if sandbox else "on", faults),
        "otel_endpoint": _address(env, "OTEL_EXPORTER_OTLP_ENDPOINT", faults),
    }


def _address(env: dict[str, str], name: str, faults: list[str]) -> str:
    """Return where something is to be sent to, or empty."""
    return _url(env, name, "", ("http", "https"), faults) if name in env else ""


def _choice(env: dict[str, str], name: str, allowed: tuple[str, ...], default: str, faults: list[str]) -> str:
    value = env.get(name, default)
    if value not in allowed:
        faults.append(f"{name}={value} 不认识，可用：{'、'.join(allowed)}")
        return default
    return value


def _contact(env: dict[str, str], faults: list[str]) -> str:
    """Return where faults of security are told: an address as security.txt has it (RFC 9116), or nothing."""
    value = env.get("SECURITY_CONTACT", "")
    if value and (not value.startswith(CONTACTS) or not value.isascii() or any(each.isspace() for each in value)):
        faults.append(f"SECURITY_CONTACT 应以 {'、'.join(CONTACTS)} 开头，不带空格和中文")
        return ""
    return value


def _whole(env: dict[str, str], name: str, default: int, highest: int, faults: list[str]) -> int:
    value = env.get(name, str(default))
    if value.isascii() and value.isdigit() and 0 < int(value) <= highest:
        return int(value)
    faults.append(f"{name}={value} 不对：请写 1 到 {highest} 的整数")
    return default


def _half_set(env: dict[str, str]) -> list[str]:
    """Return a fault for each group of settings of which some are there and some are missing."""
    found = [([name for name in group if name not in env], group) for group in TOGETHER]
    return [
        f"{'、'.join(missing)} 没有设置：{'、'.join(group)} 要么都填，要么都不填"
        for missing, group in found
        if missing and len(missing) < len(group)
    ]


def _issuer(env: dict[str, str], faults: list[str], *, sandbox: bool) -> str:
    """Return OIDC_ISSUER as it is written, because identities name it so; in production it is reached by TLS."""
    if "OIDC_ISSUER" not in env:
        return ""
    schemes = ("http", "https") if sandbox else ("https",)
    value = _url(env, "OIDC_ISSUER", "", schemes, faults)
    return env["OIDC_ISSUER"] if value else ""


def _port(env: dict[str, str], faults: list[str]) -> int:
    value = env.get("PORT", "8000")
    if value.isascii() and value.isdigit() and 0 < int(value) <= PORT_MAXIMUM:
        return int(value)
    faults.append(f"PORT={value} 不是端口号（1 到 {PORT_MAXIMUM}）")
    return 8000


def _aes_key(env: dict[str, str], name: str, faults: list[str]) -> str:
    value = env.get(name, "")
    if value and not (len(value) == AES_KEY_LENGTH and value.isascii() and value.isalnum()):
        faults.append(f"{name} 应是公众号后台给出的 {AES_KEY_LENGTH} 位字母和数字")
        return ""
    return value


def _templates(env: dict[str, str], name: str, default: str, faults: list[str]) -> Templates:
    """Read `kind=ID` or `kind=ID?field=value&…`, separated by commas."""
    found: Templates = {}
    for part in filter(None, (part.strip() for part in env.get(name, default).split(","))):
        kind, _, rest = part.partition("=")
        template_id, _, fields = rest.partition("?")
        pairs = tuple(parse_qsl(fields or TEMPLATE_FIELDS))
        if kind not in TEMPLATE_KINDS or not template_id:
            faults.append(f"{name}：“{part}”应写成 {'、'.join(TEMPLATE_KINDS)} 之一=模板ID")
        elif not pairs or any(value not in TEMPLATE_VALUES for _, value in pairs):
            faults.append(f"{name}：{kind} 的字段应写成 字段=值，值可用：{'、'.join(TEMPLATE_VALUES)}")
        else:
            found[kind] = Template(template_id, pairs)
    return found


def _url(env: dict[str, str], name: str, default: str, schemes: tuple[str, ...], faults: list[str]) -> str:
    value = env.get(name, default).rstrip("/")
    if value.partition("://")[0] not in schemes:
        faults.append(f"{name} 应以 {' 或 '.join(f'{scheme}://' for scheme in schemes)} 开头")
        return default
    return value if _readable(name, value, lambda url: urlsplit(url).port, faults) else default


def _origin(env: dict[str, str], default: str, faults: list[str], *, sandbox: bool) -> str:
    """Return PUBLIC_URL: scheme and host alone, because the pages' own paths follow it; empty when unset.

    In production it is reached by TLS: browsers keep its cookies for nothing else.
    """
    schemes = ("http", "https") if sandbox else ("https",)
    if "PUBLIC_URL" not in env:
        return default
    value = _url(env, "PUBLIC_URL", default, schemes, faults)
    if value != default and urlsplit(value)._replace(scheme="", netloc="").geturl():
        faults.append("PUBLIC_URL 只写到域名和端口，后面不带路径")
        return default
    return value


def _readable(name: str, value: str, parse: Callable[[str], object], faults: list[str]) -> bool:
    """Say whether an address can be taken apart; its text is not shown, it may hold a password."""
    try:
        parse(value)
    except (ValueError, ArgumentError):
        faults.append(f"{name} 读不懂：请检查主机、端口和特殊字符（密码里的 @ : / 要写成 %40 %3A %2F）")
        return False
    return True


def _database(env: dict[str, str], data_dir: Path, faults: list[str]) -> str:
    """Return the address for SQLAlchemy; a plain postgresql:// means the psycopg driver."""
    default = f"sqlite:///{data_dir}/wanggetong.sqlite3"
    value = _url(env, "DATABASE_URL", default, ("sqlite", "postgresql", "postgres", "postgresql+psycopg"), faults)
    scheme, _, rest = value.partition("://")
    address = f"postgresql+psycopg://{rest}" if scheme.startswith("postgres") else value
    return address if _readable("DATABASE_URL", address, make_url, faults) else default


def _redis(env: dict[str, str], data_dir: Path, faults: list[str]) -> str:
    default = f"unix://{_redis_socket(data_dir)}"
    value = _url(env, "REDIS_URL", default, ("redis", "rediss", "unix"), faults)
    return value if _readable("REDIS_URL", value, parse_url, faults) else default
