"""The OpenAPI document, made from the route table, so that it cannot tell of what is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cases.workflow import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from web.api.shape import Field, Route

VERSION = "1.0.0"
ABOUT = """网格通的接口。每次调用在 `Authorization: Bearer wgt_…` 里带令牌，按那个账号的权限办；
令牌用 `flask --app web staff token` 发放。工单里的电话一律遮住。"""
PART = re.compile(r"{(\w+)}")
PARTS = {"number": "工单号", "action": "做什么，见 allowed_actions"}
TEXT: dict[str, Any] = {"type": "string"}
MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
MAYBE: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": "integer"}
FLAG: dict[str, Any] = {"type": "boolean"}
PROBLEMS = {
    400: "正文不是 JSON 对象",
    401: "没有令牌，或者令牌无效",
    403: "账号不能用这个接口",
    404: "没有，或者不归这个账号管",
    409: "现在的状态做不了，或者 source_key 被别人用过",
    422: "内容不对，faults 里逐条说明",
}


def _object(properties: Mapping[str, Any], base: str = "") -> dict[str, Any]:
    """Return the schema of an object that always has these properties, beside those of `base`."""
    own = {"type": "object", "properties": dict(properties), "required": list(properties)}
    return {"allOf": [_ref(base), own]} if base else own


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _or_null(name: str) -> dict[str, Any]:
    return {"oneOf": [_ref(name), {"type": "null"}]}


NAMED = _object({"code": TEXT, "name": TEXT})
BRIEF = _object(
    {
        "number": TEXT,
        "state": TEXT | {"enum": [str(state) for state in State]},
        "state_name": TEXT,
        "text": TEXT,
        "category": _or_null("Named"),
        "place": TEXT,
        "holder": _ref("Named"),
        "channel": TEXT,
        "urgent": FLAG,
        "opened_at": MOMENT,
        "due_at": MOMENT,
    }
)
DEADLINES = ("accept_by", "contact_by", "finish_by", "contacted_at", "resolved_at", "ended_at")
EVENT = _object(
    {"at": MOMENT, "who": TEXT, "name": MAYBE, "action": TEXT, "to_state": MAYBE, "text": TEXT, "public": FLAG}
)
ALLOWED = _object({"action": TEXT, "name": TEXT, "needs": _list(TEXT)})
SCHEMAS = {
    "Named": NAMED,
    "Brief": BRIEF,
    "Event": EVENT,
    "Allowed": ALLOWED | {"properties": ALLOWED["properties"] | {"units": _list(_ref("Named"))}},
    "Case": _object(
        {
            "grid": _or_null("Named"),
            "handler": MAYBE,
            "anonymous": FLAG,
            "outcome": TEXT,
            "result": TEXT,
            "rating": MAYBE,
            "reasons": _list(TEXT),
            "deadlines": _object(dict.fromkeys(DEADLINES, MOMENT)),
            "history": _list(_ref("Event")),
            "allowed_actions": _list(_ref("Allowed")),
        },
        "Brief",
    ),
    "CaseList": _object(
        {
            "lists": _list(_object({"key": TEXT, "name": TEXT})),
            "list": TEXT,
            "page": NUMBER,
            "pages": NUMBER,
            "total": NUMBER,
            "cases": _list(_ref("Brief")),
        }
    ),
    "Opened": _object({"opened": FLAG, "url": TEXT}, "Brief"),
    "Acted": _object({"still_yours": FLAG}, "Brief"),
    "Problem": {
        "type": "object",
        "properties": {"type": TEXT, "title": TEXT, "status": NUMBER, "detail": TEXT, "faults": _list(TEXT)},
        "required": ["type", "title", "status", "detail"],
    },
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "网格通", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "description": PARTS[name], "schema": TEXT}
            for name in PART.findall(route.path)
        ]
        + [
            {"name": name, "in": "query", "description": each.about, "schema": TEXT}
            for name, each in route.query.items()
        ],
        "responses": {str(status): _answer(name) for status, name in route.answers.items()}
        | {str(status): _problem(status) for status in sorted({401, 403, *route.problems})},
    }
    if route.body:
        content = {"application/json": {"schema": _body(route.body)}}
        told["requestBody"] = {"required": any(each.required for each in route.body.values()), "content": content}
    return told


def _answer(name: str) -> dict[str, Any]:
    return {"description": "好", "content": {"application/json": {"schema": _ref(name)}}}


def _problem(status: int) -> dict[str, Any]:
    return {"description": PROBLEMS[status], "content": {"application/problem+json": {"schema": _ref("Problem")}}}


def _body(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: TEXT | {"description": each.about, "maxLength": each.most} for name, each in fields.items()
        },
        "required": [name for name, each in fields.items() if each.required],
        "additionalProperties": False,
    }
