"""Whole training steps: the bits of eager PyTorch, whatever is trained and however."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR
from torch.utils.checkpoint import checkpoint  # pyright: ignore[reportUnknownVariableType]

import hmcos
from hmcos.torch import training_step
from torch_training import (
    MakeOptimizer,
    ResNet18,
    Training,
    Transformer,
    adamw,
    image_batches,
    same,
    sgd,
    word_batches,
    word_loss,
)

pytestmark = pytest.mark.slow


def small() -> Transformer:
    return Transformer(layers=1, width=16)


OPTIMIZERS: dict[str, MakeOptimizer] = {
    "sgd": lambda m: SGD(m.parameters(), lr=0.1),
    "momentum": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01),
    "nesterov": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "sgd maximize": lambda m: SGD(m.parameters(), lr=0.01, momentum=0.9, maximize=True),
    "sgd foreach": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, foreach=True),
    "sgd one by one": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, foreach=False),
    "adam": lambda m: Adam(m.parameters(), lr=0.01),
    "adam weight decay": lambda m: Adam(
        m.parameters(), lr=0.01, weight_decay=0.1, betas=(0.8, 0.9), eps=1e-5
    ),
    "adam maximize": lambda m: Adam(m.parameters(), lr=0.01, maximize=True),
    "adam amsgrad": lambda m: Adam(m.parameters(), lr=0.01, amsgrad=True),
    "adamw": adamw,
    "adamw amsgrad": lambda m: AdamW(m.parameters(), lr=0.01, amsgrad=True, foreach=False),
    "adamw foreach": lambda m: AdamW(m.parameters(), lr=0.01, foreach=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_the_bits_of_eager(name: str) -> None:
    assert Training(small, word_loss, OPTIMIZERS[name]).differences(word_batches(2)) == []


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_numbers_are_rounded_as_eager_rounds_them(kind: Any, foreach: bool) -> None:
    named: dict[str, Any] = {"momentum": 0.9, "dampening": 0.3} if kind is SGD else {}
    named |= {"lr": 0.1, "weight_decay": 0.1, "foreach": foreach}
    training = Training(lambda: small().bfloat16(), word_loss, lambda m: kind(m.parameters(), **named))
    assert training.differences(word_batches(2, count=4)) == []


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_clipping_has_the_bits_of_eager(name: str) -> None:
    batches = word_batches(2)
    assert Training(small, word_loss, OPTIMIZERS[name], clip=0.3).differences(batches) == []
    clipped, free = small(), small()
    free.load_state_dict(clipped.state_dict())
    Training(small, word_loss, sgd, clip=0.3).planned(clipped, batches)
    Training(small, word_loss, sgd).planned(free, batches)
    assert not same(clipped.places, free.places)


def test_models_with_batch_norm_train() -> None:
    training = Training(lambda: ResNet18(4), nn.CrossEntropyLoss(label_smoothing=0.1), sgd)
    assert training.differences(image_batches(2)) == []


def test_other_memory_formats_train() -> None:
    def make() -> nn.Module:
        # With 4 channels, torch 2.13 computes nonsense or hangs on processors with AVX2 alone: in the
        # gradient of the weights of a 1 x 1 convolution with stride 2 whose channels are no multiple of 8.
        return cast(Any, ResNet18(8)).to(memory_format=torch.channels_last)

    assert Training(make, nn.CrossEntropyLoss(), adamw, clip=1.0).differences(image_batches(2)) == []


@pytest.mark.parametrize("accumulate", [2, 3])
@pytest.mark.parametrize("clip", [None, 0.1])
def test_gradients_accumulate(accumulate: int, clip: float | None) -> None:
    training = Training(small, word_loss, adamw, clip=clip, accumulate=accumulate)
    assert training.differences(word_batches(2, count=2 * accumulate)) == []


class Tasks(nn.Module):
    """Every batch says which head it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(8, 8)
        self.heads = nn.ModuleDict({"a": nn.Linear(8, 8), "b": nn.Linear(8, 8)})

    def forward(self, x: Tensor, task: str) -> Tensor:
        return self.heads[task](self.body(x).tanh()).square().sum()


@pytest.mark.parametrize("clip", [None, 0.1])
@pytest.mark.parametrize("tasks", ["abba", "aabb", "abaaab"])
def test_calls_that_accumulate_may_train_different_parameters(tasks: str, clip: float | None) -> None:
    accumulate = len(tasks) // 2
    batches = [(torch.randn(4, 8), task) for task in tasks]
    assert Training(Tasks, None, adamw, clip=clip, accumulate=accumulate).differences(batches) == []


def test_accumulated_gradients_that_are_gone_are_missed() -> None:
    model = small()
    batch = word_batches(1)[0]
    step = training_step(model, word_loss, adamw(model), batch, accumulate=2, cache=False)
    step(*batch)
    model.zero_grad()
    with pytest.raises(hmcos.HmcosError, match=r"gradient of 'places' that earlier calls added up is gone"):
        step(*batch)


@pytest.mark.parametrize("make", [small, lambda: ResNet18(4)])
def test_autocast_holds_for_model_and_loss(make: Callable[[], nn.Module]) -> None:
    words = make is small
    batches = word_batches(2) if words else image_batches(2)
    loss = word_loss if words else nn.CrossEntropyLoss()
    training = Training(make, loss, adamw, around=lambda: torch.autocast("cpu", torch.bfloat16))
    assert training.differences(batches) == []


def test_parameters_of_bfloat16_train() -> None:
    assert Training(lambda: small().bfloat16(), word_loss, adamw, clip=1.0).differences(word_batches(2)) == []


class Mixed(nn.Module):
    """Layers of two types."""

    def __init__(self) -> None:
        super().__init__()
        kinds = [torch.float32, torch.bfloat16, torch.float32, torch.bfloat16, torch.bfloat16]
        self.layers = nn.ModuleList(nn.Linear(8, 8).to(kind) for kind in kinds)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x.to(cast(Tensor, layer.weight).dtype)).tanh()
        return x.float().sum()


def test_gradients_of_several_types_are_clipped_together() -> None:
    batches = [(torch.randn(4, 8),) for _ in range(3)]
    assert Training(Mixed, None, sgd, clip=0.1).differences(batches) == []


def grouped(model: nn.Module) -> Optimizer:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": vectors, "weight_decay": 0.0, "lr": 0.5, "betas": (0.8, 0.9)},
        {"params": matrices, "weight_decay": 0.1, "amsgrad": True},
    ]
    return AdamW(groups, lr=0.01)


def test_groups_keep_their_options() -> None:
    assert Training(small, word_loss, grouped, clip=1.0).differences(word_batches(2)) == []


def cosine(optimizer: Optimizer) -> LRScheduler:
    return CosineAnnealingLR(optimizer, 5)


def one_cycle(optimizer: Optimizer) -> LRScheduler:
    return OneCycleLR(optimizer, 0.1, total_steps=5)  # changes momentum too


@pytest.mark.parametrize("scheduler", [cosine, one_cycle])
def test_schedulers_change_numbers_between_calls(scheduler: Callable[[Optimizer], LRScheduler]) -> None:
    training = Training(small, word_loss, sgd, scheduler=scheduler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert training.differences(word_batches(2, count=4)) == []
    (step,) = training.steps
    assert len(step.plans) == 1


def test_frozen_parameters_stay_and_can_thaw() -> None:
    model = small()
    model.places.requires_grad_(False)
    before = model.places.detach().clone()
    batches = word_batches(2)
    step = training_step(model, word_loss, adamw(model), batches[0], cache=False)
    step(*batches[0])
    assert torch.equal(model.places, before)
    model.places.requires_grad_(True)
    step(*batches[0])
    assert not torch.equal(model.places, before)
    assert len(step.plans) == 2


class Unusual(nn.Module):
    """Returns its loss, has a parameter that it does not use, assigns a buffer and closes over a tensor."""

    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.inside = small()
        self.unused = nn.Linear(3, 3)
        self.register_buffer("count", torch.zeros(()))
        self.constant = torch.tensor(2.0)

    def forward(self, words: Tensor, labels: Tensor) -> SimpleNamespace:
        self.count = self.count + 1
        return SimpleNamespace(loss=word_loss(self.inside(words), labels) * self.constant)


def test_models_may_return_their_loss() -> None:
    training = Training(Unusual, None, adamw)
    assert training.differences(word_batches(2)) == []


def test_batches_may_be_named() -> None:
    batches = [{"labels": labels, "words": words} for words, labels in word_batches(2)]
    assert Training(Unusual, None, adamw).differences(batches) == []


class Summed(nn.Module):
    """Its gradients are expanded tensors, which backward() copies, and shared ones."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.randn(8)), nn.Parameter(torch.randn(8))
        self.wide = nn.Parameter(torch.randn(8, 3).t())

    def forward(self, x: Tensor) -> Tensor:
        return (x * (self.first + self.second)).sum() + self.wide.sum() + self.first.expand(3, 8).sum()


@pytest.mark.parametrize("name", ["momentum", "adam weight decay", "sgd maximize"])
def test_gradients_that_share_memory_are_not_overwritten(name: str) -> None:
    batches = [(torch.randn(4, 8),) for _ in range(4)]
    optimizer = OPTIMIZERS[name]
    assert Training(Summed, None, optimizer).differences(batches) == []
    assert Training(Summed, None, optimizer, clip=0.1).differences(batches) == []
    assert Training(Summed, None, optimizer, accumulate=2).differences(batches) == []


def test_the_loss_may_have_parameters_and_buffers() -> None:
    class Scaled(nn.Module):
        weight: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.register_buffer("weight", torch.rand(50))

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            scaled = output.flatten(0, 1) * self.scale
            return nn.functional.cross_entropy(scaled, target.flatten(), self.weight)

    model, loss = small(), Scaled()
    optimizer = AdamW([*model.parameters(), *loss.parameters()], lr=0.01)
    batch = word_batches(2)[0]
    step = training_step(model, loss, optimizer, batch, cache=False)
    step(*batch)
    assert loss.scale.item() != 1


def test_another_shape_and_another_mode_are_planned_once_each() -> None:
    model = small()
    batch, wide = word_batches(2)[0], word_batches(3, length=8)[0]
    step = training_step(model, word_loss, adamw(model), batch, cache=False)
    for given in (batch, wide, wide, batch):
        step(*given)
    assert len(step.plans) == 2
    model.eval()  # no dropout
    step(*batch)
    step(*batch)
    assert len(step.plans) == 3


@pytest.mark.parametrize("name", ["momentum", "adamw amsgrad"])
def test_training_goes_on_from_a_checkpoint(name: str) -> None:
    optimizer, batches = OPTIMIZERS[name], word_batches(2, count=4)
    training = Training(small, word_loss, optimizer)
    whole = training.model()
    losses = training.planned(whole, batches)

    model = training.model()
    kept = optimizer(model)
    step = training.step(model, kept, batches[0])
    torch.manual_seed(3)
    for batch in batches[:2]:
        step(*batch)
    random = torch.get_rng_state()
    saved = {"model": model.state_dict(), "optimizer": kept.state_dict()}

    torch.manual_seed(9)
    resumed = small()
    other = optimizer(resumed)
    step = training.step(resumed, other, batches[0])
    resumed.load_state_dict(saved["model"])
    other.load_state_dict(saved["optimizer"])  # replaces groups and state
    torch.set_rng_state(random)
    assert [step(*batch).item() for batch in batches[2:]] == [loss.item() for loss in losses[2:]]


def test_eager_goes_on_where_a_step_stopped_and_the_other_way_round() -> None:
    training, batches = Training(small, word_loss, adamw), word_batches(2, count=4)
    eager = training.model()
    expected = training.eager(eager, batches)

    model = training.model()
    optimizer = adamw(model)
    step = training.step(model, optimizer, batches[0])
    torch.manual_seed(3)
    losses: list[Tensor] = []
    for number, batch in enumerate(batches):
        if number % 2:
            losses.append(step(*batch))
        else:
            loss = training.value(model, batch)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
    assert all(map(same, losses, expected))


def test_making_a_step_changes_nothing() -> None:
    model = small()
    optimizer = adamw(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batch = word_batches(2)[0]
    random = torch.get_rng_state()
    training_step(model, word_loss, optimizer, batch, cache=False)
    assert torch.equal(random, torch.get_rng_state())
    assert all(same(value, before[name]) for name, value in model.state_dict().items())
    assert not optimizer.state
    assert all(p.grad is None for p in model.parameters())
    assert not model._forward_hooks and not model.blocks._forward_pre_hooks  # pyright: ignore[reportPrivateUsage]


def test_a_step_runs_under_no_grad_and_returns_a_detached_loss() -> None:
    model = small()
    batch = word_batches(2)[0]
    with torch.no_grad():
        step = training_step(model, word_loss, adamw(model), batch, cache=False)
        loss = step(*batch)
    assert not loss.requires_grad
    assert all(p.grad is None for p in model.parameters())
    assert "TrainingStep of Transformer: peak " in repr(step)


class Checkpointed(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.network = Transformer(2, 16, dropout)

    def forward(self, words: Tensor) -> Tensor:
        network = self.network
        x = network.words(words) + network.places[: words.shape[1]]
        for block in network.blocks:
            x = cast(Any, checkpoint)(block, x, use_reentrant=False)
        return network.head(network.last(x))


def test_checkpointed_models_recompute() -> None:
    training = Training(lambda: Checkpointed(0.0), word_loss, adamw)
    batches = word_batches(8)
    assert training.differences(batches) == []
    (step,) = training.steps
    plain = Training(lambda: Transformer(2, 16, 0.0), word_loss, adamw)
    model = plain.model()
    assert step.plans[0].peak < plain.step(model, adamw(model), batches[0]).plans[0].peak


def test_checkpointed_dropout_is_refused() -> None:
    training = Training(lambda: Checkpointed(0.1), word_loss, adamw)
    model = training.model()
    with pytest.raises(hmcos.HmcosError, match=r"bernoulli.*network.blocks.*draws random numbers again"):
        training.step(model, adamw(model), word_batches(2)[0])
