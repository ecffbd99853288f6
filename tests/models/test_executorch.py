"""Programs of ExecuTorch in our order and arena: its own runtime gives the same bits, in no more memory."""

# pyright: reportUnknownMemberType=false, reportMissingImports=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from functools import partial

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("executorch.exir", reason="needs ExecuTorch: pip install executorch")

import torch
from executorch.exir.memory_planning import MemoryPlanningAlgorithmSuite, greedy
from torch import Tensor, nn

from executorch_programs import arena_bytes, edge, outputs, planned
from hmcos.torch import executorch as least
from torch_models import FAMILIES, Example

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

RUN = ("residual", "dense", "nas-cells", "gan", "transformer", "t5", "conv-transpose", "random-wired")
SMALLER = {"nas-cells": 0.75, "gan": 0.85, "t5": 0.93, "residual": 0.72}
"""Families whose arena must shrink to at most this part of greedy's."""


class Branches(nn.Module):
    """Four wide branches that end narrow: in the given order all four are wide at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.ModuleList([nn.Conv2d(3, 16, 3, padding=1) for _ in range(4)])
        self.narrow = nn.ModuleList([nn.Conv2d(16, 2, 3, padding=1, stride=2) for _ in range(4)])

    def forward(self, image: Tensor) -> Tensor:
        wide = [torch.relu(layer(image)) for layer in self.wide]
        return torch.cat([layer(each) for layer, each in zip(self.narrow, wide, strict=True)], 1)


@pytest.mark.parametrize("family", RUN)
def test_the_runtime_gives_the_same_bits_in_no_more_memory(family: str) -> None:
    example = FAMILIES[family]()
    theirs, ours = planned(edge(example)), planned(least.schedule(edge(example)), least.arena)
    assert arena_bytes(ours) <= arena_bytes(theirs) * SMALLER.get(family, 1)
    pairs = zip(outputs(ours, example.inputs), outputs(theirs, example.inputs), strict=True)
    assert all(torch.equal(mine, their) for mine, their in pairs)


@pytest.mark.parametrize("family", RUN)
def test_the_arena_is_the_predicted_peak_and_optimal(family: str) -> None:
    example = FAMILIES[family]()
    plan = least.orders(edge(example))["forward"].plan
    ours = planned(least.schedule(edge(example)), least.arena)
    assert plan.schedule.status == "optimal"
    assert arena_bytes(ours) == plan.peak


def test_order_and_arena_both_save() -> None:
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        example = Example(Branches().eval(), (torch.randn(1, 3, 32, 32),))
    given = planned(edge(example))
    ordered = planned(least.schedule(edge(example)))
    both = planned(least.schedule(edge(example)), least.arena)
    assert [arena_bytes(each) for each in (given, ordered, both)] == [339_968, 149_504, 147_456]
    assert torch.equal(outputs(both, example.inputs)[0], outputs(given, example.inputs)[0])


def test_an_order_that_is_the_best_already_is_kept() -> None:
    manager = edge(FAMILIES["dense"]())
    assert least.schedule(manager) is manager


def test_scheduling_does_not_change_the_given_program() -> None:
    manager = edge(FAMILIES["nas-cells"]())
    before = [node.name for node in manager.exported_program().graph.nodes]
    after = least.schedule(manager)
    assert [node.name for node in manager.exported_program().graph.nodes] == before
    assert sorted(node.name for node in after.exported_program().graph.nodes) == sorted(before)


def test_planning_the_same_program_again_gives_the_same_bytes() -> None:
    example = FAMILIES["t5"]()
    first, second = (planned(edge(example), least.arena).buffer for _ in range(2))
    assert first == second


def test_a_time_limit_of_nothing_is_never_worse_than_greedy() -> None:
    example = FAMILIES["t5"]()
    hurried = planned(edge(example), partial(least.arena, time_limit=0))
    assert arena_bytes(hurried) <= arena_bytes(planned(edge(example)))


def test_it_is_one_algorithm_of_a_suite() -> None:
    example = FAMILIES["residual"]()
    suite = MemoryPlanningAlgorithmSuite([greedy, least.algorithm])
    assert arena_bytes(planned(edge(example), suite)) == arena_bytes(planned(edge(example), least.arena))
