"""What holds on CUDA alone, shown on tensors that have no memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import fx

from hmcos.frontends.torch.observing import draws_random_numbers
from hmcos.frontends.torch.private import fake_mode
from hmcos.frontends.torch.steps.optimizers import structure_of, updates_of
from hmcos.frontends.torch.steps.writer import Gradient, StepWriter

ATEN: Any = torch.ops.aten


@pytest.mark.parametrize(
    ("operator", "dropout", "draws"),
    [
        (ATEN._scaled_dot_product_efficient_attention.default, 0.0, False),
        (ATEN._scaled_dot_product_efficient_attention.default, 0.1, True),
        (ATEN._scaled_dot_product_efficient_attention_backward.default, 0.1, False),
        (ATEN._scaled_dot_product_cudnn_attention.default, 0.1, True),
        (ATEN._scaled_dot_product_cudnn_attention_backward.default, 0.1, False),
        (ATEN.native_dropout.default, 0.1, True),
    ],
)
def test_attention_draws_random_numbers_in_forward_alone(operator: Any, dropout: float, draws: bool) -> None:
    assert draws_random_numbers(operator, (), {"dropout_p": dropout}) is draws


def adam_update(device: str, foreach: bool | None) -> set[str]:
    """Return the operators by which a parameter on a device is updated."""
    with fake_mode():
        parameter = torch.nn.Parameter(torch.empty(3, device=device))
    optimizer = torch.optim.AdamW([parameter], foreach=foreach)
    graph = fx.Graph()
    target, gradient = graph.placeholder("target"), graph.placeholder("gradient")
    writer = StepWriter(graph, graph.output(target), gradient)
    (update,) = updates_of(optimizer, {"weight": parameter}).values()
    update.emit(writer, target, Gradient(gradient, is_owned=True), parameter)
    return {str(node.target) for node in graph.nodes if node.op == "call_function"}


@pytest.mark.parametrize(
    ("device", "foreach", "in_lists"),
    [
        ("cuda", None, True),
        ("cuda", True, True),
        ("cuda", False, False),
        ("cpu", None, False),
        ("cpu", True, True),
    ],
)
def test_parameters_are_updated_in_lists_where_eager_does(
    device: str, foreach: bool | None, in_lists: bool
) -> None:
    operators = adam_update(device, foreach)
    assert ("aten._foreach_div_.ScalarList" in operators) is in_lists
    assert ("aten.div_.Tensor" in operators) is not in_lists


def test_a_switch_to_lists_is_seen() -> None:
    parameter = torch.nn.Parameter(torch.empty(3))
    seen = [structure_of(torch.optim.SGD([parameter], foreach=foreach)) for foreach in (None, False, True)]
    assert len(set(seen)) == 3
