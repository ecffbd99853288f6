"""Measure how far the search gets on the hardest random-wired networks that we know: peak, bound and gap.

Run it as `python benchmarks/quality/frontier.py [SECONDS] [--only NAME] [--keep] [--jobs N]`. Each instance
may take so many seconds of processor time, of the main process if there are several; the seconds by the clock
follow. With --keep, peaks and bounds that are better than those in best_known.csv are written there, and the
seconds of a proof that is the first or the quickest.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from statistics import median

import hmcos
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.optimal import optimal
from hmcos.schedulers.scheduler_table import scheduler

FOLDER = Path(__file__).parent
BEST = FOLDER / "best_known.csv"
COLUMNS = ("instance", "operators", "peak", "lower_bound", "status", "proved_by", "seconds")

OURS = "hmcos, exact search, one process"


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


def merged(row: dict[str, str], problem: Problem, found: Schedule, took: float) -> dict[str, str]:
    """A row of the table with what a search found, where that is better than what is known."""
    peak = min(found.peak, int(row.get("peak", found.peak)))
    bound = max(found.lower_bound, int(row.get("lower_bound", 0)))
    new = row | {"operators": str(problem.operators), "peak": str(peak), "lower_bound": str(bound)}
    new["status"] = "optimal" if peak == bound else "open"
    known = row.get("seconds") or ""
    if found.status is Status.OPTIMAL and not (known and float(known) <= took):
        new |= {"seconds": f"{took:.0f}", "proved_by": OURS}
    return {"proved_by": OURS, "seconds": ""} | new


def searched(problem: Problem, seconds: float, jobs: int) -> tuple[Schedule, float]:
    """What the search finds, and the processor seconds that it takes, at most about so many."""
    started = time.process_time()
    watch = Watch(interrupted=lambda: time.process_time() - started >= seconds)
    found = optimal(problem, Limits(jobs=jobs), watch)
    return found, time.process_time() - started


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", nargs="?", type=float, default=20.0)
    parser.add_argument("--only", default="", help="search only instances with this in their name")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--jobs", type=int, default=1, help="processes that search")
    wanted = parser.parse_args()
    if wanted.keep and wanted.jobs > 1:
        parser.error("the seconds that are kept are those of one process")
    return wanted


def main() -> None:
    """Search each instance for the given number of processor seconds."""
    wanted = arguments()
    rows: dict[str, dict[str, str]] = best_known() if BEST.exists() else {}
    gaps: dict[str, list[float]] = {}
    for path in sorted((FOLDER / "instances").glob("*.json")):
        if wanted.only not in path.stem:
            continue
        problem = hmcos.read_instance(path)
        found, took = searched(problem, wanted.seconds, wanted.jobs)
        gap = (found.peak - found.lower_bound) / found.lower_bound
        gaps.setdefault(path.stem.rsplit("-", 1)[0], []).append(gap)
        row = rows.setdefault(path.stem, {"instance": path.stem})
        rows[path.stem] = merged(row, problem, found, took)
        print(
            f"{path.stem:16} {took:6.2f} s of {found.seconds:6.2f} s {found.states:9,} states"
            f"  peak {found.peak:,}  bound {found.lower_bound:,}  gap {100 * gap:.1f} %"
            f"  best baseline {baseline(problem):,}",
            flush=True,
        )
    for family, found_gaps in gaps.items():
        print(f"{family}: median gap {100 * median(found_gaps):.1f} %")
    if wanted.keep:
        keep(rows)


if __name__ == "__main__":
    main()
