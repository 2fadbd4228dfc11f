"""Walk on and on, and say what was done: `WALK_STEPS=10000 python -m tests.walks [--seed N]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.walks import far
from tests.walks.world import TALLY, make_city


def main() -> None:
    """Walk at least as many steps as are asked for. A fault ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.walks", description=__doc__)
    parser.add_argument("--steps", type=int, default=int(os.environ.get("WALK_STEPS", "10000")))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shrink", action="store_true", help="look for the shortest way to a fault")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city.sqlite3"
        make_city(city)
        far.walk(city, arguments.steps, arguments.seed, shrink=arguments.shrink)
    sys.stdout.write(far.figures(TALLY, time.monotonic() - began) + "\n")


main()
