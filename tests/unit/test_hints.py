import pytest

from cases import hints
from cases.hints import NO_MONEY, NO_PLACE, NO_RESULT, NO_TIME, PASSED_ON, TOO_SHORT

MATTER = "翠湖小区3栋楼下井盖坏了，老人差点摔倒"
WHEN, MUCH, WHERE = "什么时候能修好？", "停车要多少钱？", "这个要去哪里办？"
STIFF = "大白话"
# An action, an answer, what the resident asked, and the hints that it must raise: these and no others.
ANSWERS: tuple[tuple[str, str, str, set[str]], ...] = (
    # What residents complain about most: it only says that it went elsewhere.
    ("reply", "已转交相关部门处理。", MATTER, {PASSED_ON}),
    ("reply", "您好，您反映的问题已转给城管局处理，请耐心等待。", MATTER, {PASSED_ON}),
    ("reply", "已派单", MATTER, {PASSED_ON, TOO_SHORT}),
    ("reply", "你好，已反馈给物业，谢谢！", MATTER, {PASSED_ON}),
    ("reply", "您的诉求我们已经上报街道。", MATTER, {PASSED_ON}),
    ("reply", "已转相关科室核实。", MATTER, {PASSED_ON}),
    ("reply", "我们已将您的问题转交给住建局办理。", MATTER, {PASSED_ON}),
    ("reply", "已经通知物业了。", MATTER, {PASSED_ON}),
    ("report_result", "已转交城管局处理。", MATTER, {PASSED_ON, NO_RESULT}),
    ("settle", "已通知物业处理", MATTER, {PASSED_ON, NO_RESULT}),
    ("report_result", "此件已转办，请等待。", MATTER, {PASSED_ON, NO_RESULT}),
    # It says who and when as well: that is an answer.
    ("reply", "已转给城管局王工，今天下午两点到场，电话 0000-81001028。", MATTER, set()),
    ("reply", "已通知物业，师傅半小时后到。", MATTER, set()),
    ("reply", "已上报街道，明天上午街道派人来看。", WHEN, set()),
    # It does not answer what was asked.
    ("reply", "我们会派人去看看的，请您放心。", WHEN, {NO_TIME}),
    ("reply", "师傅今天下午两点到。", WHEN, set()),
    ("reply", "大约三天修好，到时候告诉您。", WHEN, set()),
    ("reply", "配件到了就修，下周一前。", WHEN, set()),
    ("reply", "半个小时之内就能到您那里。", WHEN, set()),
    ("reply", "收费要看具体是哪个停车场。", MUCH, {NO_MONEY}),
    ("reply", "第一个小时 5 元，之后每小时 2 元。", MUCH, set()),
    ("reply", "这项服务是免费的，您放心。", MUCH, set()),
    ("reply", "请您带齐材料之后再过来办理。", WHERE, {NO_PLACE}),
    ("reply", "请到翠湖街道办事处一楼窗口办。", WHERE, set()),
    ("reply", "您可以打电话找物业前台问。", WHERE, set()),
    # The question was answered long ago, or is about something else.
    ("reply", "师傅已经在路上，请留意电话。", MATTER, set()),
    # No result.
    ("report_result", "我们去现场看过情况。", MATTER, {NO_RESULT}),
    ("report_result", "正在协调物业尽快落实。", MATTER, {NO_RESULT}),
    ("report_result", "会尽快处理的，请放心。", MATTER, {NO_RESULT}),
    ("report_result", "将安排人员进行维修。", MATTER, {NO_RESULT}),
    ("report_result", "已换上新井盖，周边清扫干净。", MATTER, set()),
    ("report_result", "和邻居说好了，晚上十点后不再放音响。", MATTER, set()),
    ("report_result", "现场查了两遍，没有发现漏气，阀门拧紧了。", MATTER, set()),
    ("report_result", "已处理", MATTER, {NO_RESULT}),
    ("report_result", "您反映的问题已处理完毕。", MATTER, {NO_RESULT}),
    ("report_result", "我们去看了，了解了情况。", MATTER, {NO_RESULT}),
    ("report_result", "已安排师傅明天上门。", MATTER, {NO_RESULT}),
    ("report_result", "已通知物业，物业当天把纸箱清走了。", MATTER, set()),
    ("report_result", "路灯恢复照明，换了两个灯泡。", MATTER, set()),
    ("reply", "已通知物业修好了。", MATTER, set()),
    ("report_result", "已将井盖换新。", MATTER, set()),
    ("reply", "6栋的事我们再去看看。", WHEN, {NO_TIME}),
    ("settle", "扶起来摆齐了", MATTER, set()),
    ("settle", "倒的树枝锯掉拉走了。", MATTER, set()),
    ("report_unsolved", "这条路明年三月统一翻修，先放了警示牌。", MATTER, set()),
    ("report_unsolved", "办不了", MATTER, {TOO_SHORT}),
    # Short, stiff, empty.
    ("reply", "好的", MATTER, {TOO_SHORT}),
    ("reply", "   ", MATTER, set()),
    ("reply", "我单位高度重视，立即组织人员到现场查看。", MATTER, {STIFF}),
    ("reply", "根据相关规定，这件事要业委会同意。", MATTER, {STIFF}),
)


@pytest.mark.parametrize(("action", "text", "asked", "expected"), ANSWERS)
def test_an_answer_gets_these_hints(action: str, text: str, asked: str, expected: set[str]) -> None:
    """An answer is told what residents would miss in it, and nothing else."""
    found = {STIFF if STIFF in hint else hint for hint in hints.hints(action, text, asked)}
    assert found == expected


def test_only_the_last_question_counts() -> None:
    """What the resident asked last is what the answer is looked at for: of earlier questions some were answered."""
    talk = f"{MATTER}\n{WHEN}\n{MUCH}"
    assert hints.hints("reply", "第一个小时 5 元，之后每小时 2 元。", talk) == []
    assert hints.hints("reply", "师傅今天下午到您那里。", talk) == [NO_MONEY]


def test_a_stiff_word_is_named() -> None:
    """The hint says which words could be plainer."""
    [hint] = hints.hints("reply", "这个问题我们会妥善处理的。", MATTER)
    assert "妥善处理" in hint
