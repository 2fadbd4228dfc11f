"""Every page of the console, and who looks at it; {number} and {other} are cases that the dispatcher sees."""

from __future__ import annotations

ANYBODY = ""
REGISTRY = (
    *(
        "",
        "units",
        "plans",
        "limits",
        "staff/row?key=water",
        "plans/row?key=fire",
        "places/import",
        "calendar",
        "grids",
    ),
)
GUIDES = ("officer", "department", "centre", "dispatcher", "leader", "admin")
LEARNING = ("", "/labels", "/conflicts", "/import", "/kinds/facility/manhole")
PAGES = {
    ANYBODY: ("/", "/sandbox/", "/console/login", "/console/offline"),
    "urban": (
        "/console/home",
        "/console/",
        "/console/?list=resolved",
        "/console/?list=ended",
        "/console/cases/{number}",
        "/console/team",
        "/console/report",
        "/console/notices",
        "/console/map",
        "/console/me",
        "/console/me/security",
        *(f"/console/help/{name}.html" for name in GUIDES),
    ),
    "dispatcher": (
        "/console/home",
        "/console/",
        "/console/?list=all",
        "/console/?list=all&case={number}",
        "/console/find",
        "/console/find?q=井盖&state=open&order=due",
        "/console/find?q=没有这样的词",
        "/console/cases/{number}",
        "/console/cases/{number}/compare?other={other}",
        "/console/cases/{number}/compare",
        "/console/bulk?case={number}&case={other}",
        "/console/triage",
        "/console/callbacks",
        "/console/broken",
        "/console/whistles",
        "/console/style",
        "/console/map",
    ),
    "leader": ("/console/home", "/console/?list=all", "/console/?list=supervised", "/console/cases/{number}"),
    "admin": (
        *("/console/categories", "/console/rules", "/console/rules/edit", "/console/audit", "/console/team"),
        *("/console/home", "/console/setup", "/console/guide", "/console/texts", "/console/posters"),
        *(f"/console/registry/{page}" for page in REGISTRY),
        *(f"/console/learning{page}" for page in LEARNING),
    ),
}
