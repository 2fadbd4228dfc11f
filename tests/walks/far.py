"""How far a walk goes, and the figures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from cases.workflow import Action, State
from tests.walks.machine import Walk
from tests.walks.promises import STEPS
from tests.walks.world import TALLY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.walks.world import Tally

STEPS_OF_A_WALK = 120
WALKS_AT_A_TIME = 10


def walk(city: Path, steps: int, first_seed: int, *, length: int = STEPS_OF_A_WALK, shrink: bool = True) -> None:
    """Walk at least so many steps, each walk in a copy of the database `city`. A fault raises AssertionError."""
    Walk.city = city
    quiet = settings(
        max_examples=max(1, min(WALKS_AT_A_TIME, steps // length)),
        stateful_step_count=length,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    target, turn = TALLY.steps + steps, first_seed
    while TALLY.steps < target:
        machine = seed(turn)(type("SeededWalk", (Walk,), {}))
        run_state_machine_as_test(machine, settings=quiet)
        turn += 1


def figures(tally: Tally, seconds: float) -> str:
    """Return what was done, as one reads it."""
    seen = sorted(state for state in State if tally.states[state])
    every = {(str(state), str(action), str(to)) for action, state, to in STEPS}
    never = sorted(set(map(str, Action)) - {action for _, action, _ in tally.changes})
    allowed, refused = tally.allowed.total(), tally.refused.total()
    return "\n".join(
        (
            f"steps {tally.steps}, walks {tally.walks}, cases {tally.cases}, {seconds:.0f} s",
            f"actions tried {allowed + refused}: allowed {allowed}, refused {refused}",
            f"states seen {len(seen)} of {len(State)}: {' '.join(seen)}",
            f"changes of the table seen {len(tally.changes & every)} of {len(every)}",
            f"actions never done: {' '.join(never) or 'none'}",
            "failures 0",
        )
    )
