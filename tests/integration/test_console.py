import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image
from stdnum import damm

from bot.assembly import House
from cases.numbers import number_of
from tests.integration.people import TOKEN_FIELD, Resident, Staff

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
HUGE = "1" * 30 + damm.calc_check_digit("1" * 30)
OPEN_TO_ALL = {"/", "/healthz", "/readyz", "/metrics", "/console/login", "/wechat"}
# Ways in that the settings do not name.
OPEN_TO_ALL |= {f"/console/login/{way}" for way in ("oidc", "oidc/back", "wecom", "wecom/back")}
# What a phone keeps for times without a network, and whose it is.
OPEN_TO_ALL |= {"/console/sw.js", "/console/offline", "/console/token"}
# For whoever has the one-time link; others get 403.
OPEN_TO_ALL |= {"/console/setup/start"}


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Use SQLite: pages do not hang on the database."""
    return f"sqlite:///{tmp_path}/console.sqlite3"


def test_every_console_page_wants_a_login(app: Flask) -> None:
    """No route of the console answers a stranger with anything but the login page or a refusal."""
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]
    assert len(rules) >= 8
    for rule in rules:
        address = rule.rule.replace("<number>", "100014").replace("<action>", "accept")
        address = re.sub("<[^>]*>", "1", address)
        if address in OPEN_TO_ALL:
            continue
        if "GET" in (rule.methods or ()):
            answer = client.get(address)
            assert answer.status_code == 302, address
            assert "/console/login" in answer.headers["Location"]
        else:
            assert client.post(address).status_code == 400, address  # no CSRF token


def test_forms_need_their_token(app: Flask, staff: Callable[[str], Staff], resident: Resident) -> None:
    """A form posted from elsewhere, without the page's token, changes nothing."""
    resident.say(MANHOLE)
    urban = staff("urban")
    number = number_of(resident.case().id)
    assert urban.client.post(f"/console/cases/{number}/accept").status_code == 400
    assert resident.case().state == "assigned"
    assert app


def test_wrong_passwords_lock(staff: Callable[[str], Staff], app: Flask) -> None:
    """Wrong logins get one answer whoever they are; after five the account is locked for a while."""
    answers = [Staff(app, "urban", "wrong").answer for _ in range(5)]
    assert {answer.status_code for answer in answers} == {401}
    assert "十分钟" in staff("urban").answer.text
    unknown = Staff(app, "nobody-at-all", "wrong").answer
    assert "账号或密码不对" in unknown.text
    assert "账号或密码不对" in answers[0].text


def test_login_stays_inside(app: Flask) -> None:
    """After logging in one lands where one wanted to go, but never on another host."""
    client = app.test_client()
    ended = "/console/?list=ended"
    for target, lands in ((ended, ended), ("//evil.example/console/", "/console/home")):
        page = client.get("/console/login")
        token = TOKEN_FIELD.search(page.text)
        assert token
        form = {"csrf_token": token[1], "login": "urban", "password": "wanggetong"}
        answer = client.post("/console/login", query_string={"next": target}, data=form)
        assert answer.headers["Location"] == lands


def test_the_queue_is_ordered_by_deadline(
    staff: Callable[[str], Staff], resident: Resident, neighbour: Resident
) -> None:
    """The nearest deadline comes first, whatever came in first."""
    neighbour.say("临江路128号门口的路灯晚上不亮")
    resident.say(MANHOLE)
    page = staff("urban").client.get("/console/").text
    numbers = [number_of(person.case().id) for person in (resident, neighbour)]
    assert 0 < page.index(f"case-{numbers[0]}") < page.index(f"case-{numbers[1]}")


def test_the_case_page_shows_what_matters(staff: Callable[[str], Staff], resident: Resident) -> None:
    """The page has the words, the place, why it came here, and exactly the actions that are open."""
    resident.say(MANHOLE)
    page = staff("urban").open(resident.case()).text
    for part in (MANHOLE, "翠湖小区3栋", "井盖缺损", "为什么到这里", "把握"):
        assert part in page
    offered = {action for action in ("accept", "report_result", "reply", "return", "note", "send", "reject")
               if f'data-action="{action}"' in page}  # fmt: skip
    assert offered == {"accept", "report_result", "reply", "return", "note"}


def test_residents_words_stay_words(staff: Callable[[str], Staff], resident: Resident) -> None:
    """Markup in a resident's message is shown, not run."""
    resident.say("翠湖小区3栋井盖坏了<script>alert(1)</script>")
    page = staff("urban").open(resident.case()).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_result_with_photos(house: House, staff: Callable[[str], Staff], resident: Resident) -> None:
    """Photos of a result are kept with it and owed to the resident; what is no photo is refused with a word."""
    resident.say(MANHOLE)
    urban, number = staff("urban"), number_of(resident.case().id)
    token = TOKEN_FIELD.search(urban.client.get("/console/me").text)
    assert token
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(buffer, "PNG")
    for content, told in ((b"<svg onload=alert(1)>", "不是能看的照片"), (buffer.getvalue(), "已报告结果")):
        form = {"csrf_token": token[1], "text": "已换上新井盖", "photos": (io.BytesIO(content), "../../x.png")}
        answer = urban.client.post(f"/console/cases/{number}/report_result", data=form, follow_redirects=True)
        assert told in answer.text
    with house.store.read() as book:
        [photo] = book.attachments(resident.case().id)
        owed = book.owed(resident.case().id)
    assert photo.state == "stored"
    assert [row.attachment_id for row in owed] == [None, photo.id]


def test_refused_photos_are_not_kept(house: House, staff: Callable[[str], Staff], resident: Resident) -> None:
    """Photos are looked at only for those whose case it is, and what comes with a refused action is not kept."""
    resident.say(MANHOLE)
    number = number_of(resident.case().id)
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(buffer, "PNG")
    folder = house.media.path("xx").parent.parent
    for login, text, status in (("water", "已换上新井盖", 404), ("urban", "", 302), ("urban", "长" * 501, 302)):
        someone = staff(login)
        token = TOKEN_FIELD.search(someone.client.get("/console/me").text)
        assert token
        form = {"csrf_token": token[1], "text": text, "photos": (io.BytesIO(buffer.getvalue()), "x.png")}
        assert someone.client.post(f"/console/cases/{number}/report_result", data=form).status_code == status
        assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_the_administrator_changes_the_table(
    staff: Callable[[str], Staff], resident: Resident, neighbour: Resident
) -> None:
    """A changed queue and limit hold for the next case; others may not change them, nonsense is refused."""
    admin = staff("admin")
    page = admin.client.get("/console/categories")
    good = {"code": "facility/manhole", "queue": "dept-water", "needs_place": "1", "urgent": "1",
            "accept_hours": "1", "contact_hours": "2", "finish_hours": "3"}  # fmt: skip
    bad = admin.post("/console/categories", page.text, **{**good, "accept_hours": "-1"})
    assert "没有保存" in bad.text
    assert "已保存" in admin.post("/console/categories", page.text, **good).text
    assert "水务局" in resident.say(MANHOLE)
    noise = "临江路128号楼下烧烤店半夜还在吵"
    assert "城市管理局" in neighbour.say(noise)
    assert "低于的交派单员" in admin.post("/console/learning/confidence", page.text, confident="99").text
    assert "没有保存" in admin.post("/console/learning/confidence", page.text, confident="0").text
    assert "派单员" in neighbour.say(f"新的：{noise}")
    urban = staff("urban")
    assert urban.client.get("/console/categories").status_code == 403
    assert urban.post("/console/categories", urban.client.get("/console/me").text, **good).status_code == 403


def test_health_and_metrics(app: Flask, resident: Resident) -> None:
    """`/healthz` is alive, `/readyz` names each part, `/metrics` counts cases by state; none shows a word of it."""
    resident.say(MANHOLE)
    client = app.test_client()
    assert client.get("/healthz").text == "ok"
    ready = client.get("/readyz").get_json()
    assert ready["status"] == "ready"
    assert set(ready["checks"]) == {"database", "city", "redis", "media", "classifier", "wechat", "staff", "calendar"}
    metrics = client.get("/metrics").text
    assert 'wanggetong_cases{state="assigned"} 1.0' in metrics
    assert resident.openid not in metrics


def test_headers(app: Flask) -> None:
    """Every page carries the policy that keeps scripts and frames of others out."""
    answer = app.test_client().get("/console/login")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "HttpOnly" in answer.headers["Set-Cookie"]


def test_a_page_may_stay_open_for_hours(app: Flask) -> None:
    """A form's token lives as long as the login."""
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None


def test_missing_pages_are_friendly(staff: Callable[[str], Staff]) -> None:
    """Unknown addresses and foreign case numbers get a page in Chinese."""
    urban = staff("urban")
    for address in ("/nowhere", "/console/cases/999999", "/console/cases/abc", f"/console/cases/{HUGE}"):
        answer = urban.client.get(address)
        assert answer.status_code == 404
        assert "没有这" in answer.text
    assert urban.client.get("/console/files/9999999999").status_code == 404
    assert "没有找到" in urban.client.get("/console/find", query_string={"q": HUGE}).text


def test_front_end_files_are_kept_by_browsers(staff: Callable[[str], Staff]) -> None:
    """A page names its files by their content, so that a browser keeps them; without the right mark it asks again."""
    client = staff("urban").client
    found = re.search(r'href="(/static/console\.css\?v=\w+)"', client.get("/console/").text)
    assert found
    assert "immutable" in client.get(found[1]).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/console.css?v=other").headers["Cache-Control"]
