"""Measure how long generated code takes against TFLM's reference kernels, and print a table.

python benchmarks/rows/speed.py                       the network of examples/compile_rows.py
python benchmarks/rows/speed.py FOLDER|MODEL ...      every .tflite file of folders, and models

Each round times both, in turn, on one processor of this machine, by the time that they have it. The table has
the medians in milliseconds, and the median of the ratios of the rounds, which a busy machine changes little.
TFLM is what the package tflite-micro holds: reference kernels, compiled by its makers. --rounds 30 takes more
rounds, --time-limit 20 ends each search for less memory after 20 seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import hmcos
from hmcos.backends.c.generating import Generated
from hmcos.backends.c.harness import build, compiler, timed_main
from hmcos.backends.c.naming import Naming
from hmcos.network.opening import open_source
from hmcos.runtimes.tflite.tflm import room
from hmcos.tasks.compile.compiling import Compiled
from models import models

LEVELS = ("-O2", "-O3")
HEADINGS = ("model", "TFLM", *LEVELS, *(f"{level} / TFLM" for level in LEVELS))
TIMES = 5
"""Runs in a row, of which the least counts: what disturbs only makes runs longer."""


def tflm(model: Path, given: Sequence[Any]) -> Callable[[], float]:
    """Return a function that runs TFLM some times, and returns the milliseconds of the fastest run."""
    runtime: Any = import_module("tflite_micro").runtime
    opened = open_source(model)
    assert opened.model is not None
    content = model.read_bytes()
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=room(content, opened.model.graph))

    def timed() -> float:
        seconds: list[float] = []
        for _ in range(TIMES):
            for position, array in enumerate(given):  # a run may overwrite its inputs
                interpreter.set_input(array, position)
            start = time.thread_time()
            interpreter.invoke()
            seconds.append(time.thread_time() - start)
        return 1000 * min(seconds)

    return timed


def generated(code: Compiled, folder: Path, level: str, given: bytes) -> Callable[[], float]:
    """Return the same for generated code, compiled at a level."""
    naming, files = Naming("network"), folder / level
    files.mkdir()
    made = Generated(code.source, code.header, code.flash, frozenset(), ())
    program = build(made, naming, timed_main(naming, TIMES), files, compiler_at(level))

    def timed() -> float:
        ended = subprocess.run([str(program)], input=given, capture_output=True, check=True)
        return min(map(int, ended.stdout.split())) / 1e6

    return timed


def compiler_at(level: str) -> Any:
    """Return the system's compiler with a level of optimization."""
    return replace(compiler(), flags=(level,))


def row(model: Path, rounds: int, time_limit: float | None) -> list[str]:
    """Return the row of a model."""
    numpy: Any = import_module("numpy")
    graph: Any = open_source(model).model
    rng = numpy.random.default_rng(0)
    tensors = [graph.graph.tensors[t] for t in graph.graph.inputs]
    given = [rng.integers(-128, 128, one.shape).astype(one.element) for one in tensors]
    code = hmcos.compile_c(model, name="network", time_limit=time_limit, compares=False)
    with TemporaryDirectory() as place:
        content = b"".join(array.tobytes() for array in given)
        runs = [tflm(model, given), *(generated(code, Path(place), level, content) for level in LEVELS)]
        times = [[run() for run in runs] for _ in range(rounds)]
    each = [median(column) for column in zip(*times, strict=True)]
    ratios = [median(one[k] / one[0] for one in times) for k in range(1, len(runs))]
    return [model.stem, *(f"{value:.2f}" for value in each), *(f"{ratio:.2f}" for ratio in ratios)]


def main(arguments: Sequence[str]) -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description="Measure the speed of networks that run row by row.")
    parser.add_argument("models", nargs="*", metavar="FOLDER|MODEL")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--time-limit", type=float, default=None)
    options = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"| {' | '.join(HEADINGS)} |\n| --- |{' ---: |' * (len(HEADINGS) - 1)}")
    with TemporaryDirectory() as folder:
        for model in models(options.models, Path(folder)):
            try:
                cells = row(model, options.rounds, options.time_limit)
            except hmcos.HmcosError as error:
                cells = [model.stem, str(error), *[""] * (len(HEADINGS) - 2)]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
