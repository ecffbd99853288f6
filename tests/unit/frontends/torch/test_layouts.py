"""Nodes that change sizes and strides in place, and nodes that ask for them."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import fx

from hmcos.runtimes.torch.running import Feed
from torch_programs import faults

aten = torch.ops.aten


def test_a_size_is_asked_for_after_it_has_changed() -> None:
    graph = fx.Graph()
    a = graph.call_function(aten.cos.default, (graph.placeholder("x"),))
    graph.call_function(aten.transpose_.default, (a, 0, 1))
    size = graph.call_function(aten.sym_size.int, (a, 0))
    graph.output(graph.call_function(aten.reshape.default, (a, [size, -1])))
    assert faults(fx.GraphModule({}, graph), Feed((torch.ones(2, 3, 4),))) == []


def test_a_size_is_asked_for_before_it_changes() -> None:
    graph = fx.Graph()
    a = graph.call_function(aten.cos.default, (graph.placeholder("x"),))
    size = graph.call_function(aten.sym_size.int, (a, 0))
    graph.call_function(aten.transpose_.default, (a, 0, 1))
    graph.output(graph.call_function(aten.reshape.default, (a, [size, -1])))
    assert faults(fx.GraphModule({}, graph), Feed((torch.ones(2, 3, 4),))) == []
