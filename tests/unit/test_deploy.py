"""What lies in deploy/ fits the code: limits, names of numbers, settings, commands, pages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import settings
from cases import watch
from tests.services import ROOT, unavailable
from web import UPLOAD_LIMIT

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
METRIC = re.compile(r"\bwanggetong_[a-z_]+")
# What Prometheus's library adds to a name.
ENDINGS = ("_bucket", "_count", "_sum", "_total")
VARIABLE = re.compile(r"^([A-Z][A-Z_]+)=", re.MULTILINE)
GIT = "InaccessiblePaths=-/opt/wanggetong/.git"
# Of tools that we use, not ours.
THEIRS = {"PROMETHEUS_MULTIPROC_DIR", "FLASK_APP"}


def names_in(text: str) -> set[str]:
    """Return the names of numbers in a text, as the code has them."""
    found = set()
    for name in METRIC.findall(text):
        ending = next((each for each in ENDINGS if name.endswith(each)), "")
        found.add(name.removesuffix(ending))
    return found


def known_names() -> set[str]:
    """Return the names of all numbers that `/metrics` has."""
    health = (ROOT / "web" / "health.py").read_text(encoding="utf-8")
    gauges = {f"wanggetong_{name}" for name in re.findall(r'_gauge\(\s*"(\w+)"', health)}
    return gauges | names_in(health) | names_in((ROOT / "bot" / "meters.py").read_text(encoding="utf-8"))


def test_the_proxy_takes_what_the_application_takes() -> None:
    """The proxy lets through as much as the application does, and keeps what is for machines inside."""
    conf = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert f"client_max_body_size {UPLOAD_LIMIT // 1024**2}m;" in conf
    for page in ("/metrics", "/readyz"):
        assert f"location = {page} {{ return 404; }}" in conf


@pytest.mark.parametrize("file", ["prometheus/alerts.yml", "grafana/dashboard.json"])
def test_numbers_that_are_asked_for_are_there(file: str) -> None:
    """Rules and dashboard ask for no number that `/metrics` does not have."""
    asked = names_in((DEPLOY / file).read_text(encoding="utf-8"))
    assert asked
    assert asked <= known_names()


def test_rules_and_dashboard_can_be_read() -> None:
    """Both are what they have to be; pages that rules name are there, whatever the alarm."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    for rule in rules:
        page = rule["annotations"].get("runbook", "")
        pages = [page.replace("{{ $labels.alarm }}", key) for key in watch.ALARMS]
        assert all((ROOT / each).exists() for each in pages if each)
    panels = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 5


def test_settings_that_are_set_exist() -> None:
    """The environment files and units set no name that nobody reads, and production's own are all there."""
    example = set(VARIABLE.findall((DEPLOY / "wanggetong.env.example").read_text(encoding="utf-8")))
    assert example <= set(settings.NAMES)
    assert {"PROFILE", "SECRET_KEY", "WECHAT_TOKEN", "DATABASE_URL", "PUBLIC_URL", "METRICS_TOKEN"} <= example
    for unit in UNITS:
        [line] = re.findall(r"^Environment=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        assert {each.partition("=")[0] for each in line.split()} <= {*settings.NAMES, *THEIRS}


def test_the_environment_file_is_taken() -> None:
    """The example, once its secrets are filled in, is what production accepts."""
    lines = (DEPLOY / "wanggetong.env.example").read_text(encoding="utf-8").splitlines()
    environ = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    with pytest.raises(settings.SettingsError):
        settings.load(environ)
    secrets = {"WECHAT_TOKEN": "t", "WECHAT_APPID": "wx1", "WECHAT_SECRET": "s", "WECHAT_AES_KEY": "a" * 43}
    assert not settings.load(
        {**environ, **secrets, "SECRET_KEY": "0123456789abcdef" * 4, "METRICS_TOKEN": "m" * 20}
    ).sandbox


def compose() -> dict[str, Any]:
    """Return the services of compose.yaml."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]  # type: ignore[no-any-return]


def test_the_containers_fit_together() -> None:
    """What compose.yaml mounts is there or said to be made by hand, and its services wait for each other."""
    services = compose()
    assert {"web", "worker", "postgres", "redis", "nginx", "migrate"} == set(services)
    by_hand = {"./certs"}
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or source in by_hand or (DEPLOY / source).exists()
        assert set(service.get("depends_on", {})) <= set(services)
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for sources in copied:
        assert all((ROOT / each).exists() for each in sources.split())


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_give_up_their_rights(unit: Path) -> None:
    """Every unit runs as a user of its own, writes nowhere but where it must, and gains no rights."""
    text = unit.read_text(encoding="utf-8")
    for line in (
        "User=wanggetong",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "UMask=0077",
        GIT,
    ):
        assert f"\n{line}\n" in text
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if "/opt/wanggetong/" not in line and unit.stem in line] == []


def test_the_proxy_keeps_its_guard() -> None:
    """Only TLS 1.2 and 1.3 with forward secrecy, HSTS for all below, no versions, no slow clients, no hidden files."""
    conf = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert re.findall(r"ssl_protocols (.*);", conf) == ["TLSv1.2 TLSv1.3"]
    [ciphers] = re.findall(r"ssl_ciphers (\S+);", conf)
    assert all(each.startswith("ECDHE-") and ("GCM" in each or "POLY1305" in each) for each in ciphers.split(":"))
    assert 'Strict-Transport-Security "max-age=31536000; includeSubDomains" always' in conf
    for line in (
        "server_tokens off;",
        "client_header_timeout 10s;",
        "client_body_timeout 20s;",
        "ssl_session_tickets off;",
    ):
        assert line in conf
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in conf
    plain, secure = conf.split("listen 80;")[1].split("listen 443")
    assert "proxy_pass" not in plain
    assert "location = /wechat { return 403; }" in plain
    for refused in ("^~ /sandbox", r"~ /\.(?!well-known/)"):
        assert f"location {refused} {{ return 404; }}" in secure


def test_the_database_stands_inside() -> None:
    """In containers database and Redis have no port outside and no way there; only the proxy has ports."""
    services = compose()
    assert [name for name, service in services.items() if service.get("ports")] == ["nginx"]
    for name in ("postgres", "redis"):
        assert services[name]["networks"] == ["inside"]
    networks = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["networks"]
    assert networks["inside"] == {"internal": True}


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    """Where nginx is installed, it accepts the file, with a certificate made for the test."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        unavailable("no nginx or openssl: install the packages nginx-light and openssl")
    conf = nginx_conf(tmp_path, "127.0.0.1:1", "127.0.0.1:2", ["127.0.0.1:3"])
    said = subprocess.run(
        ["nginx", "-t", "-p", str(tmp_path), "-c", str(conf)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


def nginx_conf(folder: Path, tls: str, plain: str, webs: list[str]) -> Path:
    """Write nginx's configuration as it is, with places in a folder, and addresses of this machine."""
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    (folder / "upstream.conf").write_text("".join(f"server {web} max_fails=0;\n" for web in webs))
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    for old, new in (
        ("listen 80;", f"listen {plain};"),
        ("listen 443 ssl", f"listen {tls} ssl"),
        ("/etc/nginx/certs/", f"{folder}/"),
        ("/etc/nginx/wanggetong-upstream.conf", f"{folder}/upstream.conf"),
        ("/var/log/nginx/access.log", f"{folder}/access.log"),
        ("/var/log/nginx/error.log", f"{folder}/error.log"),
    ):
        assert old in text
        text = text.replace(old, new)
    conf = folder / "nginx.conf"
    conf.write_text(f"pid {folder}/nginx.pid;\n{text}", encoding="utf-8")
    return conf
