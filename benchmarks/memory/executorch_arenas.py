"""Compare arenas of ExecuTorch programs: its own greedy, our order, our arena, and both; run the result.

PYTHONPATH=tests python benchmarks/memory/executorch_arenas.py
"""

from __future__ import annotations

import time
import warnings
from importlib import import_module
from typing import Any

import torch

from hmcos.errors import HmcosError
from hmcos.torch import executorch as least
from hmcos.words import first_line

SECONDS = 5
"""Of the search for an order."""


def main() -> None:
    """Print a table of bytes."""
    warnings.simplefilter("ignore")
    row = "{:16}{:>12}{:>12}{:>12}{:>12}{:>8}{:>12}  {}"
    print(row.format("model", "greedy", "our order", "our arena", "both", "saved", "bound", "outputs"))
    for name, make in import_module("torch_models").FAMILIES.items():
        try:
            print(row.format(name, *compared(make())))
        except (HmcosError, RuntimeError) as error:
            print(f"{name:16}{first_line(error)[:100]}")


def compared(example: Any) -> tuple[str, ...]:
    """Return the cells of a row behind the name."""
    programs = import_module("executorch_programs")
    edge, planned = programs.edge, programs.planned
    begun = time.perf_counter()
    plan = least.orders(edge(example), time_limit=SECONDS)["forward"].plan
    seconds = time.perf_counter() - begun
    given, ordered, placed, both = (
        planned(edge(example)),
        planned(least.schedule(edge(example), time_limit=SECONDS)),
        planned(edge(example), least.arena),
        planned(least.schedule(edge(example), time_limit=SECONDS), least.arena),
    )
    sizes = [programs.arena_bytes(each) for each in (given, ordered, placed, both)]
    pairs = zip(*(programs.outputs(each, example.inputs) for each in (given, both)), strict=True)
    equal = "equal" if all(torch.equal(a, b) for a, b in pairs) else "DIFFERENT"
    saved = f"{1 - sizes[3] / sizes[0]:.0%}"
    bound = f"{plan.lower_bound:,}"
    return (*(f"{size:,}" for size in sizes), saved, bound, f"{equal}, {seconds:.1f} s")


if __name__ == "__main__":
    main()
