"""Measure what hmcos.evaluate adds to the searches: processor time per row, and the memory of this process.

Run it as `python benchmarks/speed/evaluate.py [PROBLEMS]` (10,000 by default, of 50 operators each). It also
compares the rows of the same 60 candidates here, in two processes and, where Dask is installed, on a cluster
of two processes on this machine.

Processor time is that of this process and its workers together, without the making of the problems; unlike
time on the clock, it hardly depends on what else the machine does. The scheduler `given` searches nothing, so
its rows show what everything around the search costs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from random import Random
from time import perf_counter, process_time
from typing import Any

from yardstick import yardstick

import hmcos

OPERATORS = 50
BUDGET = 1 << 20
"""Bytes: some of the problems fit, some do not."""
SAMPLE = 500
"""Problems by which the cost of making one is measured."""


def problem(seed: int) -> hmcos.Problem:
    """A random network: each operator reads one or two of the last six buffers."""
    draw = Random(seed)
    reads = [
        tuple(sorted(draw.sample(range(max(0, k - 5), k + 1), min(k + 1, 1 + k % 2))))
        for k in range(OPERATORS)
    ]
    read = {b for each in reads for b in each}
    return hmcos.Problem(
        names=tuple(f"operator {k}" for k in range(OPERATORS)),
        sizes=tuple(draw.randrange(1 << 10, 1 << 18) for _ in range(OPERATORS + 1)),
        inputs=(0,),
        kept=tuple(b for b in range(OPERATORS + 1) if b not in read),
        reads=tuple(reads),
        makes=tuple((k + 1,) for k in range(OPERATORS)),
        may_overwrite=((),) * OPERATORS,
        scratch=(0,) * OPERATORS,
    )


def used() -> float:
    """The processor time of this process and of the children that have ended, in seconds."""
    times = os.times()
    return process_time() + times.children_user + times.children_system


def largest() -> float:
    """The most memory that this process had, in MB."""
    resource = import_module("resource")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def rows(problems: int, jobs: int, scheduler: str) -> None:
    """Print what so many rows cost."""
    before = process_time()
    for seed in range(SAMPLE):
        problem(seed)
    making = 1e3 * (process_time() - before) / SAMPLE
    before, began, fit, many = used(), perf_counter(), 0, 0
    given = map(problem, range(problems))
    for row in hmcos.evaluate(given, budget=BUDGET, jobs=jobs, scheduler=scheduler):
        many += 1
        fit += row.fits is True
        assert row.error is None, row
    whole, seconds = 1e3 * (used() - before) / many, perf_counter() - began
    print(
        f"{many:,} problems of {OPERATORS} operators, scheduler {scheduler}, {jobs} jobs: {fit:,} fit;"
        f" {1e3 * seconds / many:.2f} ms a row on the clock, {whole - making:.2f} ms of processor time;"
        f" most memory of this process {largest():.0f} MB"
    )


def candidates() -> Iterator[tuple[str, Any]]:
    """60 candidates of several kinds, some of them wrong."""
    for number in range(56):
        yield f"problem {number}", problem(number % 50)
    yield from ((name, name) for name in ("zoo:randwire", "zoo:mobilenet-v2", "missing.onnx", "zoo:nothing"))


def compared() -> None:
    """Print whether the rows are the same everywhere, times aside."""
    here = by_name(hmcos.evaluate(candidates(), budget=BUDGET, jobs=1))
    assert by_name(hmcos.evaluate(candidates(), budget=BUDGET, jobs=2)) == here
    places = "here and in 2 processes"
    if find_spec("distributed") is not None:
        distributed = import_module("distributed")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            began = perf_counter()
            assert (
                by_name(hmcos.evaluate(candidates(), budget=BUDGET, executor=client.get_executor())) == here
            )
            places += f" and on a cluster of 2 workers ({perf_counter() - began:.1f} s there)"
    print(f"{len(here)} candidates: the same rows {places}")


def by_name(found: Iterable[hmcos.Row]) -> dict[str, hmcos.Row]:
    """Rows by name, without their seconds."""
    return {row.name: replace(row, seconds=0.0) for row in found}


if __name__ == "__main__":
    print(f"yardstick {1e3 * yardstick():.1f} ms")
    for name in ("given", "optimal"):
        rows(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, 2, name)
    compared()
