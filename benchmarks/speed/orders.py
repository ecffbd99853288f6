"""Measure how long a proved optimal order takes, from problem to schedule, next to a pure-Python yardstick.

Run it as `python benchmarks/speed/orders.py [FOLDER ...]`. Without a folder it measures networks of the
zoo, long chains and ladders, and the whole command; with folders, every .onnx file (target hmcos) and
every .json instance in them, compared with the optima in known.json if the folder has one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from yardstick import seconds, yardstick

import hmcos
from hmcos.limits import Limits, Watch
from hmcos.memory.problem import Problem
from hmcos.schedulers.optimal import optimal

NETWORKS = ("nasnet-cifar", "pnas-cifar", "amoebanet-cifar", "darts-imagenet", "randwire")
REPEATS = 9


def chain(sizes: list[int]) -> Problem:
    """A chain of operators, one less than there are sizes."""
    n = len(sizes) - 1
    return Problem(
        names=("step",) * n,
        sizes=tuple(sizes),
        inputs=(0,),
        kept=(n,),
        reads=tuple((k,) for k in range(n)),
        makes=tuple((k + 1,) for k in range(n)),
        may_overwrite=((),) * n,
        scratch=(0,) * n,
    )


def ladder(sizes: list[int]) -> Problem:
    """Two chains; operator k of each reads operator k-1 of both."""
    base = chain(sizes)
    n = base.operators
    reads = [(0,), (0,)] + [(k - k % 2 - 1, k - k % 2) for k in range(2, n)]
    return replace(base, reads=tuple(reads), kept=(n - 1, n))


def shapes() -> Iterator[tuple[str, Problem, int | None]]:
    """Chains and ladders of 20,000 operators, of equal and of random sizes."""
    source = Random(0)
    for sizes in ("equal", "random"):
        drawn = [1_000 if sizes == "equal" else source.randrange(1, 1_000_000) for _ in range(20_001)]
        yield f"chain, {sizes} sizes", chain(drawn), None
        yield f"ladder, {sizes} sizes", ladder(drawn), None


def files(folder: Path) -> Iterator[tuple[str, Problem, int | None]]:
    """The models and instances of a folder, with their optimum where it is known."""
    known_file = folder / "known.json"
    known: dict[str, dict[str, int]] = json.loads(known_file.read_text()) if known_file.exists() else {}
    for path in sorted(folder.glob("*.onnx")):
        yield path.name, hmcos.lower(path, target="hmcos"), None
    for path in sorted(folder.glob("*.json")):
        if path != known_file:
            yield path.name, hmcos.read_instance(path), known.get(path.stem, {}).get("optimum")


def measure(name: str, problem: Problem, optimum: int | None, yard: float) -> None:
    """Print the median time of a search for an order, and what it proved."""
    found = optimal(problem, Limits(seconds=60), Watch())
    repeats = REPEATS if found.seconds < 1 else 1
    took = seconds(lambda: optimal(problem, Limits(seconds=60), Watch()), repeats)
    agrees = "" if optimum is None else "  as known" if found.peak == optimum else f"  KNOWN {optimum:,}"
    print(
        f"{name:26} {problem.operators:6} {1e3 * took:9.1f} ms {took / yard:8.2f}"
        f"  {found.peak:14,}  {found.status}{agrees}",
        flush=True,
    )


def measure_command() -> None:
    """Print the median wall time of the whole command."""
    command = [sys.executable, "-m", "hmcos", "schedule", "zoo:nasnet-cifar", "--target", "hmcos"]
    took = seconds(lambda: subprocess.run(command, check=True, capture_output=True), REPEATS)
    print(f"hmcos schedule zoo:nasnet-cifar, whole process: {took:.2f} s")


def main() -> None:
    """Measure the folders of the command line, or the shapes and networks that need none."""
    folders = [Path(name) for name in sys.argv[1:]]
    yard = yardstick()
    print(f"yardstick {1e3 * yard:.1f} ms; medians of {REPEATS}; the second time is in yardsticks")
    if folders:
        for folder in folders:
            for name, problem, optimum in files(folder):
                measure(name, problem, optimum, yard)
        return
    for name in NETWORKS:
        measure(name, hmcos.lower(f"zoo:{name}", target="hmcos"), None, yard)
    for name, problem, optimum in shapes():
        measure(name, problem, optimum, yard)
    measure_command()


if __name__ == "__main__":
    main()
