"""Programs of ExecuTorch from small networks: made, planned and run."""

# pyright: reportUnknownMemberType=false, reportMissingImports=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir.memory_planning import MemoryPlanningAlgorithmSuite, greedy
from executorch.exir.passes import MemoryPlanningPass
from executorch.runtime import Runtime
from torch import Tensor
from torch.export import export

from torch_models import Example


def edge(example: Example) -> Any:
    """Return a program before it is planned."""
    return to_edge(export(example.module.requires_grad_(False), example.inputs))


def planned(manager: Any, algorithm: Any = None) -> Any:
    """Return a program with its memory planned, by ExecuTorch's greedy where no algorithm is given."""
    planning = MemoryPlanningPass(memory_planning_algo=algorithm or MemoryPlanningAlgorithmSuite([greedy]))
    return manager.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))


def arena_bytes(program: Any) -> int:
    """Return the bytes of all pools."""
    (plan,) = program.executorch_program.execution_plan
    return sum(plan.non_const_buffer_sizes)


def outputs(program: Any, inputs: tuple[Any, ...]) -> list[Tensor]:
    """Return what ExecuTorch's runtime computes."""
    method = Runtime.get().load_program(program.buffer).load_method("forward")
    return [tensor.clone() for tensor in method.execute(list(inputs))]
