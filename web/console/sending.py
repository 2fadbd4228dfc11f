"""Forms that a page's script sends: what it is answered instead of pages, and what is said to a form sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, get_flashed_messages, jsonify, redirect, request, url_for

if TYPE_CHECKING:
    from flask import Response

    from cases.once import AlreadySent
    from web.console.session import Page

# `now`: somebody waits before the page. `later`: it was written without a network, and nobody may be looking.
HEADER = "X-Sent"
MOVED = frozenset({302, 303})


def by_script() -> bool:
    """Say whether a script sent this form, and wants to know what became of it."""
    return HEADER in request.headers


def answered(response: Response) -> Response:
    """Tell a script where it would be led, as browsers keep that from scripts, and what is to be said there.

    The page that is open renews itself meanwhile: words kept in the session would be said to that, and lost.
    """
    if by_script() and response.status_code in MOVED:
        said = get_flashed_messages(with_categories=True)
        more = {"said": said} if request.headers[HEADER] == "now" else {}
        return jsonify(to=response.headers["Location"], **more)
    return response


def again(before: AlreadySent) -> Page:
    """Lead to what followed when this form came for the first time."""
    if request.headers.get(HEADER) != "later":
        flash("这一件已经发过了，没有再发。", "ok")
    return redirect(before.address or url_for("console.queue"))


def refused(refusal: Exception, address: str) -> Page:
    """Say why not: on the page that follows, or to the script that sends what was written long before."""
    if request.headers.get(HEADER) == "later":
        return {"refused": str(refusal)}, 422
    flash(str(refusal), "error")
    return redirect(address)
