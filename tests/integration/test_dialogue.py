from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot import phrases
from bot.assembly import House
from cases.numbers import number_of, spoken
from tests.integration.people import Resident, Staff, number_in

MANHOLE = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Talk on SQLite alone: what the dialogue decides does not hang on the database."""
    return f"sqlite:///{tmp_path}/talk.sqlite3"


def holder(house: House, resident: Resident) -> str:
    """Return the code of the unit that holds the resident's newest case."""
    with house.store.read() as book:
        return house.cities.current(book).units[resident.cases()[-1].holder_id].code


def wait_for_result(resident: Resident, staff: Callable[[str], Staff], login: str = "urban") -> None:
    """Have the department report a result."""
    page = staff(login).act(resident.cases()[-1], "report_result", text="已换上新井盖")
    assert "已报告结果" in page.text


@pytest.mark.parametrize("text", ["你好", "谢谢", "怎么用", "我报的井盖修了吗", "进度", "你是机器人吗", "1", "满意"])
def test_small_talk_opens_no_case(resident: Resident, text: str) -> None:
    """Greetings, thanks, questions about use and about progress are answered and open nothing."""
    assert resident.say(text)
    assert resident.cases() == []


def test_danger_leads_with_the_numbers(resident: Resident, neighbour: Resident) -> None:
    """Danger to life is answered with 119, 110 and 120 in the first line, and is a case; figures of speech are not."""
    resident.say("文昌路路灯不亮")
    numbers = {
        "翠湖小区着火了快来人": "119",
        "我妈突然晕倒了": "120",
        "我不想活了": "12356",
        "孩子不见了": "110",
        "我老公打我": "110",
    }
    for text, number in numbers.items():
        assert number in resident.say(text).splitlines()[0], text
    assert [case.urgent for case in resident.cases()] == [False, True]
    urgent = resident.cases()[1]
    assert urgent.accept_by - urgent.opened_at < timedelta(minutes=20)
    for text in ("楼道堆满纸箱，怕着火", "物业气炸了我，收费着火一样涨", "飞线充电容易起火", "老人差点掉进井里"):
        assert "值守" not in neighbour.say(text), text


def test_what_follows_joins_the_case(house: House, resident: Resident) -> None:
    """Photos, a location and more words sent next join the case in silence: the burst is answered once."""
    number_in(resident.say(MANHOLE))
    assert resident.send("image", MediaId="a") == ""
    assert resident.send("image", MediaId="b") == ""
    assert resident.say("就在单元门口左边") == ""
    resident.send("location", Location_X="36.6587", Location_Y="117.0095", Label="翠湖小区")
    case = resident.case()
    assert "单元门口" in case.text
    with house.store.read() as book:
        assert len(book.attachments(case.id)) == 2


def test_photos_first_words_after(house: House, resident: Resident) -> None:
    """A burst that begins with photos is one case too, and finds its way once the words come."""
    assert "请再说一句" in resident.send("image", MediaId="a")
    assert resident.send("image", MediaId="b") == ""
    reply = resident.say(MANHOLE)
    assert "井盖缺损" in reply
    assert resident.case().state == "assigned"
    assert holder(house, resident) == "dept-urban"


def test_the_place_is_asked_for_once(house: House, resident: Resident) -> None:
    """With no place given and none known the case exists, the bot asks once, and the answer routes it."""
    assert phrases.PLACE_MISSING in resident.say("楼道里堆满了纸箱和杂物，走不过去")
    assert resident.case().state == "new"
    assert phrases.PLACE_MISSING not in resident.say("堆了好几个月了")
    assert "柳荫苑2号楼" in resident.say("柳荫苑2号楼")
    assert resident.case().state == "assigned"
    assert holder(house, resident).startswith("grid-")


def test_a_road_without_number_is_asked_for_its_number(resident: Resident) -> None:
    """A road through several grids needs its number; the number alone completes it."""
    assert "文昌路" in resident.say("文昌路路灯不亮")
    resident.say("128号门口")
    case = resident.case()
    assert case.place_words == "文昌路128号"
    assert case.grid_id is not None


def test_a_location_message_gives_the_grid(house: House, resident: Resident) -> None:
    """A location inside a grid's polygon, in WeChat's GCJ-02, routes the case to that grid."""
    resident.say("楼道里堆满了纸箱和杂物，走不过去")
    resident.send("location", Location_X="36.658719", Location_Y="117.009513", Label="")
    assert holder(house, resident) == "grid-cuihu-01"


def test_the_usual_grid_is_assumed_and_said(house: House, resident: Resident) -> None:
    """Who reported from a grid before need not say where; the bot says what it assumed."""
    resident.say("翠湖小区3栋楼道里堆满了纸箱")
    resident.say("完了，谢谢")
    reply = resident.say("还有一件事，垃圾桶满了好几天没人清")
    assert "您没说地点" in reply
    assert holder(house, resident) == "grid-cuihu-01"


def test_a_scanned_code_gives_the_grid(house: House, resident: Resident) -> None:
    """Who follows or scans by a grid's QR code reports from that grid."""
    welcome = resident.send("event", Event="subscribe", EventKey="qrscene_grid-liuyin-02", Ticket="t")
    assert "柳荫社区第2网格" in welcome
    resident.say("楼道里堆满了纸箱和杂物，走不过去")
    assert holder(house, resident) == "grid-liuyin-02"


def test_another_matter_opens_another_case(resident: Resident) -> None:
    """A clearly different matter within the same minutes is a case of its own, and the bot says so."""
    resident.say(MANHOLE)
    assert phrases.NEW_MATTER in resident.say("老板拖欠我三个月工资，一直不发")
    assert len(resident.cases()) == 2


def test_a_voice_with_words_is_a_report(house: House, resident: Resident) -> None:
    """A voice that WeChat has transcribed is understood; one without words is kept and asked about."""
    assert "井盖缺损" in resident.send("voice", MediaId="v1", Format="amr", Recognition=MANHOLE + "。")
    with house.store.read() as book:
        [voice] = book.attachments(resident.case().id)
    assert voice.transcript.startswith("翠湖小区3栋")


def test_a_voice_without_words_is_kept(resident: Resident, neighbour: Resident) -> None:
    """A voice without a transcript opens a case with the dispatchers: they can listen."""
    assert "语音收到" in resident.send("voice", MediaId="v1", Format="amr", Recognition="")
    assert "语音收到" in neighbour.send("voice", MediaId="v1", Format="amr")
    assert resident.case().state == neighbour.case().state == "new"


def test_progress_in_words_and_by_number(resident: Resident, neighbour: Resident) -> None:
    """The resident gets state, holder and deadline; somebody else's number tells nothing."""
    number = number_in(resident.say(MANHOLE))
    for question in ("我报的井盖修了吗", "进度", number, f"{number}到哪了"):
        answer = resident.say(question)
        for part in (spoken(number), "城市管理局", "前联系您"):
            assert part in answer
    assert neighbour.say(number) == phrases.PROGRESS_UNKNOWN
    assert len(resident.cases()) == 1


def test_urge_and_withdraw(house: House, resident: Resident) -> None:
    """An urge is counted and seen by the holder; a withdrawn case is over."""
    resident.say(MANHOLE)
    assert "城市管理局" in resident.say("催一下")
    assert resident.case().urges == 1
    assert "已撤回" in resident.say("撤回")
    assert resident.case().state == "withdrawn"
    assert resident.say("撤回") == phrases.NOTHING_OPEN
    with house.store.read() as book:
        assert [row.action for row in book.history(resident.case().id)][-2:] == ["withdraw", "answer"]


def test_solved_and_rated(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Asked to verify, the resident says 1 and then 满意; both are in the case with its history."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    assert "评个分" in resident.say("1")
    assert resident.case().state == "closed"
    assert resident.say("满意，师傅态度很好") == phrases.RATED
    case = resident.case()
    assert (case.rating, case.rating_words) == ("satisfied", "师傅态度很好")
    with house.store.read() as book:
        actions = [row.action for row in book.history(case.id)]
    assert actions.index("report_result") < actions.index("verify_pass") < actions.index("rate")


@pytest.mark.parametrize("answer", ["2", "没解决", "不满意", "还没修好"])
def test_not_solved_goes_back(resident: Resident, staff: Callable[[str], Staff], answer: str) -> None:
    """Not solved sends the case back to its holder, with the reason that follows, and a new deadline."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    assert "退回城市管理局" in resident.say(answer)
    assert resident.say("盖子是换了，但是还在响") == phrases.WHY_NOTED
    case = resident.case()
    assert (case.state, case.failed_checks) == ("assigned", 1)
    assert case.due_at is not None
    assert case.due_at > case.opened_at
    assert "还在响" in staff("urban").open(case).text


def test_a_bad_rating_is_asked_for_its_reason(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """不满意 after closing is recorded, and one word why is asked for and kept."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    resident.say("解决了")
    assert resident.say("3") == phrases.RATED_BAD
    assert resident.say("拖了太久") == phrases.WHY_NOTED
    case = resident.case()
    assert (case.state, case.rating, case.rating_words) == ("closed", "unsatisfied", "拖了太久")


def test_a_satisfied_word_verifies_and_rates_in_one(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Who answers the result with 满意 has verified and rated."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    assert resident.say("很满意，谢谢") == phrases.RATED
    assert (resident.case().state, resident.case().rating) == ("closed", "satisfied")


def test_not_solved_after_all(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Who finds a closed case unsolved says so, and it is taken up again by the same holder."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    resident.say("满意")
    assert "退回城市管理局" in resident.say("又坏了，还是没解决")
    case = resident.case()
    assert (case.state, case.rating, case.failed_checks) == ("assigned", None, 1)


def test_a_stray_done_rates_nothing(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """好了, said by the way after a rating, changes no rating."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    resident.say("不满意，太慢")
    resident.say("好了")
    assert resident.case().rating is None
    assert resident.case().state == "assigned"


def test_a_new_report_is_no_answer(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """While a verification is open, a new report is a new case and the question stays open."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    resident.say("临江路128号门口有人占道卖水果")
    assert len(resident.cases()) == 2
    assert "评个分" in resident.say("1")
    assert [case.state for case in resident.cases()] == ["closed", "assigned"]


def test_answers_by_number(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """With several cases a number says which one is meant."""
    first = number_in(resident.say(MANHOLE))
    wait_for_result(resident, staff)
    resident.say("新的：临江路128号门口有人占道卖水果")
    wait_for_result(resident, staff)
    assert "评个分" in resident.say(f"{first} 解决了")
    assert [case.state for case in resident.cases()] == ["closed", "resolved"]
    assert number_of(resident.cases()[0].id) == first


EVENTS = (
    ({"Event": "CLICK", "EventKey": "REPORT"}, phrases.INVITE),
    ({"Event": "CLICK", "EventKey": "PROGRESS"}, phrases.PROGRESS_NONE),
    ({"Event": "CLICK", "EventKey": "HELP"}, phrases.HOW_TO),
    ({"Event": "VIEW", "EventKey": "http://x"}, ""),
    ({"Event": "LOCATION", "Latitude": "23.1", "Longitude": "113.3", "Precision": "119"}, ""),
    ({"Event": "TEMPLATESENDJOBFINISH", "MsgID": "2", "Status": "success"}, ""),
    ({"Event": "something_new"}, ""),
    ({"Event": "unsubscribe"}, ""),
)


def test_events(resident: Resident) -> None:
    """Every event has a decided answer, and none opens a case."""
    for event, reply in EVENTS:
        assert resident.send("event", **event) == reply, event
    assert resident.cases() == []


def test_what_cannot_be_taken_is_said(resident: Resident) -> None:
    """Links, files and unknown kinds are answered with what to send instead."""
    said = {kind: resident.send(kind, Title="x", Url="http://x") for kind in ("link", "file", "notsure")}
    assert said == {"link": phrases.LINK, "file": phrases.FILE, "notsure": phrases.CANNOT_TAKE}


def test_a_phone_number_is_no_case_number(resident: Resident) -> None:
    """A report with a phone or parcel number in it is a report; a mistyped case number is said to be one."""
    for text in ("翠湖小区3栋路灯坏了 电话13812345677", "快递单号773123456784丢了，驿站不认账"):
        assert "收到" in resident.say(f"新的：{text}"), text
    assert len(resident.cases()) == 2
    assert resident.say("100018") == phrases.PROGRESS_UNKNOWN


@pytest.mark.parametrize("answer", ["128号", "128号那里", "就是128号"])
def test_the_answer_to_the_place_question_counts(resident: Resident, answer: str) -> None:
    """A bare house number, sent because the bot asked for it, completes the place."""
    resident.say("文昌路路灯不亮")
    resident.say(answer)
    assert resident.case().place_words.startswith("文昌路128号")
    assert resident.case().state == "assigned"


def test_a_correction_takes_the_places_stead(house: House, resident: Resident) -> None:
    """A wrong place is corrected by name or by number, and what is said about it is true."""
    resident.say("翠湖小区3栋楼道里堆满了纸箱")
    assert "柳荫苑2栋" in resident.say("说错了，是柳荫苑2栋")
    assert resident.case().place_words == "柳荫苑2栋"
    resident.say("不对，是翠湖小区3栋")
    resident.say("不是3栋，是12栋")
    assert resident.case().place_words == "翠湖小区12栋"
    assert holder(house, resident) == "grid-cuihu-02"


def test_small_additions_stay_with_their_case(resident: Resident) -> None:
    """Phone numbers, times and small words within a burst open nothing."""
    resident.say("翠湖小区3栋垃圾桶满了好几天没人清")
    for text in ("我电话13812345678", "下午两点以后在家", "真的受不了了", "[微笑]", "不知道", "没事"):
        resident.say(text)
    assert len(resident.cases()) == 1
    assert "13812345678" in resident.case().text


SOLVED_WORDS = ("好了", "灯亮了，谢谢", "解决", "已经亮了", "对", "一", "回复1", "①", "解决了，谢谢", "可以了")
UNSOLVED_WORDS = ("没有", "二", "还没亮", "还是老样子", "没解决，还在响")
PARTLY_WORDS = ("解决了一半", "3", "解决了一部分", "修好了一半")
UNCLEAR_WORDS = ("解决了，但是又坏了", "不知道，我不在家", "怎么说呢", "哦")


@pytest.mark.parametrize(
    ("answers", "state"),
    [(SOLVED_WORDS, "closed"), (UNSOLVED_WORDS, "assigned"), (PARTLY_WORDS, "assigned"), (UNCLEAR_WORDS, "resolved")],
)
def test_answers_in_all_words(
    resident: Resident, staff: Callable[[str], Staff], answers: tuple[str, ...], state: str
) -> None:
    """Whether it is solved may be said in many ways; what is unclear is asked again; none of it opens a case."""
    for text in answers:
        resident.say(f"新的：{MANHOLE}")
        wait_for_result(resident, staff)
        resident.say(text)
        assert resident.cases()[-1].state == state, text
        if state == "resolved":
            resident.say("解决了，满意")
    assert len(resident.cases()) == len(answers)


RATINGS = {
    "还可以": "fair",
    "挺好的": "satisfied",
    "马马虎虎": "fair",
    "没什么不满意的": "satisfied",
    "5分": "satisfied",
    "👍": "satisfied",
    "太差了": "unsatisfied",
    "２": "fair",
}


def test_ratings_in_all_words(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """A rating is understood as people say it."""
    for text, rating in RATINGS.items():
        resident.say(f"新的：{MANHOLE}")
        wait_for_result(resident, staff)
        resident.say("1")
        resident.say(text)
        assert resident.cases()[-1].rating == rating, text
    assert len(resident.cases()) == len(RATINGS)


def test_two_results_are_asked_about_in_turn(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """With two results waiting, the second is asked about once the first is settled."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    resident.say("新的：临江路128号门口有人占道卖水果")
    wait_for_result(resident, staff)
    resident.say("1")
    assert "还有一件" in resident.say("满意")
    resident.say("1")
    resident.say("满意")
    assert [case.state for case in resident.cases()] == ["closed", "closed"]


def test_a_new_report_is_no_reason(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """After 没解决, what plainly is another matter is a case of its own; thanks are no reason either."""
    resident.say(MANHOLE)
    wait_for_result(resident, staff)
    resident.say("2")
    resident.say("柳荫苑2栋楼道堆了好多杂物")
    assert len(resident.cases()) == 2


def test_staff_are_not_overruled(house: House, resident: Resident, staff: Callable[[str], Staff]) -> None:
    """Once a person has sent a case somewhere, what the resident adds does not move it."""
    resident.say("你们来看看吧，我们这儿越来越不像样子了")
    staff("dispatcher").act(resident.case(), "send", unit="dept-water", category="utility/water")
    resident.say("就在翠湖小区3栋，井盖也坏了")
    case = resident.cases()[0]
    assert (holder(house, resident), case.category_code) == ("dept-water", "utility/water")
    assert "翠湖小区3栋" in case.place_words


def test_beginning_anew(resident: Resident) -> None:
    """The menu's 我要上报 and 我要投诉 begin a new matter; a new estate is not the word 新的."""
    assert resident.say("我要投诉") == phrases.INVITE
    resident.say(MANHOLE)
    assert resident.send("event", Event="CLICK", EventKey="REPORT") == phrases.INVITE
    resident.say("新的小区路灯也坏了")
    assert len(resident.cases()) == 2
    assert "新的小区" in resident.cases()[1].text


def test_replies_fit_into_a_message(resident: Resident, staff: Callable[[str], Staff]) -> None:
    """However long results are, an answer stays within WeChat's 2,048 bytes."""
    for _ in range(3):
        resident.say(f"新的：{MANHOLE}")
        staff("urban").act(resident.cases()[-1], "report_result", text="已经换上新井盖，" * 55)
    assert len(resident.say("进度").encode()) <= 2048
