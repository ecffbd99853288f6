"""What the batch of a training step may consist of, and what tracing leaves of a model."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

from hmcos import HmcosError
from hmcos.torch import training_step
from torch_training import Training, adamw, same

pytestmark = pytest.mark.slow
X, Y = torch.ones(4, 8), torch.zeros(4, 8)


def distance(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean()


class Wrapped:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


@pytest.mark.parametrize(
    ("batch", "match"),
    [
        ((Wrapped(X), Y), "batch has a Wrapped.*pass its tensors"),
        ((np.ones((4, 8)), Y), "batch has a ndarray.*torch.from_numpy"),
        ((nn.Linear(8, 8)(X), Y), r"tensor 0 of the batch was computed .*\.detach\(\)"),
        (X, r"example batch is a Tensor: give a tuple \(\*inputs, target\)"),
        ({"input": X}, r"no target for the loss.*loss=None"),
    ],
)
def test_batches_that_cannot_be_taken_are_refused(
    batch: Sequence[Any] | Mapping[str, Any], match: str
) -> None:
    model = nn.Linear(8, 8)
    with pytest.raises(HmcosError, match=match) as caught:
        training_step(model, distance, adamw(model), batch, cache=False)
    assert "\n" not in str(caught.value)


class Doubling(nn.Module):
    """Writes to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        return self.layer(x)


def test_a_batch_may_be_one_tensor_twice() -> None:
    models = [Doubling(), Doubling()]
    models[1].load_state_dict(models[0].state_dict())
    step = training_step(models[0], distance, adamw(models[0]), (X.clone(), Y), cache=False)
    ours, theirs = X.clone(), X.clone()
    loss = step(ours, ours)
    assert same(loss, distance(models[1](theirs), theirs).detach())
    assert same(ours, theirs)
    assert len(step.plans) == 2


class Penalized(nn.Module):
    """Differentiates its output by its input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        output = self.layer(x).tanh()
        (slope,) = torch.autograd.grad(output.sum(), x, create_graph=True)
        return output + slope


def test_inputs_may_require_a_gradient() -> None:
    batches = [(torch.randn(4, 8, requires_grad=True), Y) for _ in range(3)]
    assert Training(Penalized, distance, adamw).differences(batches) == []


class Remembering(nn.Module):
    """Changes everything about itself that is no parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.calls, self.seen, self.last = 0, list[Tensor](), cast("Tensor | None", None)
        self.total = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = self.layer(x)
        self.seen.append(self.last)
        self.more = self.last
        self.total += 1
        random.random()
        return self.last * self.total


def test_tracing_leaves_a_model_as_it_was() -> None:
    model = Remembering()
    before = random.getstate()
    step = training_step(model, distance, adamw(model), (X, Y), cache=False)
    assert random.getstate() == before
    assert (model.calls, model.seen, model.last, model.total.item()) == (0, [], None, 0.0)
    assert not hasattr(model, "more")
    expected = distance(model.layer(X), Y).detach()
    assert same(step(X, Y), expected)
    assert model.total.item() == 1.0


class Growing(nn.Module):
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.register_buffer("places", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        if len(self.places) < len(x):
            self.places = torch.zeros(len(x))
        return self.layer(x) + self.places[: len(x), None]


def test_buffers_that_grow_are_named() -> None:
    model = Growing()
    with pytest.raises(HmcosError, match=r"replaces buffer 'places' \(\(2,\).*run the model once"):
        training_step(model, distance, adamw(model), (X, Y), cache=False)
    model(X)
    step = training_step(model, distance, adamw(model), (X, Y), cache=False)
    step(X, Y)
    assert len(model.places) == 4
