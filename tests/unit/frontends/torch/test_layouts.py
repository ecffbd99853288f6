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


def test_a_tensor_gets_another_storage() -> None:
    graph = fx.Graph()
    x, y = graph.placeholder("x"), graph.placeholder("y")
    a, b = graph.call_function(aten.cos.default, (x,)), graph.call_function(aten.sin.default, (y,))
    before = graph.call_function(aten.view.default, (a, [-1]))
    graph.call_function(aten.set_.source_Tensor, (a, b))
    after = graph.call_function(aten.exp.default, (a,))
    graph.output((graph.call_function(aten.neg.default, (before,)), after))
    # The view refers to the tensor that it was made from, so the new storage lives longer than counted.
    found = faults(fx.GraphModule({}, graph), Feed((torch.ones(4, 4), torch.zeros(4, 4))))
    assert [fault for fault in found if "differs" in fault] == []
