"""Measure how long the arena takes: public instances within their capacity, and a chain of 20,000 buffers.

Run it as `python benchmarks/speed/arena.py [SECONDS]`; each instance has that many seconds, 60 by default.
Times are process times, so a busy machine does not change them much.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import Random

from hmcos.allocation.auto import auto
from hmcos.allocation.files.lives_file import read_lives
from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.limits import Limits, Watch
from hmcos.memory.lifetimes import Life

INSTANCES = Path(__file__).parents[1] / "quality" / "minimalloc"
CAPACITY = 1_048_576


def chain(count: int, seed: int = 0) -> Lives:
    """Lives of a long network: one born at each step, most short, some long."""
    rng = Random(seed)
    lives = [
        Life(i, min(count, i + 2 + int(rng.expovariate(0.1))), rng.randint(1, 1000) * 64, None)
        for i in range(count)
    ]
    return Lives(tuple(lives))


def measure(name: str, lives: Lives, limits: Limits) -> None:
    """Print one line: what was reached, what largest first reaches, and the time."""
    start = time.process_time()
    arena = auto(lives, limits, Watch())
    seconds = time.process_time() - start
    simple = largest_first(lives, Limits(), Watch()).size
    waste, simple_waste = arena.size / arena.lower_bound - 1, simple / arena.lower_bound - 1
    print(
        f"{name:6} {len(lives.lives):6} lives  {arena.size:10,} bytes  bound {arena.lower_bound:10,}  "
        f"+{waste:6.2%}  {arena.status:10}  largest first +{simple_waste:6.2%}  {seconds:6.2f} s"
    )


def main() -> None:
    """Measure everything."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    for path in sorted(INSTANCES.glob("*.csv")):
        lives = read_lives(path).lives
        measure(path.name.split(".")[0], lives, Limits(seconds=seconds, budget=CAPACITY))
    measure("chain", chain(20_000), Limits(seconds=seconds))


if __name__ == "__main__":
    main()
