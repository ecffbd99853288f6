"""A fixed piece of pure Python, so that times of different machines and moments can be compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def yardstick() -> float:
    """Seconds for a million additions in a loop: the best of five."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        total = 0
        for k in range(1_000_000):
            total += k & 7
        best = min(best, time.perf_counter() - started)
    return best


def seconds(run: Callable[[], object], repeats: int) -> float:
    """The median time of a call over several runs."""
    found: list[float] = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return median(found)


if __name__ == "__main__":
    print(f"yardstick {1e3 * yardstick():.1f} ms")
