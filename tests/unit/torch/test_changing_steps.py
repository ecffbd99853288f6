"""Models, optimizers and options that change between the calls of a training step."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW, Optimizer

from hmcos import HmcosError
from hmcos.torch import TrainingStep, training, training_step
from torch_training import same

pytestmark = pytest.mark.slow
Change = Callable[[nn.Sequential, Optimizer], None]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8))


def batch(size: int = 4, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    torch.manual_seed(size)
    return torch.randn(size, 8).to(dtype), torch.randn(size, 8).to(dtype)


def distance(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().mean()


def planned(model: nn.Module, optimizer: Optimizer, **options: Any) -> TrainingStep:
    return training_step(model, distance, optimizer, batch(), cache=False, **options)


def momentum(parameters: Any, **options: Any) -> SGD:
    return SGD(parameters, lr=0.1, momentum=0.9, **options)


def trained_in_both_ways(change: Change, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, nn.Module]:
    """Return a model trained by hmcos and one by eager PyTorch, both changed after the first step."""
    models = network(), network()
    for number, model in enumerate(models):
        optimizer = momentum([*model[0].parameters()])
        step = planned(model, optimizer) if number == 0 else None
        for at in range(3):
            given = batch(dtype=torch.float32 if at == 0 else dtype)
            if step is not None:
                step(*given)
            else:
                distance(model(given[0]), given[1]).backward()
                optimizer.step()
                model.zero_grad()
            if at == 0:
                torch.manual_seed(1)
                change(model, optimizer)
    return models


def replace_layer(model: nn.Sequential, optimizer: Optimizer) -> None:
    model[2] = nn.Linear(16, 8)
    optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.5})


def exchange_members(model: nn.Sequential, optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["params"][:] = model[2].parameters()


def change_type(model: nn.Sequential, optimizer: Optimizer) -> None:
    model.bfloat16()


def train_one_by_one(model: nn.Sequential, optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["foreach"] = True


@pytest.mark.parametrize("change", [replace_layer, exchange_members, change_type, train_one_by_one])
def test_a_step_follows_changes(change: Change) -> None:
    dtype = torch.bfloat16 if change is change_type else torch.float32
    ours, theirs = (model.state_dict() for model in trained_in_both_ways(change, dtype))
    assert [name for name, value in theirs.items() if not same(ours[name], value)] == []


def test_groups_that_exchange_their_members_keep_their_numbers() -> None:
    model = network()
    optimizer = SGD([{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.0}], lr=0.1)
    step = planned(model, optimizer)
    first, second = optimizer.param_groups
    first["params"], second["params"] = second["params"], first["params"]
    weight = cast(nn.Linear, model[0]).weight
    before = weight.detach().clone()
    step(*batch())
    assert torch.equal(before, weight)


def test_parameters_that_the_model_no_longer_has_are_refused() -> None:
    model = network()
    step = planned(model, momentum(model.parameters()))
    model.load_state_dict(deepcopy(model.state_dict()), assign=True)
    with pytest.raises(HmcosError, match=r"not in the model: make the optimizer from model\.parameters"):
        step(*batch())


def test_hooks_that_come_later_are_refused() -> None:
    model = network()
    optimizer = momentum(model.parameters())
    step = planned(model, optimizer)
    handle = cast(Any, model[0].weight).register_hook(print)
    with pytest.raises(HmcosError, match=r"parameter '0\.weight' has hooks"):
        step(*batch())
    handle.remove()
    cast(Any, optimizer).register_step_post_hook(print)
    with pytest.raises(HmcosError, match="step hooks"):
        step(*batch())


def test_the_plans_used_least_recently_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MOST_PLANS", 2)
    model = network()
    step = planned(model, momentum(model.parameters()))
    step(*batch(3))
    step(*batch(4))
    (kept, _) = step.plans
    with pytest.warns(UserWarning, match="pass numbers that change as tensors"):
        step(*batch(5))
    assert len(step.plans) == 2
    assert kept in step.plans


def test_a_step_is_not_copied() -> None:
    model = network()
    step = planned(model, momentum(model.parameters()))
    for copy in (deepcopy, pickle.dumps):
        with pytest.raises(HmcosError, match="save the state_dict"):
            copy(step)


def test_a_step_works_in_inference_mode() -> None:
    model = network()
    optimizer, given = AdamW(model.parameters()), batch()
    with torch.inference_mode():
        step = training_step(model, distance, optimizer, given, cache=False)
        step(*given)
    distance(model(given[0]), given[1]).backward()
    optimizer.step()  # with a state of ordinary tensors


def test_the_first_step_may_fail() -> None:
    def make() -> tuple[nn.Module, Optimizer]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10))
        return model, momentum(model.parameters(), dampening=0.5)

    (model, optimizer), (other, expected) = make(), make()
    good, bad = torch.tensor([1, 2, 3]), torch.tensor([1, 2, 30])
    step = training_step(model, functional.cross_entropy, optimizer, (good, good), cache=False)
    for inputs, target in ((bad, good), (good, bad)):
        with pytest.raises(IndexError):
            step(inputs, target)
    assert not any(optimizer.state.values())
    for _ in range(2):
        loss = functional.cross_entropy(other(good), good)
        loss.backward()
        expected.step()
        expected.zero_grad()
        assert same(step(good, good), loss.detach())
