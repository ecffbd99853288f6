"""Compare arenas of ExecuTorch programs: its own greedy, our order, our arena, and both; run the result.

PYTHONPATH=tests python benchmarks/memory/executorch_arenas.py
"""

# pyright: reportUnknownMemberType=false, reportMissingImports=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import time
import warnings
from importlib import import_module
from typing import Any

import torch
from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir.memory_planning import MemoryPlanningAlgorithmSuite, greedy
from executorch.exir.passes import MemoryPlanningPass
from executorch.runtime import Runtime
from torch.export import export

from hmcos.errors import HmcosError
from hmcos.torch import executorch as least

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
            print(f"{name:16}{str(error).partition(chr(10))[0][:100]}")


def compared(example: Any) -> tuple[str, ...]:
    """Return the cells of a row behind the name."""
    begun = time.perf_counter()
    plan = least.orders(edge(example), time_limit=SECONDS)["forward"].plan
    seconds = time.perf_counter() - begun
    given, ordered, placed, both = (
        planned(edge(example)),
        planned(least.schedule(edge(example), time_limit=SECONDS)),
        planned(edge(example), least.arena),
        planned(least.schedule(edge(example), time_limit=SECONDS), least.arena),
    )
    sizes = [arena_bytes(each) for each in (given, ordered, placed, both)]
    pairs = zip(outputs(given, example), outputs(both, example), strict=True)
    equal = "equal" if all(torch.equal(a, b) for a, b in pairs) else "DIFFERENT"
    saved = f"{1 - sizes[3] / sizes[0]:.0%}"
    bound = f"{plan.lower_bound:,}"
    return (*(f"{size:,}" for size in sizes), saved, bound, f"{equal}, {seconds:.1f} s")


def edge(example: Any) -> Any:
    """Return a program of ExecuTorch before it is planned."""
    return to_edge(export(example.module.requires_grad_(False), example.inputs))


def planned(manager: Any, algorithm: Any = None) -> Any:
    """Return a program with its memory planned, by greedy where no algorithm is given."""
    planning = MemoryPlanningPass(memory_planning_algo=algorithm or MemoryPlanningAlgorithmSuite([greedy]))
    return manager.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))


def arena_bytes(program: Any) -> int:
    """Return the bytes of all pools."""
    (plan,) = program.executorch_program.execution_plan
    return sum(plan.non_const_buffer_sizes)


def outputs(program: Any, example: Any) -> list[torch.Tensor]:
    """Return what the runtime computes."""
    method = Runtime.get().load_program(program.buffer).load_method("forward")
    return [tensor.clone() for tensor in method.execute(list(example.inputs))]


if __name__ == "__main__":
    main()
