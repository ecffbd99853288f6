"""Functions that take a list of arguments and empty it."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import weakref

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule

from hmcos.frontends.torch.boxed import boxed


def test_an_argument_whose_name_python_has_already_dies_after_its_last_reader() -> None:
    given: list[Tensor] = [torch.ones(3)]
    alive = weakref.ref(given[0])
    seen: list[bool] = []

    def look(value: Tensor) -> Tensor:
        seen.append(alive() is not None)
        return value

    graph = Graph()
    argument = graph.placeholder("input")
    assert argument.name != argument.target
    graph.output(graph.call_function(look, (graph.call_function(torch.neg, (argument,)),)))
    result = boxed(GraphModule(torch.nn.Module(), graph))(given)
    assert torch.equal(result, -torch.ones(3))
    assert seen == [False]
    assert given == []
