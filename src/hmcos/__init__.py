"""Schedule neural networks to run in the least memory possible, with proof."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hmcos.version import __version__

if TYPE_CHECKING:
    from hmcos.allocation.lives import Demand
    from hmcos.api.compiling import compile_c
    from hmcos.api.drawing import draw, report
    from hmcos.api.evaluating import evaluate
    from hmcos.api.memories import place_in_memories
    from hmcos.api.models import export_instance, inspect, load, lower
    from hmcos.api.proving import allocate, measure, verify
    from hmcos.api.scheduling import compare, experiment, explain, schedule
    from hmcos.api.tiled_model import Tiled, tile
    from hmcos.errors import HmcosError
    from hmcos.limits import Status
    from hmcos.memory.instance import read_instance, write_instance
    from hmcos.memory.lifetimes import Life
    from hmcos.memory.problem import Problem
    from hmcos.memory.problem_builder import ProblemBuilder
    from hmcos.memory.target import Target, load_target
    from hmcos.plan.arena import Arena
    from hmcos.plan.file.plan_file import read_plan
    from hmcos.plan.file.row_file import read_row_plan
    from hmcos.plan.memory_blocks import MemoryBlock, MemoryPlacement, MemoryPlan
    from hmcos.plan.plan import Plan
    from hmcos.plan.row_plan import RowPlan
    from hmcos.plan.schedule import Schedule
    from hmcos.schedulers.scheduler_table import names as scheduler_names
    from hmcos.streaming.program import Rows
    from hmcos.tasks.compile.compiling import Compiled
    from hmcos.tasks.evaluate.evaluation import Evaluation
    from hmcos.tasks.evaluate.row import Row
    from hmcos.tasks.evaluate.table import Table
    from hmcos.tasks.session import session
    from hmcos.transforms.tiling import Tiling

__all__ = [
    "Arena",
    "Compiled",
    "Demand",
    "Evaluation",
    "HmcosError",
    "Life",
    "MemoryBlock",
    "MemoryPlacement",
    "MemoryPlan",
    "Plan",
    "Problem",
    "ProblemBuilder",
    "Row",
    "RowPlan",
    "Rows",
    "Schedule",
    "Status",
    "Table",
    "Target",
    "Tiled",
    "Tiling",
    "__version__",
    "allocate",
    "compare",
    "compile_c",
    "draw",
    "evaluate",
    "experiment",
    "explain",
    "export_instance",
    "inspect",
    "load",
    "load_target",
    "lower",
    "measure",
    "place_in_memories",
    "read_instance",
    "read_plan",
    "read_row_plan",
    "report",
    "schedule",
    "scheduler_names",
    "session",
    "tile",
    "verify",
    "write_instance",
]

_PLACES = {
    "Arena": "hmcos.plan.arena:Arena",
    "Compiled": "hmcos.tasks.compile.compiling:Compiled",
    "Demand": "hmcos.allocation.lives:Demand",
    "Evaluation": "hmcos.tasks.evaluate.evaluation:Evaluation",
    "HmcosError": "hmcos.errors:HmcosError",
    "Life": "hmcos.memory.lifetimes:Life",
    "MemoryBlock": "hmcos.plan.memory_blocks:MemoryBlock",
    "MemoryPlacement": "hmcos.plan.memory_blocks:MemoryPlacement",
    "MemoryPlan": "hmcos.plan.memory_blocks:MemoryPlan",
    "Plan": "hmcos.plan.plan:Plan",
    "Problem": "hmcos.memory.problem:Problem",
    "ProblemBuilder": "hmcos.memory.problem_builder:ProblemBuilder",
    "Row": "hmcos.tasks.evaluate.row:Row",
    "RowPlan": "hmcos.plan.row_plan:RowPlan",
    "Rows": "hmcos.streaming.program:Rows",
    "Schedule": "hmcos.plan.schedule:Schedule",
    "Status": "hmcos.limits:Status",
    "Table": "hmcos.tasks.evaluate.table:Table",
    "Target": "hmcos.memory.target:Target",
    "Tiled": "hmcos.api.tiled_model:Tiled",
    "Tiling": "hmcos.transforms.tiling:Tiling",
    "allocate": "hmcos.api.proving:allocate",
    "compare": "hmcos.api.scheduling:compare",
    "compile_c": "hmcos.api.compiling:compile_c",
    "draw": "hmcos.api.drawing:draw",
    "evaluate": "hmcos.api.evaluating:evaluate",
    "experiment": "hmcos.api.scheduling:experiment",
    "explain": "hmcos.api.scheduling:explain",
    "export_instance": "hmcos.api.models:export_instance",
    "inspect": "hmcos.api.models:inspect",
    "load": "hmcos.api.models:load",
    "load_target": "hmcos.memory.target:load_target",
    "lower": "hmcos.api.models:lower",
    "measure": "hmcos.api.proving:measure",
    "place_in_memories": "hmcos.api.memories:place_in_memories",
    "read_instance": "hmcos.memory.instance:read_instance",
    "read_plan": "hmcos.plan.file.plan_file:read_plan",
    "read_row_plan": "hmcos.plan.file.row_file:read_row_plan",
    "report": "hmcos.api.drawing:report",
    "schedule": "hmcos.api.scheduling:schedule",
    "scheduler_names": "hmcos.schedulers.scheduler_table:names",
    "session": "hmcos.tasks.session:session",
    "tile": "hmcos.api.tiled_model:tile",
    "verify": "hmcos.api.proving:verify",
    "write_instance": "hmcos.memory.instance:write_instance",
}
"""Public name to "module:name", imported on first use (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'hmcos' has no attribute {name!r}")
    module, attribute = _PLACES[name].split(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """A package whose public functions are not replaced by subpackages of the same name.

    Python makes every imported submodule an attribute of its package: without this class, `hmcos.verify` and
    `hmcos.report` would be functions at first, and modules once the subpackages were imported.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in _PLACES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
