"""Nodes that change how those after them run: autocast, gradients."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, fx, nn
from torch.export import export

import hmcos.torch
from hmcos.errors import ModelError
from hmcos.runtimes.torch.exported import feed
from hmcos.runtimes.torch.running import Feed, run
from torch_programs import faults

X = torch.arange(64, dtype=torch.float32).reshape(8, 8) / 64


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Any:
        before = x @ x
        with torch.autocast("cpu", torch.bfloat16):
            within = self.one(x).relu() @ x
        with torch.no_grad():
            after = self.two(before) @ x.exp()
        return within, after


@pytest.mark.parametrize("decomposed", [False, True])
def test_what_runs_in_autocast_stays_there(decomposed: bool) -> None:
    program = export(Mixed(), (X,))
    program = program.run_decompositions() if decomposed else program
    plan = hmcos.schedule(program)
    other = hmcos.torch.reordered(program)
    assert run(other.graph_module, feed(program)).memory.peak_within == plan.peak
    with torch.no_grad():
        outputs = [module(X) for module in (program.module(), other.module())]
    assert [value.dtype for value in outputs[0]] == [torch.bfloat16, torch.float32]
    assert all(map(torch.equal, *outputs))


def between(*, fails: bool = False) -> fx.GraphModule:
    """Return a graph whose operators in the middle run in autocast."""
    graph = fx.Graph()
    x = graph.placeholder("x")
    before = graph.call_function(torch.matmul, (x, x))
    state = graph.call_function(torch.amp.autocast_mode._enter_autocast, ("cpu", torch.bfloat16, True, False))  # pyright: ignore
    within = graph.call_function(torch.matmul, (x, x))
    if fails:
        graph.call_function(torch.matmul, (x, 3))
    graph.call_function(torch.amp.autocast_mode._exit_autocast, (state,))  # pyright: ignore
    after = graph.call_function(torch.matmul, (before, x))
    graph.output((within, after))
    return fx.GraphModule({}, graph)


def test_no_operator_crosses_the_borders_of_autocast() -> None:
    assert faults(between(), Feed((X,))) == []


def test_autocast_is_left_when_a_node_fails() -> None:
    with pytest.raises(ModelError, match="does not run"):
        hmcos.torch.ordered(between(fails=True), [X])
    assert not torch.is_autocast_enabled("cpu")
