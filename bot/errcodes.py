"""WeChat's error codes, sorted by what to do about them. One table.

Source: 微信公众平台「全局返回码」「客服消息」「模板消息」「订阅通知」「获取稳定版接口调用凭据」.
"""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """What an error means for the message: try again, tell the staff, or wait until the account is set right."""

    RETRY = "retry"
    UNDELIVERABLE = "undeliverable"
    ALARM = "alarm"


# errcode → what to do, and the words that staff read. Codes that are not here are not tried again.
ERRORS = {
    # Passing.
    -1: (Fate.RETRY, "微信系统繁忙"),
    40014: (Fate.RETRY, "接口凭证刚换过"),
    42001: (Fate.RETRY, "接口凭证刚过期"),
    42007: (Fate.RETRY, "接口凭证失效了"),
    45011: (Fate.RETRY, "发得太快，微信要求慢一点"),
    # The account: nobody gets anything until somebody sets it right.
    40001: (Fate.ALARM, "接口凭证不对，请核对 AppSecret"),
    40002: (Fate.ALARM, "凭证类型不对，请核对公众号的设置"),
    40013: (Fate.ALARM, "AppID 不对"),
    40037: (Fate.ALARM, "模板 ID 不对"),
    40125: (Fate.ALARM, "AppSecret 不对"),
    40164: (Fate.ALARM, "这台服务器不在公众号的 IP 白名单里"),
    40243: (Fate.ALARM, "AppSecret 已被冻结"),
    41002: (Fate.ALARM, "缺少 AppID"),
    41004: (Fate.ALARM, "缺少 AppSecret"),
    45009: (Fate.ALARM, "今天的接口次数用完了"),
    48001: (Fate.ALARM, "公众号没有这个接口的权限"),
    48004: (Fate.ALARM, "接口被微信封禁，请登录公众平台看原因"),
    48008: (Fate.ALARM, "公众号没有发这种消息的权限"),
    50001: (Fate.ALARM, "公众号没有授权这个接口"),
    50002: (Fate.ALARM, "公众号被微信限制了"),
    89503: (Fate.ALARM, "调用接口要公众号管理员确认"),
    # This resident.
    40003: (Fate.UNDELIVERABLE, "微信不认识这位居民"),
    43004: (Fate.UNDELIVERABLE, "居民没有关注或已经取消关注"),
    43019: (Fate.UNDELIVERABLE, "居民在公众号的黑名单里"),
    43101: (Fate.UNDELIVERABLE, "居民没有同意接收这种通知"),
    45015: (Fate.UNDELIVERABLE, "居民超过48小时没来过消息，微信不让主动发"),
    45047: (Fate.UNDELIVERABLE, "居民上次来消息后，微信允许的条数已经发完"),
    48002: (Fate.UNDELIVERABLE, "居民关掉了接收公众号消息"),
    50005: (Fate.UNDELIVERABLE, "居民没有关注公众号"),
    # This message.
    40004: (Fate.UNDELIVERABLE, "微信不收这种文件"),
    40005: (Fate.UNDELIVERABLE, "微信不收这种文件"),
    40006: (Fate.UNDELIVERABLE, "文件太大"),
    40007: (Fate.UNDELIVERABLE, "微信那边的文件已经过期"),
    40008: (Fate.UNDELIVERABLE, "微信不收这种消息"),
    40009: (Fate.UNDELIVERABLE, "照片太大"),
    40137: (Fate.UNDELIVERABLE, "微信不收这种照片"),
    41005: (Fate.UNDELIVERABLE, "文件是空的"),
    44001: (Fate.UNDELIVERABLE, "文件是空的"),
    44002: (Fate.UNDELIVERABLE, "内容是空的"),
    44004: (Fate.UNDELIVERABLE, "内容是空的"),
    45001: (Fate.UNDELIVERABLE, "文件太大"),
    45002: (Fate.UNDELIVERABLE, "内容超过微信的长度限制"),
    47001: (Fate.UNDELIVERABLE, "微信看不懂这条消息的格式"),
    47003: (Fate.UNDELIVERABLE, "通知的字段和模板对不上"),
    # A page's login.
    40029: (Fate.UNDELIVERABLE, "登录的凭证过期了"),
    40163: (Fate.UNDELIVERABLE, "登录的凭证用过了"),
    42003: (Fate.UNDELIVERABLE, "登录的凭证过期了"),
}
# What every call is answered, whoever it is for.
WHOLE_ACCOUNT = frozenset({40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 45009, 48004, 50001, 50002, 89503})
TOKEN_ERRORS = frozenset({40001, 40014, 42001, 42007})
# What is wrong with the account, in words for staff, while it is (a fact of the case book).
FAULT_KEY = "wechat_fault"
OUTSIDE_WINDOW, COUNT_USED, NOT_GRANTED, NOT_FOLLOWING = 45015, 45047, 43101, 43004
# After these a message may still go another way; after the first two, the same way when the resident has written.
OTHER_WAY = frozenset({OUTSIDE_WINDOW, COUNT_USED, NOT_GRANTED, 48002, 48008})


class WeChatError(Exception):
    """A call failed. `words` are for staff; nothing in it holds a token, a secret or an openid."""

    def __init__(self, code: int, fate: Fate, words: str) -> None:
        super().__init__(f"WeChat error {code}: {words}")
        self.code, self.fate, self.words = code, fate, words

    @property
    def general(self) -> bool:
        """Whether any other call would have failed as well."""
        return self.fate is Fate.RETRY or self.code in WHOLE_ACCOUNT


def refusal(code: int) -> WeChatError:
    """Return the error for a code that WeChat answered."""
    fate, words = ERRORS.get(code, (Fate.UNDELIVERABLE, "微信拒绝了这次发送"))
    return WeChatError(code, fate, f"{words}（{code}）")
