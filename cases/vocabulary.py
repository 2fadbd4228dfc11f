"""The words that the transition table is written in: states, actions, relations, conditions, effects."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    """Where a case stands. The four endings and the resident's own (withdrawn) are told apart everywhere."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    CLOSED = "closed"
    UNSOLVED = "unsolved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class Action(StrEnum):
    """What may happen to a case."""

    SUPPLEMENT = "supplement"
    URGE = "urge"
    WITHDRAW = "withdraw"
    COMPLAIN = "complain"
    VERIFY_PASS = "verify_pass"  # noqa: S105 - no password
    VERIFY_FAIL = "verify_fail"
    RATE = "rate"
    REMARK = "remark"
    REOPEN = "reopen"
    ACCEPT = "accept"
    ASSIGN = "assign"
    SET_OUT = "set_out"
    SETTLE = "settle"
    REPORT_RESULT = "report_result"
    REPORT_UNSOLVED = "report_unsolved"
    REPLY = "reply"
    ASK = "ask"
    CONTACT = "contact"
    NOTE = "note"
    SEND = "send"
    ESCALATE = "escalate"
    RETURN = "return"
    REJECT = "reject"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ASK_HELP = "ask_help"
    WHISTLE = "whistle"
    ARRIVE = "arrive"
    ANSWER_TASK = "answer_task"
    CONFIRM_TASK = "confirm_task"
    EMPTY_TASK = "empty_task"
    CANCEL_TASK = "cancel_task"
    ASK_EXTENSION = "ask_extension"
    GRANT_EXTENSION = "grant_extension"
    REFUSE_EXTENSION = "refuse_extension"
    SUPERVISE = "supervise"
    RELEASE = "release"
    ACKNOWLEDGE = "acknowledge"
    MEASURE = "measure"
    END_ALARM = "end_alarm"
    REVIEW_ALARM = "review_alarm"
    RESUME = "resume"


class Relation(StrEnum):
    """What somebody is to a case.

    SUPERIOR: of a centre above the holder; LOCAL: of one in whose area it lies, while others hold it; ABOVE: one level
    above the holder; WHISTLER: a community or street that may call departments to the spot; HELPER: of a unit that was
    asked to help; CALLER: of the unit that asked; FIRST: of the unit that accepted it first (首问), while others
    hold it; OBSERVER: a leader of the area.
    """

    REPORTER = "reporter"
    HOLDER = "holder"
    SUPERIOR = "superior"
    LOCAL = "local"
    ABOVE = "above"
    WHISTLER = "whistler"
    HELPER = "helper"
    CALLER = "caller"
    FIRST = "first"
    DISPATCHER = "dispatcher"
    OBSERVER = "observer"
    SYSTEM = "system"


class Condition(StrEnum):
    """What must also be so. `Facts.meet` says whether it is, `cases.words.OBSTACLES` what one reads when it is not."""

    ALARM_RINGS = "alarm_rings"
    ALARM_ON = "alarm_on"
    ALARM_QUIET = "alarm_quiet"
    ALARM_OVER = "alarm_over"
    HOLDS = "holds"
    AT_GRID = "at_grid"
    AT_DISPATCH = "at_dispatch"
    HAS_ABOVE = "has_above"
    SAID_SOLVED = "said_solved"
    SAID_UNSOLVED = "said_unsolved"
    MAY_RETURN = "may_return"
    SENT_BY_UNIT = "sent_by_unit"
    TASK_OPEN = "task_open"
    NOT_ARRIVED = "not_arrived"
    HELPERS_DONE = "helpers_done"
    HELPERS_BUSY = "helpers_busy"
    ANSWERED = "answered"
    MAY_EXTEND = "may_extend"
    EXTENSION_ASKED = "extension_asked"
    NOT_SUPERVISED = "not_supervised"
    SUPERVISED = "supervised"
    NOT_RATED = "not_rated"
    PAUSED = "paused"


class Effect(StrEnum):
    """What follows besides the new state; `cases.lifecycle` does it."""

    TAKE = "take"  # who acts has it in hand
    HOLD = "hold"  # a unit gets it, with new limits
    SENDER = "sender"  # who sent it is noted: a first return goes back there
    RETURNED = "returned"  # the return counts; the second goes to the dispatchers
    CONTACTED = "contacted"  # the resident has been spoken to
    EXTEND = "extend"  # the time asked for is added
    PAUSE = "pause"  # the clocks stand
    RESUME = "resume"  # and go on
    STOP = "stop"  # nothing more is gathered, the result is dated
    LABEL = "label"  # the kind was handled where it was sent: the classifier may learn it
    FAILED = "failed"  # not solved after all: it counts, the third time under supervision
    END = "end"  # callbacks, supervision and what is still owed are settled


OPEN = frozenset({State.NEW, State.ASSIGNED, State.ACCEPTED, State.RESOLVED})
IN_HAND = frozenset({State.ASSIGNED, State.ACCEPTED})
UNRESOLVED = IN_HAND | {State.NEW}
SETTLED = frozenset({State.CLOSED, State.UNSOLVED})
ENDED = SETTLED | {State.REJECTED, State.WITHDRAWN, State.MERGED}
STAFF = (Relation.DISPATCHER, Relation.SUPERIOR, Relation.HOLDER)


@dataclass(frozen=True)
class Facts:
    """What conditions are asked of: the conditions that are met now, for this case and this person."""

    met: frozenset[Condition] = frozenset()

    def meet(self, condition: Condition) -> bool:
        """Say whether this is so."""
        return condition in self.met

    @classmethod
    def of(cls, **said: bool) -> Facts:
        """Return the facts in which these conditions, by their names, are so or not."""
        return cls(frozenset(Condition(name) for name, met in said.items() if met))


@dataclass(frozen=True)
class Rule:
    """`by` may do `action` in `states`, `when` all conditions are met; the case moves `to` (None: stays).

    `needs` must be given; `does` follows; `tells` names the notice that the resident gets, `asks` what the bot then
    waits for; `public`: what was said is part of the talk with the resident.
    """

    action: Action
    by: tuple[Relation, ...]
    states: Iterable[State]
    to: State | None = None
    needs: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    does: tuple[Effect, ...] = field(default=())
    tells: str = ""
    asks: str = ""
    public: bool = False
