"""What the console's pages show: plain values, ready for the templates, made from rows in `shape`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cases.contacts import Offer


@dataclass(frozen=True)
class Person:
    """Who is logged in."""

    name: str
    role_name: str
    unit_name: str
    is_admin: bool
    trains: bool


@dataclass(frozen=True)
class Tab:
    """One list that the person may look at. `key` is the address's `list=` value."""

    key: str
    name: str
    count: int
    current: bool


@dataclass(frozen=True)
class Alarm:
    """Danger to life that nobody has acknowledged: the case, its words, and since when."""

    number: str
    title: str
    since: str


@dataclass(frozen=True)
class BulkStrip:
    """How far an order over several cases is; `refused`: number as spoken, number, and why, of what was left alone."""

    id: int
    words: str
    waiting: bool
    undoable: bool
    refused: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class CaseLine:
    """One case in a list. `card` is `red`, `yellow` or empty."""

    number: str
    spoken: str
    title: str
    category: str
    place: str
    state: str
    state_name: str
    holder: str
    due: str
    card: str
    urgent: bool
    urges: int
    heat: int
    attention: str
    photos: int
    opened: str


@dataclass(frozen=True)
class Media:
    """A photo, voice or video; `state` waiting, stored, failed or withheld; addresses are empty unless stored.

    `phase` of a photo: before or after; of a voice its `length` in seconds, and `timing`: from when, to when, what.
    """

    kind: str
    state: str
    url: str
    thumbnail_url: str
    transcript: str
    seconds: str
    error: str
    transcript_by: str = ""
    id: int = 0
    phase: str = ""
    length: float = 0
    timing: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True)
class Delivery:
    """Whether a message reached the resident: state waiting, sent or undeliverable, the words about it, what to do."""

    state: str
    words: str
    todo: str = ""


@dataclass(frozen=True)
class Entry:
    """One bubble of the talk, or an internal note (`public` False). `who` resident, staff, bot or system."""

    at: str
    who: str
    name: str
    text: str
    public: bool
    media: tuple[Media, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    earlier: Media | None = None  # a photo of before that stands further up

    @property
    def pair(self) -> tuple[Media, Media] | None:
        """The first photos of before and of after, to be laid over each other, or None."""
        before = next((each for each in self.media if each.url and each.phase == "before"), self.earlier)
        after = next((each for each in self.media if each.url and each.phase == "after"), None)
        return (before, after) if before is not None and after is not None else None


@dataclass(frozen=True)
class Event:
    """One line of the history: when, who did what, and the words given with it."""

    at: str
    name: str
    words: str
    text: str


@dataclass(frozen=True)
class Choice:
    """An option of a select; `selected` for the present value."""

    value: str
    name: str
    selected: bool = False


@dataclass(frozen=True)
class Field:
    """One more thing to fill in: `kind` radio, select, checks (several), number or line; the choices grouped."""

    kind: str
    name: str
    label: str
    choices: tuple[tuple[str, tuple[Choice, ...]], ...] = ()
    value: str = ""
    placeholder: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ActionForm:
    """An action that this person may take now. The first one of a case is the likely one.

    Fields to show: `asks_text` (name `text`, required when `needs_text`), `asks_photos` (file input `photos`,
    several; `two_photos`: before and after), `units` (select `unit`, grouped: (group name, choices)), `categories`
    (select `category`, grouped), and whatever else is needed (`fields`).
    """

    action: str
    name: str
    hint: str
    placeholder: str
    asks_text: bool
    needs_text: bool
    asks_photos: bool
    two_photos: bool = False
    units: tuple[tuple[str, tuple[Choice, ...]], ...] = ()
    categories: tuple[tuple[str, tuple[Choice, ...]], ...] = ()
    fields: tuple[Field, ...] = ()

    @property
    def asks_nothing(self) -> bool:
        """Whether one tap is all."""
        return not (self.asks_text or self.asks_photos or self.units or self.categories or self.fields)


@dataclass(frozen=True)
class Task:
    """What another unit was asked to do: `standing` a key of `cases.tasks.STANDINGS`, with its words; when, by when."""

    kind: str
    unit: str
    by: str
    text: str
    standing: str
    standing_name: str
    asked: str
    due: str
    arrived: str
    answer: str


@dataclass(frozen=True)
class AlarmPanel:
    """Danger to life: where it stands (ringing, on, ended), in words; the plan's name, steps and phones."""

    state: str
    words: str
    kind: str
    plan: str
    steps: tuple[str, ...]
    phones: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Related:
    """Another case that may be the same matter, or is of the same person: number, words, how it stands, and why."""

    number: str
    spoken: str
    title: str
    state_name: str
    why: str


@dataclass(frozen=True)
class MapView:
    """The place on an empty canvas: SVG path data in a 320 × 200 box, and the point if there is one."""

    grid_path: str
    neighbour_paths: tuple[str, ...]
    point: tuple[float, float] | None
    grid_name: str


@dataclass(frozen=True)
class CasePage:
    """Everything on a case's page. `explained`: the result tells why it cannot be solved; `way`: leads to the place."""

    line: CaseLine
    text: str
    channel: str
    resident: str
    anonymous: bool
    waiting_since: str
    next_step: str
    place_source: str
    grid: str
    map: MapView | None
    joined: tuple[tuple[str, str], ...]
    merged_into: str
    reasons: tuple[str, ...]
    guesses: tuple[tuple[str, str], ...]
    evidence: tuple[str, ...]
    model_version: str
    rule: str
    result: str
    explained: bool
    rating: str
    rating_words: str
    window: str
    thread: tuple[Entry, ...]
    events: tuple[Event, ...]
    actions: tuple[ActionForm, ...] = field(default=())
    tasks: tuple[Task, ...] = ()
    danger: AlarmPanel | None = None
    twins: tuple[Related, ...] = ()
    others: tuple[Related, ...] = ()
    canned: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    contact: Offer | None = None
    way: str = ""


@dataclass(frozen=True)
class CategoryLine:
    """One row of the administrator's table of kinds."""

    code: str
    group: str
    name: str
    queues: tuple[tuple[str, tuple[Choice, ...]], ...]
    needs_place: bool
    urgent: bool
    accept_hours: float
    contact_hours: float
    finish_hours: float


@dataclass(frozen=True)
class RuleLine:
    """One routing rule in the list. `state`: on, off or broken; `uses`: how many of last month's cases it decided."""

    id: int
    at: int
    name: str
    said: str
    note: str
    state: str
    active: bool
    fault: str
    hint: str
    uses: int


@dataclass(frozen=True)
class TrialLine:
    """A case that would have gone elsewhere, without its words; `opens`: this person may see the case itself."""

    opens: bool
    number: str
    spoken: str
    opened: str
    category: str
    area: str
    before: str
    after: str
    rule: str


@dataclass(frozen=True)
class NoticeLine:
    """A notice to staff; `number` is empty when the case is no business of theirs any more."""

    id: int
    name: str
    text: str
    number: str
    spoken: str
    title: str
    at: str
    unread: bool
    pressing: bool


@dataclass(frozen=True)
class CallLine:
    """A resident to be called back: why, by when, and how their case ended."""

    id: int
    number: str
    spoken: str
    title: str
    why: str
    due: str
    late: bool
    tries: int
    result: str
    rating: str
    rating_words: str
