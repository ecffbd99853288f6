"""Inputs that share a storage with a parameter, or with an input that nothing reads."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, fx

from hmcos.runtimes.torch.running import Feed, run
from torch_programs import faults

aten = torch.ops.aten


def halves() -> tuple[Tensor, Tensor]:
    whole = torch.ones(8)
    return whole, whole[4:]


def reading_both() -> fx.GraphModule:
    graph = fx.Graph()
    x, y = graph.placeholder("x"), graph.placeholder("y")
    graph.output(graph.call_function(aten.mul.Tensor, (graph.call_function(aten.sin.default, (y,)), x)))
    return fx.GraphModule({}, graph)


@pytest.mark.parametrize("parameter", [0, 1])
def test_a_view_of_a_parameter_takes_no_memory(parameter: int) -> None:
    feed = Feed((torch.ones(8)[:4], torch.ones(8)[4:]), parameters=frozenset({parameter}))
    whole, part = halves()
    shared = Feed((whole[:4], part), parameters=frozenset({parameter}))
    assert run(reading_both(), feed).memory.start == 32
    assert run(reading_both(), shared).memory.start == 0
    assert faults(reading_both(), feed) == faults(reading_both(), shared) == []


def test_an_input_that_nothing_reads_holds_what_it_shares() -> None:
    graph = fx.Graph()
    graph.placeholder("idle")
    a = graph.call_function(aten.sin.default, (graph.placeholder("x"),))
    graph.output(graph.call_function(aten.cos.default, (a,)))
    module = fx.GraphModule({}, graph)
    assert faults(module, Feed(halves(), given_up=frozenset({0, 1}))) == []
    assert run(module, Feed(halves(), given_up=frozenset({0, 1}))).memory.steps[1].before == 32 + 16
