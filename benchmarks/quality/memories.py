"""The least traffic of a slow memory beside a small fast one, on the zoo and on given files: a row each.

Run it as `python benchmarks/quality/memories.py [FILE ...]`. The fast memory has a quarter, a half and three
quarters of the peak, and, where `--bytes 65536` says so, as many bytes. Seconds are those of the search for
places in all orders that are compared; a plan is counted again and stepped through before its row is printed.
The exit code is 1 if a plan does not hold. The gap is how far the traffic is above the bound of its order.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import hmcos
from hmcos.network.opening import open_source
from hmcos.tasks.schedule.recheck import checks_at_rest
from hmcos.zoo.catalogue import names

PARTS = (0.25, 0.5, 0.75)


def row(model: str, capacity: int) -> tuple[str, bool]:
    """Return one row of the table, and whether the plan holds."""
    memories = [hmcos.MemoryBlock("fast", capacity), hmcos.MemoryBlock("slow", None)]
    plan = hmcos.schedule(model, memories=memories)
    assert plan.memories is not None, "memories were named"
    placement = plan.memories.placement
    moved, bound = placement.slower, placement.lower_bound
    gap = "0, proved" if moved == bound else f"{100 * (moved - bound) / bound:.1f} %" if bound else "no bound"
    cells = (
        Path(model.removeprefix("zoo:")).name,
        f"{capacity:,}",
        f"{100 * capacity / plan.peak:.0f} %",
        f"{100 * moved / sum(placement.traffic):.1f} %",
        f"{moved:,}",
        gap,
        str(plan.memories.orders),
        f"{placement.seconds:.2f}",
    )
    holds = all(check.held for check in checks_at_rest(open_source(model), plan))
    return f"| {' | '.join(cells)} |", holds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--bytes", type=int)
    wanted = parser.parse_args()
    print("| network | fast memory | of the peak | moved in the slow one | bytes | gap | orders | s |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    good = True
    for model in wanted.files or [f"zoo:{name}" for name in names()]:
        peak = hmcos.schedule(model).peak
        own = [] if wanted.bytes is None else [wanted.bytes]
        for capacity in (*own, *(int(part * peak) for part in PARTS)):
            text, holds = row(model, capacity)
            print(text, flush=True)
            good = good and holds
    sys.exit(not good)


if __name__ == "__main__":
    main()
