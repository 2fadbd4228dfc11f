"""What a resident sees on the phone and an officer in the console, in the words of the tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import requests
from playwright.sync_api import expect

from tests.services import LOOK_SECONDS, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, ViewportSize, WebError

    from tests.services import Service

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1440, "height": 900}
PASSWORD = "wanggetong"
NUMBER = re.compile(r"工单号 (\d+ \d{3})")


class Complaints:
    """What a browser complained about: console errors and warnings (CSP violations are such), page errors."""

    def __init__(self, context: BrowserContext) -> None:
        self.lines: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.lines.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self.lines.append(f"page error: {error.error}")


class Screen:
    """One person's browser, with its complaints."""

    def __init__(self, browser: Browser, service: Service, size: ViewportSize, sharpness: float = 1) -> None:
        context = browser.new_context(
            viewport=size, device_scale_factor=sharpness, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        self.complaints = Complaints(context)
        self.page: Page = context.new_page()
        self.service = service

    def open(self, path: str) -> None:
        """Go to a page of the service."""
        self.page.goto(self.service.url(path))

    def close(self) -> None:
        """Close the browser; it must not have complained."""
        self.page.context.close()
        assert self.complaints.lines == []


class Resident(Screen):
    """A resident with the sandbox's phone."""

    def __init__(self, browser: Browser, service: Service, openid: str) -> None:
        super().__init__(browser, service, PHONE)
        self.open("/sandbox/")
        with self.page.expect_response(
            f"**/sandbox/chats/{openid}/messages?after=0"
        ):  # what was said before stands there
            self.page.select_option("#resident", openid)
        self.page.evaluate("() => new Promise((shown) => requestAnimationFrame(shown))")

    @property
    def answers(self) -> Locator:
        """All passive replies, as bubbles."""
        return self.page.locator("#messages .bubble.theirs")

    @property
    def own(self) -> Locator:
        """All messages of the resident's own that have arrived, as bubbles."""
        return self.page.locator("#messages .turn.mine:not(.pending) .bubble")

    @property
    def pushes(self) -> Locator:
        """All messages that came by themselves, as bubbles."""
        return self.page.locator("#messages .bubble.push")

    def say(self, words: str) -> str:
        """Send a text and return the reply."""
        before = self.answers.count()
        self.page.fill("#text", words)
        self.page.click("#send")
        expect(self.page.locator("#messages .bubble.mine").last).to_have_text(words)
        return self._answer(before)

    def send_sample_photo(self) -> None:
        """Send the sandbox's sample photo; within a burst it is taken in silence."""
        before = self.own.count()
        self.page.click("#plus")
        self.page.click("#sample-photo")
        expect(self.own).to_have_count(before + 1)

    def send_place(self, name: str) -> None:
        """Send one of the sandbox's places; within a burst it is taken in silence."""
        before = self.own.count()
        self.page.click("#plus")
        self.page.click("#tool-place")
        self.page.select_option("#place", label=name)
        self.page.click("#location-send")
        expect(self.own).to_have_count(before + 1)

    def gets(self, words: str) -> None:
        """Wait for the one message of these words that comes by itself."""
        self._wait_for(self.pushes.filter(has_text=words))

    def gets_photo(self) -> None:
        """Wait for the one photo that comes by itself, and look at it."""
        photo = self.page.locator("#messages .bubble.push.picture img")
        self._wait_for(photo)
        assert_seen(photo)

    def _wait_for(self, bubble: Locator) -> None:
        """Pick up the phone again and again: the page asks for news at once, not only each second."""

        def there() -> bool:
            self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            return bubble.count() > 0

        wait_until(there, what=str(bubble))
        expect(bubble).to_have_count(1)

    def _answer(self, before: int) -> str:
        expect(self.answers).to_have_count(before + 1)
        return self.answers.last.inner_text()


class Officer(Screen):
    """A member of staff in the console."""

    def __init__(
        self, browser: Browser, service: Service, login: str, size: ViewportSize, sharpness: float = 1
    ) -> None:
        super().__init__(browser, service, size, sharpness)
        self.open("/console/")
        expect(self.page.locator("#login-form")).to_be_visible()
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.click("#login-form button[type=submit]")
        expect(self.page.locator("#main")).to_be_visible()
        expect(self.page.locator("#login-form")).to_have_count(0)

    def row(self, number: str) -> Locator:
        """Return a case's row in the list that is open."""
        return self.page.locator(f"a.row#case-{number}")

    def find(self, number: str) -> None:
        """Open a case from any list by its number."""
        self.open("/console/")
        self.page.fill("#find-words", number)
        self.page.click("#find button[type=submit]")
        self.stands(number)

    def take(self, number: str) -> None:
        """Open a case from the first list."""
        self.open("/console/")
        self.row(number).click()
        self.stands(number)

    def stands(self, number: str, state: str = "") -> None:
        """Look at a case's page: it is this case, in this state."""
        of_state = f'[data-state="{state}"]' if state else ""
        expect(self.page.locator(f'#case[data-number="{number}"]{of_state}')).to_be_visible()

    def form(self, action: str) -> Locator:
        """Return an action's form, opened if it lies behind a button."""
        expect(self.page.locator("html.js")).to_be_attached()  # console.js has made buttons and dialogs
        form = self.page.locator(f"form[data-action={action}]")
        button = self.page.locator(f"[data-open={action}]")
        if button.count():
            if not button.is_visible():
                self.page.click("#more")
            button.click()
            expect(self.page.locator(f"#dialog-{action}")).to_be_visible()
        return form

    def submit(self, form: Locator) -> None:
        """Send a form; the page that follows says that it was done."""
        with self.page.expect_navigation():  # the toast of the action before may still stand there
            form.locator("button[type=submit]").click()
        expect(self.page.locator("#toasts .toast[data-toast=ok]")).to_be_visible()

    def accept(self) -> None:
        """Accept the case that is open, with one tap."""
        self.submit(self.form("accept"))

    def write(self, action: str, words: str, photo: Path | None = None, **chosen: str | tuple[str, ...]) -> None:
        """Do an action that takes words, perhaps with a photo; `chosen`: what is ticked, by the names of the fields."""
        form = self.form(action)
        for name, values in chosen.items():
            for value in (values,) if isinstance(values, str) else values:
                self.tick(form, name, value)
        form.locator(f"#f-{action}-text").fill(words)
        if photo is not None:
            form.locator("input[name=photos]").set_input_files(photo)
            expect(form.locator(f"#f-{action}-previews img")).to_have_count(1)
        self.submit(form)

    def tick(self, form: Locator, name: str, value: str) -> None:
        """Tap one of several choices."""
        choice = f"input[name={name}][value='{value}']"
        form.locator(f"label:has({choice})").click()
        expect(form.locator(choice)).to_be_checked()

    def sees(self, place: Locator) -> None:
        """Reload the page until it shows what the worker has to do first."""

        def shown() -> bool:
            self.page.reload()
            return place.count() == 1

        wait_until(shown, what=str(place))


def assert_seen(image: Locator) -> None:
    """Wait until an image is loaded and has a size."""
    image.scroll_into_view_if_needed()
    wait_until(lambda: image.evaluate("image => image.complete && image.naturalWidth > 1"), what="an image")


def number_in(receipt: str) -> str:
    """Return the case number that a receipt tells, without its space."""
    found = NUMBER.search(receipt)
    assert found is not None, receipt
    return found[1].replace(" ", "")


def act(service: Service, openid: str, **wish: object) -> str:
    """Do something as a resident without a browser, and return the reply."""
    answer = requests.post(
        service.url(f"/sandbox/chats/{openid}/send"), json={"client_id": uuid4().hex, **wish}, timeout=LOOK_SECONDS
    )
    assert answer.ok, answer.text
    return "\n".join(each["body"]["text"] for each in answer.json()["messages"] if each["side"] == "theirs")


def say(service: Service, openid: str, words: str) -> str:
    """Send a text as a resident without a browser, and return the reply."""
    return act(service, openid, kind="text", text=words)
