"""Operators that hold more in eager than fake tensors say, and such as must keep their order."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss, smooth_l1_loss, soft_margin_loss

import hmcos.torch
from hmcos.errors import ModelError
from hmcos.frontends.torch import private
from hmcos.runtimes.torch.exported import feed
from torch_programs import faults

X = torch.arange(32, dtype=torch.float32).reshape(4, 8) / 32


class Function(nn.Module):
    """A module that computes a function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def rows(x: Tensor) -> Any:
    """Write into views of a fresh tensor: decompositions copy and scatter parts of it."""
    y = x * 2
    left, right = y.chunk(2, 1)
    left += right
    y[1:3, 2:4].copy_(x[:2, :2])
    y.diagonal().fill_(1)
    return y[0].exp(), y


def middle(x: Tensor) -> Any:
    """Write into a part of a view that begins within its storage."""
    return torch.slice_scatter(x.view(-1)[4:20], x[0, :4], 0, 2, 6) + 1, x[:1].expand(4, 8) * 2


def losses(x: Tensor) -> Any:
    """Reduce in four ways that use the storage of what is reduced, and in one that does not."""
    y = x.flip(0)
    return (
        mse_loss(x, y),
        smooth_l1_loss(x, y, reduction="sum"),
        soft_margin_loss(x, y.round()),
        binary_cross_entropy(x, y),
        mse_loss(x, y, reduction="none").sum(),
    )


@pytest.mark.parametrize("function", [rows, middle, losses])
@pytest.mark.parametrize("decomposed", [False, True])
def test_storages_are_as_large_as_in_eager(function: Callable[[Tensor], Any], decomposed: bool) -> None:
    program = torch.export.export(Function(function), (X,))
    program = program.run_decompositions() if decomposed else program
    for gives_up in (False, True):
        assert faults(program.graph_module, feed(program, gives_up=gives_up), orders=2) == []


def test_operators_with_an_ordered_effect_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def effect(operator: object) -> bool:
        return operator is torch.ops.aten.sin.default

    monkeypatch.setattr("hmcos.frontends.torch.observing.has_ordered_effect", effect)
    program = torch.export.export(Function(lambda x: (x.repeat(8, 1).sin().sum(), x.sin().cos())), (X,))
    operators = hmcos.torch.ordered(program.graph_module, [X]).trace.graph.operators
    assert [each.kind for each in operators if each.is_random] == ["sin", "sin"]


def test_effects_are_those_that_torch_knows() -> None:
    assert private.has_ordered_effect(torch.ops.aten._print.default)
    assert not private.has_ordered_effect(torch.ops.aten.sin.default)


def test_steps_of_vmap_are_refused_and_leave_nothing_behind() -> None:
    program = torch.export.export(Function(torch.vmap(lambda row: row.sin().sum())), (X,))
    with pytest.raises(ModelError, match=r"a step of torch\.func, .*run_decompositions"):
        hmcos.torch.reordered(program)
    torch.rand(1)  # inside a vmap that was not left, it would fail
    assert torch.equal(hmcos.torch.reordered(program.run_decompositions()).module()(X), X.sin().sum(1))
