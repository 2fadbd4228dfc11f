"""What WeChat tells about a resident, since 2021 without name and picture.

Source: 微信公众平台「获取用户基本信息」.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from bot.sandbox.errors import ApiError
from bot.sandbox.windows import resident

if TYPE_CHECKING:
    from bot.sandbox.context import Context, Json


def info(context: Context) -> Json:
    """GET /cgi-bin/user/info."""
    openid = request.args.get("openid", "")
    if not openid:
        raise ApiError(41009)
    with context.store.read() as db:
        row = resident(db, openid)
    if not row["following"]:
        return {"subscribe": 0, "openid": openid, "tagid_list": []}
    return {
        "subscribe": 1,
        "openid": openid,
        "nickname": "",
        "sex": 0,
        "language": "zh_CN",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": row["followed_at"],
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE" if row["scene"] else "ADD_SCENE_SEARCH",
        "qr_scene": 0,
        "qr_scene_str": row["scene"],
    }
