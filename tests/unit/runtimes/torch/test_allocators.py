"""The memory that PyTorch's allocators hand out."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import fx

from hmcos.runtimes.torch.allocators import allocated
from hmcos.runtimes.torch.running import Feed, run

aten = torch.ops.aten


def test_the_allocator_takes_what_is_alive_where_kernels_need_no_workspace() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    a = graph.call_function(aten.sin.default, (x,))
    b = graph.call_function(aten.mul.Tensor, (a, x))
    graph.output(graph.call_function(aten.exp.default, (b,)))
    module, feed = fx.GraphModule({}, graph), Feed((torch.ones(4096),))
    assert allocated(module, feed) == run(module, feed).memory.peak == 3 * 4 * 4096
