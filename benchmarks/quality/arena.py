"""Check that the arena equals the peak, on every network of the zoo and on given files: one table row each.

Run it as `python benchmarks/quality/arena.py [FILE.onnx ...]`; seconds are processor time of the
whole command `hmcos schedule`, start of Python included, so a busy machine does not change them much.
The exit code is 1 if an arena is above its peak or not proved.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from hmcos.zoo.catalogue import names

TARGETS = ("hmcos", "default")


def measured(model: str, target: str) -> tuple[dict[str, Any], float]:
    """Return what the command prints as JSON, and its processor time in seconds."""
    before = _seconds_of_children()
    command = [sys.executable, "-m", "hmcos", "schedule", model, "--target", target, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return cast(dict[str, Any], json.loads(done.stdout)), _seconds_of_children() - before


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(model: str, target: str) -> tuple[str, bool]:
    """Return one row of the table, and whether the arena is as small as it can be."""
    record, seconds = measured(model, target)
    arena, peak = record["arena"], record["peak"]
    simple = 100 * (record["largest_first_arena"] - peak) / peak
    holds = arena["size"] == peak == record["lower_bound"] and arena["status"] == "optimal"
    name = Path(model.removeprefix("zoo:")).name
    waste = f"{100 * (arena['size'] - peak) / peak:.1f} %"
    cells = (name, target, f"{peak:,}", f"{simple:.1f} %", waste, f"{seconds:.2f}")
    return f"| {' | '.join(cells)} |", holds


def main() -> None:
    """Print the table."""
    print("| network | target | peak, proved | largest first wastes | arena wastes | command s |")
    print("|---|---|---:|---:|---:|---:|")
    good = True
    for model in (*(f"zoo:{name}" for name in names()), *sys.argv[1:]):
        for target in TARGETS:
            text, holds = row(model, target)
            print(text, flush=True)
            good = good and holds
    sys.exit(not good)


if __name__ == "__main__":
    main()
