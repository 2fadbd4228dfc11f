"""The tables. One row class each; rules about the rows live elsewhere.

Times are aware and in UTC. Units, places and categories are loaded from files (`cases.city`); `history` is only
ever added to; `inbox` and `outbox` hold what came from and what is owed to a resident. What tells who somebody is
stands sealed, or as a digest by which it is found (`cases.storage.sealed`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from cases.storage.moment import Moment
from cases.storage.sealed import Found, Sealed, SealedFields


class Base(DeclarativeBase):
    """Base of the tables; constraints get names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 - SQLAlchemy's own way


class MetaRow(Base):
    """Small facts about the database itself, such as the version of the loaded city."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class UnitRow(Base):
    """A unit, which is a queue as well: city, district, street, community, grid, department or dispatch.

    `path` is the chain of ids from the top, `/1/2/7/`; `former_codes` still stand on posters that hang somewhere.
    `polygon` is a GeoJSON geometry in WGS-84, for grids. `opening`: its working time (`cases.worktime`), else as
    above it. `active` is false for a unit that exists no more: its past cases still name it.
    """

    __tablename__ = "units"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    path: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40))
    former_codes: Mapped[list[Any]] = mapped_column(JSON, default=list)
    opening: Mapped[str] = mapped_column(String(60), default="")
    active: Mapped[bool] = mapped_column(default=True)
    polygon: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class PlaceRow(Base):
    """A named place, or the part of it with house numbers in `numbers`. Point in WGS-84."""

    __tablename__ = "places"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    aliases: Mapped[list[Any]] = mapped_column(JSON)
    kind: Mapped[str] = mapped_column(String(20))
    grid_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    numbers: Mapped[str] = mapped_column(String(40))
    lon: Mapped[float]
    lat: Mapped[float]


class CategoryRow(Base):
    """A kind of matter, with its queue and limits (hours): the table that the administrator changes.

    `auto`: its cases go to the queue by themselves; a new kind waits until its guesses have shown that they are good.
    `confident`: from which probability, where this kind has a threshold of its own.
    """

    __tablename__ = "categories"
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    group_name: Mapped[str] = mapped_column(String(40))
    queue: Mapped[str] = mapped_column(String(60))
    needs_place: Mapped[bool]
    urgent: Mapped[bool]
    accept_hours: Mapped[float]
    contact_hours: Mapped[float]
    finish_hours: Mapped[float]
    auto: Mapped[bool] = mapped_column(default=True)
    confident: Mapped[float | None]


class GuideRow(Base):
    """One matter of the office guide, which the administrator fills; `names` are the ways of asking for it."""

    __tablename__ = "guide"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(40), unique=True)
    names: Mapped[list[Any]] = mapped_column(JSON)
    what: Mapped[str] = mapped_column(Text)
    where_to: Mapped[str] = mapped_column(String(200))
    hours: Mapped[str] = mapped_column(String(200))
    papers: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(100))
    elsewhere: Mapped[bool] = mapped_column(default=False)


class PhraseRow(Base):
    """A text of the bot that the administrator has put in the stead of the catalogue's own."""

    __tablename__ = "phrases"
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class StaffRow(Base):
    """A member of staff. `sample` accounts come with the sample city and cannot log in in production.

    `groups`: the groups of kinds that they may see, empty for all; `contacts`: they may look at residents' numbers;
    `backup_id`: who stands in for them while they are away (AB岗). `external_id`: what another login calls them.
    `must_change`: somebody else knows the password, since `password_changed_at`. `totp_secret`: sealed, empty without a
    second step; `totp_step`: the last one of which a code was taken.
    """

    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(20))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    phone: Mapped[str] = mapped_column(Sealed)
    password_hash: Mapped[str] = mapped_column(String(200))
    sample: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    groups: Mapped[list[Any]] = mapped_column(JSON, default=list)
    contacts: Mapped[bool] = mapped_column(default=False)
    backup_id: Mapped[int | None]
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(Sealed)
    external_digest: Mapped[str | None] = mapped_column(Found, index=True, unique=True)
    password_changed_at: Mapped[datetime | None]
    must_change: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[str] = mapped_column(String(300), default="")
    totp_step: Mapped[int] = mapped_column(default=0)

    @validates("external_id")
    def _found_by_it(self, _name: str, value: str | None) -> str | None:
        """Let the account be found by what another login calls it."""
        self.external_digest = value
        return value


class ResidentRow(Base):
    """A resident of one official account.

    `asked` is what the bot waits for (`bot.answers`), about which case, and which other one; `told_at`: when they
    read what is kept of them; `erase_at`: when they are to be forgotten; `anonymous`: nobody shall know who reported.
    `wrote_at` and `tapped_at` (a menu click, a scan, a follow) open WeChat's windows (`cases.windows`).
    """

    __tablename__ = "residents"
    __table_args__ = (UniqueConstraint("account", "openid_digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    openid: Mapped[str] = mapped_column(Sealed)
    openid_digest: Mapped[str] = mapped_column(Found)
    following: Mapped[bool] = mapped_column(default=True)
    usual_grid_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    scene_grid_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    scene_at: Mapped[datetime | None]
    asked: Mapped[str | None] = mapped_column(String(10))
    asked_case_id: Mapped[int | None]
    asked_other_id: Mapped[int | None]
    asked_at: Mapped[datetime | None]
    anonymous: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime | None]
    erase_at: Mapped[datetime | None] = mapped_column(index=True)
    last_seen_at: Mapped[datetime]
    wrote_at: Mapped[datetime | None]
    tapped_at: Mapped[datetime | None]

    @validates("openid")
    def _found_by_it(self, _name: str, value: str) -> str:
        """Let the resident be found by their openid."""
        self.openid_digest = value
        return value


class GrantRow(Base):
    """How many more subscription notices of one template a resident has agreed to."""

    __tablename__ = "grants"
    __table_args__ = (UniqueConstraint("resident_id", "template_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"))
    template_id: Mapped[str] = mapped_column(String(100))
    remaining: Mapped[int]


class CaseRow(Base):
    """A case. Its number is computed from `id` (`cases.numbers`), its due time is the limit that counts now.

    `alarmed_at`: danger to life, which somebody has to acknowledge; `attention`: why a dispatcher should look at it
    (`cases.words.ATTENTION`), empty once they did; `merged_into_id`: the case that this one's reporter follows instead.
    `reporter_id`: the member of staff who reported it on patrol. `first_unit_id`: the unit that accepted it first.
    `sender_id`: the unit that sent it on, none for the dispatchers; `returns`: how often it was given back.
    `paused_at`: the clocks stand, the resident was asked. `extension_hours`: more time asked for, in office hours.
    `outcome`: what the holder reported (solved, unsolved); `solved`: what the reporter said (solved, partly,
    unsolved). `alert_at`: when the next card is due, `alert_step` how many were shown for this limit.
    `supervised_at`: under supervision, with a date.
    `alarm_kind`: what danger; `alarm_called_id`: who of those on duty is called now; then ended, then reviewed.
    Why it is where it is: `guesses` of `model_version`, the first one's probability as `certainty`, the words that
    spoke for it as `evidence`, the rule that decided (`rule_id`), and all of it in plain words (`reasons`).
    """

    __tablename__ = "cases"
    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int | None] = mapped_column(ForeignKey("residents.id"), index=True)
    channel: Mapped[str] = mapped_column(String(20), default="wechat")
    source_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, default="")
    category_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"))
    category_by: Mapped[str] = mapped_column(String(20), default="classifier")
    guesses: Mapped[list[Any]] = mapped_column(JSON, default=list)
    model_version: Mapped[str | None] = mapped_column(String(60))
    certainty: Mapped[float | None]
    evidence: Mapped[list[Any]] = mapped_column(JSON, default=list)
    rule_id: Mapped[int | None]
    place_words: Mapped[str] = mapped_column(String(200), default="")
    place_source: Mapped[str] = mapped_column(String(20), default="")
    place_asked: Mapped[bool] = mapped_column(default=False)
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reasons: Mapped[list[Any]] = mapped_column(JSON, default=list)
    opened_at: Mapped[datetime] = mapped_column(index=True)
    gathering_until: Mapped[datetime | None]
    accept_by: Mapped[datetime]
    contact_by: Mapped[datetime]
    finish_by: Mapped[datetime]
    due_at: Mapped[datetime | None]
    contacted_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    result: Mapped[str] = mapped_column(Text, default="")
    failed_checks: Mapped[int] = mapped_column(default=0)
    urgent: Mapped[bool] = mapped_column(default=False)
    urges: Mapped[int] = mapped_column(default=0)
    urged_at: Mapped[datetime | None]
    anonymous: Mapped[bool] = mapped_column(default=False)
    attention: Mapped[str] = mapped_column(String(20), default="")
    reporter_id: Mapped[int | None] = mapped_column(index=True)
    first_unit_id: Mapped[int | None] = mapped_column(index=True)
    sender_id: Mapped[int | None]
    returns: Mapped[int] = mapped_column(default=0)
    paused_at: Mapped[datetime | None]
    extension_hours: Mapped[float | None]
    extensions: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str] = mapped_column(String(10), default="")
    solved: Mapped[str] = mapped_column(String(10), default="")
    alert_at: Mapped[datetime | None] = mapped_column(index=True)
    alert_step: Mapped[int] = mapped_column(default=0)
    supervised_at: Mapped[datetime | None] = mapped_column(index=True)
    supervise_by: Mapped[datetime | None]
    supervisor_id: Mapped[int | None]
    alarmed_at: Mapped[datetime | None]
    alarm_kind: Mapped[str] = mapped_column(String(20), default="")
    alarm_called_id: Mapped[int | None]
    alarm_called_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None]
    alarm_ended_at: Mapped[datetime | None]
    alarm_reviewed_at: Mapped[datetime | None]
    verify_days: Mapped[float] = mapped_column(default=7.0)
    merged_into_id: Mapped[int | None] = mapped_column(index=True)
    rating: Mapped[str | None] = mapped_column(String(20))
    rating_words: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (Index(None, "holder_id", "state", "due_at"), Index(None, "state", "due_at"))


class FollowerRow(Base):
    """A resident who follows a case that a neighbour reported: they hear of its progress and count in its heat."""

    __tablename__ = "followers"
    __table_args__ = (UniqueConstraint("case_id", "resident_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    created_at: Mapped[datetime]


class HistoryRow(Base):
    """One thing that happened to a case. `public` is part of the talk with the resident; never changed."""

    __tablename__ = "history"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(20))  # resident, staff, bot or system
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    action: Mapped[str] = mapped_column(String(20))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, default="")
    public: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (Index(None, "action", "at"),)


class AttachmentRow(Base):
    """A photo, voice or video of a case. `state`: waiting, stored or failed; `file` is our own name for it.

    `transcript` has the words in it, heard or read; `reading` whether an engine is still to find them: waiting, done,
    failed, or empty where none is asked. `transcript_by` says whose words they are: wechat, engine, resident, staff.
    `phase`: a photo of staff's shows the matter before or after.
    """

    __tablename__ = "attachments"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    history_id: Mapped[int | None] = mapped_column(ForeignKey("history.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    phase: Mapped[str] = mapped_column(String(10), default="")
    media_id: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    file: Mapped[str] = mapped_column(String(80), default="", index=True)
    mime: Mapped[str] = mapped_column(String(60), default="")
    transcript: Mapped[str] = mapped_column(Text, default="")
    transcript_by: Mapped[str] = mapped_column(String(10), default="")
    reading: Mapped[str] = mapped_column(String(10), default="")
    timing: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))  # when it is said: [[from, to, words]]
    seconds: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    __table_args__ = (Index(None, "state", "next_try_at"), Index(None, "reading", "next_try_at"))


class InboxRow(Base):
    """One delivery from WeChat, kept as it came, with the reply that it got; `key` (a digest) makes repeats one."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("account", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(Found)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    fields: Mapped[dict[str, Any]] = mapped_column(SealedFields)
    received_at: Mapped[datetime] = mapped_column(index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    reply: Mapped[str] = mapped_column(Sealed, default="")


class OutboxRow(Base):
    """A text or photo owed to a resident. `state`: waiting, sending, sent, delivered, undeliverable or dropped.

    `notice` says what it tells: one of `cases.words.NOTICES`, `photo`, `transcript`, `burst`
    (what came in silence) or `late` (the reply to a message that broke our code at first).
    `channel` is the way it went, `msgid` WeChat's name for it, by which a receipt turns `sent` into `delivered`;
    `error` says to staff why not. `when_back`: the resident gets it whole when they write again.
    """

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    history_id: Mapped[int | None] = mapped_column(ForeignKey("history.id"), index=True)
    notice: Mapped[str] = mapped_column(String(20), default="")
    text: Mapped[str] = mapped_column(Text)
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id"))
    state: Mapped[str] = mapped_column(String(15), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(20), default="")
    msgid: Mapped[str] = mapped_column(String(40), default="")
    when_back: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "state", "next_try_at"),)
