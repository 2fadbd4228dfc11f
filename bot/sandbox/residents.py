"""The people, places and notices of the sandbox. All invented."""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT = "gh_sandbox000001"
ACCOUNT_NAME = "网格通"


@dataclass(frozen=True)
class Resident:
    """One sample resident; `openid` has WeChat's 28 characters."""

    openid: str
    name: str
    about: str
    following: bool = True


@dataclass(frozen=True)
class Place:
    """A point that can be sent as a location; GCJ-02, as WeChat sends it."""

    name: str
    latitude: float
    longitude: float


RESIDENTS = (
    Resident("oSandboxWangAyi0000000000001", "王阿姨", "68 岁，住翠湖小区"),
    Resident("oSandboxXiaoLi00000000000002", "小李", "29 岁，在柳荫苑租房"),
    Resident("oSandboxZhaoShifu00000000003", "赵师傅", "外卖骑手，全城跑"),
    Resident("oSandboxChenLaoshi0000000004", "陈老师", "文昌路小学教师"),
    Resident("oSandboxXinJumin000000000005", "新居民", "刚搬来，还没有关注", following=False),
)

# The first places of the sample city's gazetteer, converted once from WGS-84; the last lies outside every grid.
PLACES = (
    Place("翠湖小区", 36.658719, 117.009513),
    Place("翠湖公园", 36.650854, 117.009569),
    Place("湖心桥", 36.651365, 117.021675),
    Place("安澜区人民医院", 36.651604, 117.030637),
    Place("柳荫苑", 36.659888, 117.035406),
    Place("解放路农贸市场", 36.661804, 117.052381),
    Place("文昌花园", 36.660238, 117.061258),
    Place("学府小吃街", 36.664131, 117.070274),
    Place("临江佳苑", 36.643175, 117.009659),
    Place("渡口新村", 36.644076, 117.034533),
    Place("望江公园", 36.635871, 117.062477),
    Place("北关菜市场", 36.666704, 117.020333),
    Place("云川火车站", 36.674459, 117.055789),
    Place("城外高速服务区（不在任何网格）", 36.802500, 117.301200),
)

# Notices that the account may send; any other template id is answered with 40037.
TEMPLATES = {
    "sandbox-template-accepted": "受理通知",
    "sandbox-template-progress": "办理进度通知",
    "sandbox-template-result": "办理结果通知",
}

EXAMPLES = (
    "翠湖小区3栋楼下井盖坏了，老人差点摔倒",
    "你好",
    "怎么用",
    "我报的井盖修了吗",
    "楼下烧烤店半夜还在吵",
    "有人拖欠我工资三个月了",
)

DEFAULT_MENU = {
    "button": [
        {"type": "click", "name": "我要上报", "key": "REPORT", "sub_button": []},
        {"type": "click", "name": "查进度", "key": "PROGRESS", "sub_button": []},
        {
            "name": "更多",
            "sub_button": [{"type": "click", "name": "使用说明", "key": "HELP", "sub_button": []}],
        },
    ]
}
