"""Measure the memory of networks as C code that runs row by row, and print a table in bytes.

python benchmarks/rows/memory.py                     the network of examples/compile_rows.py
python benchmarks/rows/memory.py FOLDER|MODEL ...    every .tflite file of folders, and models

"Best order" is the peak of whole tensors, TFLM the whole arena that TFLM reports for the file as it is (empty
where it is not installed). --time-limit 60 ends each search after 60 seconds; --verify runs the code on
random inputs and compares every bit with TFLM. Models that cannot be compiled have the reason in their row.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import hmcos
from hmcos.tasks.compile.compiling import Compiled
from models import models

HEADINGS = ("model", "TFLM", "best order", "row by row", "fed by rows", "tables in flash", "seconds", "proof")


def proof(code: Compiled) -> str:
    """Return a mark behind sizes: nothing, or that it is the least of all row-wise orders."""
    return " *" if code.plan.is_proved else ""


def row(model: Path, options: argparse.Namespace) -> list[str]:
    """Return the row of a model."""
    started = time.perf_counter()
    found: list[Compiled] = []
    checks: list[str] = []
    with TemporaryDirectory() as folder:
        for feeding in ("whole", "rows"):
            output = Path(folder) / feeding / "network.c"
            output.parent.mkdir()
            wanted = hmcos.Rows(feeding)
            found.append(hmcos.compile_c(model, wanted, time_limit=options.time_limit, output=output))
            if options.verify:
                checks.append("holds" if hmcos.verify(model, output).holds else "DOES NOT HOLD")
    whole, fed = found
    beside = whole.plan.whole
    assert beside is not None
    return [
        model.stem,
        f"{beside.tflm:,}" if beside.tflm is not None else "",
        f"{beside.peak:,}",
        f"{whole.arena:,}{proof(whole)}",
        f"{fed.arena:,}{proof(fed)}",
        f"{sum(size for name, size in whole.flash.items() if name != 'weights'):,}",
        f"{time.perf_counter() - started:.0f}",
        ", ".join(checks),
    ]


def main(arguments: Sequence[str]) -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description="Measure the memory of networks that run row by row.")
    parser.add_argument("models", nargs="*", metavar="FOLDER|MODEL")
    parser.add_argument("--time-limit", type=float, default=None)
    parser.add_argument("--verify", action="store_true", help="compare bits with TFLM")
    options = parser.parse_args(arguments)
    print(f"| {' | '.join(HEADINGS)} |\n| --- |{' ---: |' * (len(HEADINGS) - 2)} --- |")
    with TemporaryDirectory() as folder:
        for model in models(options.models, Path(folder)):
            try:
                cells = row(model, options)
            except hmcos.HmcosError as error:
                cells = [model.stem, *[""] * (len(HEADINGS) - 2), str(error)]
            print(f"| {' | '.join(cells)} |", flush=True)
    print("\n*: proved, no row-wise order of these operators needs less")


if __name__ == "__main__":
    main(sys.argv[1:])
