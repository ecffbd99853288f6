"""ExecuTorch programs in the least memory: their order, and the arena that they run in.

```python
from executorch.exir import ExecutorchBackendConfig, to_edge
from executorch.exir.passes import MemoryPlanningPass
from hmcos.torch import executorch as least

edge = least.schedule(to_edge(exported_program))
planning = MemoryPlanningPass(memory_planning_algo=least.arena)
program = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))
```
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.fx.passes.infra.pass_base import PassResult

from hmcos.frontends.torch.programs import program_in_memory
from hmcos.log import Log
from hmcos.runtimes.executorch.planning import Result, Spec, memory_planning, placed
from hmcos.tasks.request import chosen_limits
from hmcos.torch.ordering import Ordered, ordered

__all__ = ["algorithm", "arena", "orders", "schedule"]

_LOG = Log("hmcos.torch.executorch")

_Pass = Callable[[GraphModule], PassResult]


class EdgeProgram(Protocol):
    """What is used of an `executorch.exir.EdgeProgramManager`."""

    @property
    def methods(self) -> Collection[str]:
        """The names of its methods."""
        ...

    def exported_program(self, method_name: str) -> ExportedProgram:
        """Return a method."""
        ...

    def transform(self, passes: Mapping[str, Sequence[_Pass]]) -> Any:
        """Return a copy of which some methods were changed."""
        ...


def orders(
    manager: EdgeProgram, *, time_limit: float | None = None, state_limit: int | None = None
) -> dict[str, Ordered]:
    """Return each method of a program in the order that needs the least memory on ExecuTorch, by its name.

    The program is not changed. Inputs die after their last reader, as they do in ExecuTorch's arena; sizes
    that may vary count as in the example of the export.

    Raises:
        HmcosError: a node cannot be scheduled (names node and module), or a limit is wrong.
    """
    return {
        name: _ordered(manager.exported_program(name), time_limit, state_limit)
        for name in sorted(manager.methods)
    }


def schedule(manager: EdgeProgram, *, time_limit: float | None = None, state_limit: int | None = None) -> Any:
    """Return a program whose methods run in the order that needs the least memory on ExecuTorch.

    It is called before `to_executorch`, and after operators were given to backends. The program is not
    changed. A method whose order is the best already keeps it.

    Raises:
        HmcosError: a node cannot be scheduled (names node and module), or a limit is wrong.
    """
    found = orders(manager, time_limit=time_limit, state_limit=state_limit)
    better = {name: each.module for name, each in found.items() if each.plan.peak < each.plan.given_peak}
    for name, each in found.items():
        _LOG.info("%s: %s", name, each.words)
    if not better:
        return manager
    return manager.transform({name: [_replacing(module)] for name, module in better.items()})


def algorithm(
    alignment: int,
    specs: Collection[Spec],
    graph_module: GraphModule,
    graph_signature: Any,
    extra_padding: int = 0,
    *,
    time_limit: float | None = None,
) -> Result:
    """Return where tensors lie in the least arena: one algorithm for a MemoryPlanningAlgorithmSuite.

    No pool is larger than that of ExecuTorch's greedy. Programs with tensors inside other tensors are left to
    greedy.
    """
    greedy = partial(
        memory_planning().greedy, alignment, set(specs), graph_module, graph_signature, extra_padding
    )
    return placed(alignment, specs, graph_module, greedy, extra_padding, chosen_limits(time_limit))


def arena(
    alignment: int,
    specs: Collection[Spec],
    graph_module: GraphModule,
    graph_signature: Any,
    extra_padding: int = 0,
    *,
    time_limit: float | None = None,
) -> list[int]:
    """Give tensors their places in the least arena, and return the bytes of each pool.

    It is what `MemoryPlanningPass(memory_planning_algo=...)` takes, as is `functools.partial(arena,
    time_limit=5)`. `time_limit` is in seconds, for each graph.
    """
    suite = memory_planning().MemoryPlanningAlgorithmSuite([partial(algorithm, time_limit=time_limit)])
    return suite(alignment, specs, graph_module, graph_signature, extra_padding)


def _ordered(program: ExportedProgram, time_limit: float | None, state_limit: int | None) -> Ordered:
    read = program_in_memory(program)
    return ordered(
        read.module,
        [node.meta.get("val") for node in read.placeholders],
        parameters=read.parameters,
        held=(),
        views=("aten::view_copy",),
        target="executorch",
        time_limit=time_limit,
        state_limit=state_limit,
    )


def _replacing(module: GraphModule) -> _Pass:
    """Return a pass that puts a graph in place of the one it is called with."""

    def replace(_: GraphModule) -> PassResult:
        return PassResult(module, True)

    return replace
