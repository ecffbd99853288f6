"""Measure how far the search gets on random-wired networks that it cannot solve: peak, bound and gap.

Run it as `python benchmarks/quality/frontier.py [SECONDS] [--keep]`. With --keep, peaks and bounds that
are better than those in best_known.csv are written there.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from statistics import median

import hmcos
from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.schedulers.optimal import optimal
from hmcos.schedulers.scheduler_table import scheduler

FOLDER = Path(__file__).parent
BEST = FOLDER / "best_known.csv"
COLUMNS = ("instance", "operators", "peak", "lower_bound", "status", "proved_by")


def best_known() -> dict[str, dict[str, str]]:
    """The rows of the table by instance."""
    with BEST.open(newline="") as file:
        return {row["instance"]: row for row in csv.DictReader(file)}


def keep(rows: dict[str, dict[str, str]]) -> None:
    """Write the table."""
    with BEST.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([rows[name][column] for column in COLUMNS] for name in sorted(rows))


def baseline(problem: Problem) -> int:
    """The lowest peak among the orders that need no search."""
    return min(scheduler(name)(problem, Limits(), Watch()).peak for name in ("given", "rpo", "greedy"))


def main() -> None:
    """Search each instance for the given number of seconds, 20 by default."""
    limit = float(next((word for word in sys.argv[1:] if word != "--keep"), "20"))
    rows: dict[str, dict[str, str]] = best_known() if BEST.exists() else {}
    gaps: dict[str, list[float]] = {}
    for path in sorted((FOLDER / "instances").glob("*.json")):
        problem = hmcos.read_instance(path)
        started = time.perf_counter()
        found = optimal(problem, Limits(seconds=limit), Watch())
        took = time.perf_counter() - started
        gap = (found.peak - found.lower_bound) / found.lower_bound
        gaps.setdefault(path.stem.rsplit("-", 1)[0], []).append(gap)
        row = rows.setdefault(path.stem, {"instance": path.stem, "peak": str(found.peak), "lower_bound": "0"})
        peak = min(found.peak, int(row["peak"]))
        bound = max(found.lower_bound, int(row["lower_bound"]))
        row |= {
            "operators": str(problem.operators),
            "peak": str(peak),
            "lower_bound": str(bound),
            "status": "optimal" if peak == bound else "open",
            "proved_by": "hmcos, exact search",
        }
        print(
            f"{path.stem:16} {took:6.2f} s {found.states:9,} states  peak {found.peak:,}"
            f"  bound {found.lower_bound:,}  gap {100 * gap:.1f} %  best baseline {baseline(problem):,}",
            flush=True,
        )
    for family, found_gaps in gaps.items():
        print(f"{family}: median gap {100 * median(found_gaps):.1f} %")
    if "--keep" in sys.argv:
        keep(rows)


if __name__ == "__main__":
    main()
